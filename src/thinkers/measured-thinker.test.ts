import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aChatRequest } from '../testing/builders.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakeThinker } from '../testing/fake-thinker.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { measureThinker } from './measured-thinker.ts';

const timeouts = { firstTokenMs: 1, stallMs: 1, totalMs: 1 };

function aMeasured(maxConcurrency = 4) {
  const clock = new FakeClock();
  const fake = new FakeThinker('a', { maxConcurrency });
  const { thinker, measure } = measureThinker(fake, clock);
  const ask = () => {
    const sink = new RecordingSink();
    const flow = thinker.answer(aChatRequest(), sink, timeouts);
    return { flow, sink, call: fake.lastCall };
  };
  return { clock, measure, ask };
}

describe('measured thinker', () => {
  it('is busy while at least one answer runs, however they overlap and end', async () => {
    const { clock, measure, ask } = aMeasured();
    const first = ask();
    await clock.advance(1000);
    const second = ask();
    first.call.answer('x');
    await clock.advance(500);
    assert.equal(measure.busyMs(), 1500);
    second.flow.cancel();
    second.flow.cancel();
    await clock.advance(9000);
    const third = ask();
    await clock.advance(100);
    third.call.fail('upstream_failed');
    await clock.advance(100);
    assert.deepEqual([measure.busyMs(), first.sink.text, third.sink.failures.length], [1600, 'x', 1]);
  });

  it('learns its speed only while its slots are nearly full', async () => {
    const { clock, measure, ask } = aMeasured(4);
    const speak = async (calls: ReturnType<typeof ask>[], seconds: number, perSecond: number) => {
      for (let s = 0; s < seconds; s++) {
        for (const { call } of calls) for (let i = 0; i < perSecond; i++) call.text('t');
        await clock.advance(1000);
      }
    };
    const two = [ask(), ask()];
    await speak(two, 20, 50);
    assert.equal(measure.tokensPerS(), undefined);
    const full = [...two, ask()];
    await speak(full, 11, 40);
    assert.ok(Math.abs(measure.tokensPerS()! - 120) < 15, String(measure.tokensPerS()));
    await speak(full, 60, 10);
    assert.ok(measure.tokensPerS()! < 0.6 * measure.bestTokensPerS()!);
  });
});
