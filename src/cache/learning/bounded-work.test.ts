import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BoundedWork } from './bounded-work.ts';

const unexpected = (error: unknown): void => assert.fail(String(error));
const held = () => Promise.withResolvers<void>();

describe('bounded work', () => {
  it('runs a few at a time, in order, and refuses beyond its bound', async () => {
    const work = new BoundedWork({ runningMax: 2, waitingMax: 1, failed: unexpected });
    const gates = [held(), held(), held(), held()];
    const begun: number[] = [];
    const taken = gates.map((gate, i) =>
      work.offer(() => {
        begun.push(i);
        return gate.promise;
      }),
    );
    assert.deepEqual([taken, begun, work.size], [[true, true, true, false], [0, 1], 3]);
    gates[0]!.resolve();
    await new Promise(setImmediate);
    assert.deepEqual(begun, [0, 1, 2]);
    gates[1]!.resolve();
    gates[2]!.resolve();
    await work.close();
    assert.equal(work.size, 0);
    assert.equal(
      work.offer(async () => undefined),
      false,
    );
  });

  it('tells of a task that throws, and runs the next one', async () => {
    const told: unknown[] = [];
    const work = new BoundedWork({ runningMax: 1, waitingMax: 4, failed: (error) => told.push(error) });
    const bug = new Error('bug');
    let ran = false;
    work.offer(() => Promise.reject(bug));
    work.offer(async () => void (ran = true));
    await new Promise(setImmediate);
    assert.deepEqual([told, ran], [[bug], true]);
  });

  it('forgets what waits when it is closed', async () => {
    const work = new BoundedWork({ runningMax: 1, waitingMax: 4, failed: unexpected });
    const gate = held();
    work.offer(() => gate.promise);
    work.offer(() => assert.fail('must not run'));
    const closed = work.close();
    gate.resolve();
    await closed;
  });
});
