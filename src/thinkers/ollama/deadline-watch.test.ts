import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../../testing/fake-clock.ts';
import { DeadlineWatch, type Watched } from './deadline-watch.ts';

class Call implements Watched {
  watchedAt = -1;
  checks = 0;
  onCheck: () => void = () => undefined;

  check(): void {
    this.checks += 1;
    this.onCheck();
  }
}

describe('DeadlineWatch', () => {
  it('checks each call it watches once a tick, whatever came and went', async () => {
    const step = fc.record({ add: fc.boolean(), call: fc.nat(7) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = new FakeClock();
        const watch = new DeadlineWatch(clock);
        const calls = Array.from({ length: 8 }, () => new Call());
        const watched = new Set<Call>();
        for (const { add, call: index } of steps) {
          const call = calls[index]!;
          if (add) {
            watch.add(call);
            watched.add(call);
          } else {
            watch.remove(call);
            watched.delete(call);
          }
        }
        await clock.advance(50);
        for (const call of calls) assert.equal(call.checks, watched.has(call) ? 1 : 0);
        watch.close();
      }),
    );
  });

  it('checks the others also when one leaves while it is checked', async () => {
    const clock = new FakeClock();
    const watch = new DeadlineWatch(clock);
    const calls = [new Call(), new Call(), new Call()];
    for (const call of calls) watch.add(call);
    for (const call of calls) call.onCheck = () => watch.remove(call);
    await clock.advance(50);
    assert.deepEqual(
      calls.map(({ checks }) => checks),
      [1, 1, 1],
    );
    await clock.advance(500);
    assert.equal(calls[0]!.checks, 1);
  });
});
