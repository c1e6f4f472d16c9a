import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndEvent } from '../../core/chat.ts';
import { AppError } from '../../core/errors.ts';
import { exactKey } from '../../core/ids.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { delta, end, FakeUpstream, fromThinker, openFlight, start } from '../../testing/fake-upstream.ts';
import { RecordingSink } from '../../testing/recording-sink.ts';
import { createSingleFlight, type SingleFlightOptions } from '../single-flight.ts';

const noLimit = { outputLimit: undefined };
const broken = () => new AppError('upstream_failed', 'thinker T reset the connection; try again');
const aFlight = (options: SingleFlightOptions = {}, outputLimit?: number) =>
  openFlight(createSingleFlight({ logger: silentLogger, options }), outputLimit);

describe('single flight', () => {
  describe('output limits', () => {
    it('cuts a joiner with a lower limit there, with `length`', () => {
      const { upstream, leader, join } = aFlight({}, 10);
      upstream.push(start, delta('a'));
      const low = join(2);
      upstream.push(delta('b'));
      assert.equal(low.sink.ended, false);
      upstream.push(delta('c'), delta('d'), end('stop', 4));
      assert.equal(low.sink.text, 'ab');
      const cut = low.sink.events.at(-1) as EndEvent;
      assert.equal(cut.finishReason, 'length');
      assert.deepEqual(cut.usage, { promptTokens: 0, completionTokens: 2 });
      assert.equal(leader.text, 'abcd');
      assert.equal(upstream.landed.length, 1);
    });

    it('cuts a joiner between pieces that came at once', () => {
      const { upstream, leader, join } = aFlight({}, 10);
      upstream.push(start, delta('a'));
      const low = join(3);
      upstream.push({ type: 'text-delta', text: 'bcde', pieces: ['b', 'c', 'd', 'e'] }, end('stop', 5));
      assert.equal(low.sink.text, 'abc');
      const cut = low.sink.events.at(-1) as EndEvent;
      assert.equal(cut.finishReason, 'length');
      assert.equal(cut.usage.completionTokens, 3);
      assert.equal(leader.text, 'abcde');
    });

    it('leaves pieces that came at once whole when they end at the lower limit', () => {
      const { upstream, join } = aFlight();
      const low = join(2);
      upstream.push(start, { type: 'text-delta', text: 'ab', pieces: ['a', 'b'] }, end('stop', 2));
      assert.deepEqual(low.sink.events.at(-1), end('stop', 2));
    });

    it('leaves an answer that ends at the lower limit as it is', () => {
      const { upstream, join } = aFlight();
      const low = join(2);
      upstream.push(start, delta('a'), delta('b'), end('stop', 2));
      assert.deepEqual(low.sink.events.at(-1), end('stop', 2));
    });

    it('cancels upstream when the cut one was the last reader', () => {
      const { upstream, flow, join } = aFlight();
      const low = join(1);
      upstream.push(start, delta('a'));
      flow.cancel();
      assert.equal(upstream.cancelled, 0);
      upstream.push(delta('b'));
      assert.equal(low.sink.ended, true);
      assert.equal(upstream.cancelled, 1);
      assert.deepEqual(upstream.landed, []);
    });

    it('holds a joiner with a higher limit back until the leader ends, then serves it whole on `stop`', () => {
      for (const limit of [20, undefined]) {
        const { upstream, leader, flow, join } = aFlight({}, 10);
        const high = join(limit);
        upstream.sink.origin(fromThinker);
        upstream.push(start, delta('a'));
        flow.pause();
        assert.equal(upstream.paused, false);
        flow.resume();
        assert.deepEqual(high.sink.origins, []);
        upstream.push(end());
        assert.deepEqual(high.sink.events, leader.events);
        assert.equal(high.sink.origins.length, 1);
        assert.equal(high.declined(), 0);
      }
    });

    it('sends a joiner with a higher limit away, unheard, when the leader ends by `length`', () => {
      const { singleFlight, upstream, leader, join } = aFlight({}, 1);
      const high = join(20);
      upstream.sink.origin(fromThinker);
      upstream.push(start, delta('a'), end('length', 1));
      assert.equal(leader.ended, true);
      assert.deepEqual([high.sink.events, high.sink.origins, high.declined()], [[], [], 1]);
      assert.deepEqual(singleFlight.stats(), { flights: 0, subscribers: 0 });
    });

    it('fails a joiner that is held back without the start of an answer', () => {
      const { upstream, join } = aFlight({}, 1);
      const high = join(20);
      upstream.sink.origin(fromThinker);
      upstream.push(start, delta('a'));
      upstream.sink.fail(broken());
      assert.deepEqual([high.sink.events.length, high.sink.failures.length, high.declined()], [0, 1, 0]);
    });
  });

  describe('bounds', () => {
    it('stops buffering an over-long answer: no joiners, nothing lands, its readers get all of it', () => {
      const { upstream, leader, flow, join } = aFlight({ answerBytesMax: 500 }, 1000);
      const held = join(5000);
      upstream.push(start);
      for (let i = 0; i < 100; i++) upstream.push(delta('x'));
      assert.equal(held.declined(), 1);
      assert.equal(join().flow, undefined);
      flow.pause();
      upstream.push(delta('y'));
      flow.resume();
      upstream.push(end());
      assert.equal(leader.text, `${'x'.repeat(100)}y`);
      assert.equal(leader.ended, true);
      assert.deepEqual(upstream.landed, []);
    });

    it('pauses upstream rather than buffering an over-long answer for a slow reader', () => {
      const { upstream, leader, flow, join } = aFlight({ answerBytesMax: 500 });
      const fast = join();
      flow.pause();
      upstream.push(start);
      for (let i = 0; i < 20; i++) upstream.push(delta('x'));
      assert.equal(upstream.paused, true);
      flow.resume();
      assert.equal(upstream.paused, false);
      upstream.push(end());
      assert.deepEqual(leader.events, fast.sink.events);
    });

    it('runs flights above the bound alone', () => {
      const { singleFlight } = aFlight({ flightsMax: 1 });
      const second = new FakeUpstream();
      const sink = new RecordingSink();
      const other = exactKey('other');
      singleFlight.open(other, sink, noLimit, second.start, second.land);
      assert.equal(singleFlight.join(other, new RecordingSink(), { ...noLimit, declined() {} }), undefined);
      second.push(start, end());
      assert.equal(sink.ended, true);
      assert.equal(second.landed.length, 1);
      assert.equal(singleFlight.stats().flights, 1);
    });

    it('turns joiners above the bound away', () => {
      const { join } = aFlight({ subscribersMax: 2 });
      assert.ok(join().flow);
      assert.equal(join().flow, undefined);
    });
  });
});
