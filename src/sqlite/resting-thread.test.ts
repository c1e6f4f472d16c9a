import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../testing/fake-clock.ts';
import type { DiskError } from './disk-error.ts';
import { startRestingThread } from './resting-thread.ts';

interface Calls {
  /** @returns what has been added since the thread was opened */
  add(word: string): readonly string[];
  fail(): void;
  crash(): void;
  close(): void;
}
interface Opened {
  readonly setup: { readonly start: number };
}

const serveDiskUrl = new URL('disk-thread.ts', import.meta.url).href;
const program = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { serveDisk } from '${serveDiskUrl}';
    serveDisk((setup) => {
      if (setup.start === setup.refused) throw new Error('not this time');
      const words = [];
      return { opened: { setup }, calls: {
        add(word) { words.push(word); return words; },
        fail() { throw new Error('refused'); },
        crash() { process.exit(1); },
        close() {},
      } };
    });`)}`,
);

async function aRestingThread({ refused = 0 } = {}) {
  const clock = new FakeClock();
  const reopened: Opened[] = [];
  let start = 0;
  const { thread } = await startRestingThread<{ readonly opened: Opened; readonly calls: Calls }>({
    program,
    name: 'words',
    setup: () => ({ start: ++start, refused }),
    heapMib: { young: 4, old: 32 },
    clock,
    restAfterMs: 1_000,
    reopened: (opened) => reopened.push(opened),
  });
  return { thread, clock, starts: () => start, reopened };
}

describe('a disk thread that rests', () => {
  it('ends after a while without calls, and starts again for the next one', async () => {
    const { thread, clock, starts, reopened } = await aRestingThread();
    assert.deepEqual(await thread.call('add', 'one'), ['one']);
    await clock.advance(999);
    assert.deepEqual(await thread.call('add', 'two'), ['one', 'two'], 'each call begins the wait anew');
    await clock.advance(1_000);
    assert.equal(starts(), 1, 'nobody asks: it rests');
    assert.deepEqual(await thread.call('add', 'three'), ['three'], 'by a new thread');
    assert.deepEqual([starts(), reopened.map(({ setup }) => setup.start)], [2, [2]]);
    await thread.end();
  });

  it('keeps the order of calls that find it at rest', async () => {
    const { thread, clock, starts } = await aRestingThread();
    await clock.advance(1_000);
    const words = ['a', 'b', 'c', 'd'];
    const all = await Promise.all(words.map((word) => thread.call('add', word)));
    assert.deepEqual(all.at(-1), words);
    assert.equal(starts(), 2, 'one start for all');
    await thread.end();
  });

  it('does not rest while a call is under way', async () => {
    const { thread, clock, starts } = await aRestingThread();
    const asked = thread.call('add', 'one');
    await clock.advance(5_000);
    await asked;
    await thread.call('add', 'two');
    assert.equal(starts(), 1);
    await thread.end();
  });

  it('is there again after a crash, for the call after the one that fails', async () => {
    const { thread, starts } = await aRestingThread();
    await assert.rejects(thread.call('crash'), (error: DiskError) => error.fault === 'failed');
    assert.deepEqual(await thread.call('add', 'one'), ['one']);
    assert.equal(starts(), 2);
    await thread.end();
  });

  it('fails the call for which it cannot be opened again, and tries with the next', async () => {
    const { thread, clock } = await aRestingThread({ refused: 2 });
    await clock.advance(1_000);
    await assert.rejects(thread.call('add', 'one'), /not this time/);
    assert.deepEqual(await thread.call('add', 'two'), ['two']);
    await thread.end();
  });

  it('stays awake after a call that is refused', async () => {
    const { thread, starts } = await aRestingThread();
    await thread.call('add', 'one');
    await assert.rejects(thread.call('fail'), /refused/);
    assert.deepEqual(await thread.call('add', 'two'), ['one', 'two']);
    assert.equal(starts(), 1);
    await thread.end();
  });

  it('can be ended at rest, and does not come back', async () => {
    const { thread, clock, starts } = await aRestingThread();
    await clock.advance(1_000);
    await thread.end();
    await assert.rejects(thread.call('add', 'late'), (error: DiskError) => error.fault === 'failed');
    assert.equal(starts(), 1);
  });
});
