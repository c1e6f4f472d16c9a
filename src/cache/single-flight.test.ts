import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Answer } from '../core/answer.ts';
import type { AnswerFlow, AnswerOrigin, ChatEvent, DispatchSink, EndEvent } from '../core/chat.ts';
import { AppError } from '../core/errors.ts';
import { entryId, exactKey, thinkerId } from '../core/ids.ts';
import { epochMs } from '../core/units.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { createSingleFlight, type SingleFlightOptions } from './single-flight.ts';

const key = exactKey('k');
const noLimit = { outputLimit: undefined };
const start: ChatEvent = { type: 'start', model: 'm', createdAt: epochMs(1) };
const delta = (text: string): ChatEvent => ({ type: 'text-delta', text });
const end = (finishReason: EndEvent['finishReason'] = 'stop', completionTokens = 3): EndEvent => ({
  type: 'end',
  finishReason,
  usage: { promptTokens: 7, completionTokens },
  timings: { totalNs: 1, loadNs: 0, promptEvalNs: 0, evalNs: 1 },
});
const fromThinker: AnswerOrigin = {
  source: 'thinker',
  thinker: { id: thinkerId('t'), name: 'T', kind: 'static', digest: 'd', queuedMs: 0, cold: false },
};
const broken = () => new AppError('upstream_failed', 'thinker T reset the connection; try again');

/** The producing side of one flight, in the hands of a test. */
class Upstream implements AnswerFlow {
  paused = false;
  cancelled = 0;
  starts = 0;
  sink!: DispatchSink;
  readonly landed: Answer[] = [];
  readonly start = (sink: DispatchSink): AnswerFlow => {
    this.starts += 1;
    this.sink = sink;
    return this;
  };
  readonly land = (answer: Answer): void => void this.landed.push(answer);
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  cancel(): void {
    this.cancelled += 1;
  }
  push(...events: ChatEvent[]): void {
    for (const event of events) this.sink.event(event);
  }
}

function aFlight(options: SingleFlightOptions = {}, outputLimit?: number) {
  const singleFlight = createSingleFlight({ logger: silentLogger, options });
  const upstream = new Upstream();
  const leader = new RecordingSink();
  const flow = singleFlight.open(key, leader, { outputLimit }, upstream.start, upstream.land);
  const join = (limit?: number, sink = new RecordingSink()) => {
    let declined = 0;
    const joined = singleFlight.join(key, sink, { outputLimit: limit, declined: () => (declined += 1) });
    return { sink, flow: joined, declined: () => declined };
  };
  return { singleFlight, upstream, leader, flow, join };
}

describe('single flight', () => {
  it('gives a late joiner the buffered prefix, then live events', () => {
    const { upstream, leader, join } = aFlight();
    upstream.sink.origin(fromThinker);
    upstream.push(start, delta('a'), delta('b'));
    const late = join();
    assert.deepEqual(late.sink.events, [start, delta('a'), delta('b')]);
    upstream.push(delta('c'), end());
    assert.deepEqual(late.sink.events, leader.events);
    assert.deepEqual(late.sink.breaches, []);
    assert.deepEqual(leader.origins, [fromThinker]);
    assert.deepEqual(late.sink.origins, [{ ...fromThinker, source: 'coalesced' }]);
  });

  it('tells a joiner of a replayed hit about that hit', () => {
    const { upstream, join } = aFlight();
    const hit: AnswerOrigin = { source: 'semantic', hit: { entryId: entryId('e'), similarity: 0.97, ageS: 3 } };
    upstream.sink.origin(hit);
    upstream.push(start);
    assert.deepEqual(join().sink.origins, [hit]);
  });

  it('makes one upstream call for 200 identical requests, also when the first caller leaves', () => {
    const { singleFlight, upstream, leader, flow, join } = aFlight();
    const others = Array.from({ length: 199 }, () => join());
    upstream.push(start, delta('a'));
    flow.cancel();
    upstream.push(delta('b'), end());
    assert.equal(upstream.starts, 1);
    assert.equal(upstream.cancelled, 0);
    assert.equal(leader.ended, false);
    for (const { sink } of others) assert.deepEqual(sink.events, [start, delta('a'), delta('b'), end()]);
    assert.equal(upstream.landed.length, 1);
    assert.deepEqual(singleFlight.stats(), { flights: 0, subscribers: 0 });
  });

  it('cancels upstream in the same turn in which the last subscriber leaves', () => {
    const { singleFlight, upstream, flow, join } = aFlight();
    const other = join();
    flow.cancel();
    flow.cancel();
    assert.equal(upstream.cancelled, 0);
    other.flow!.cancel();
    assert.equal(upstream.cancelled, 1);
    upstream.push(start, end());
    upstream.sink.fail(broken());
    assert.deepEqual(other.sink.events, []);
    assert.deepEqual(upstream.landed, []);
    assert.equal(join().flow, undefined);
    assert.deepEqual(singleFlight.stats(), { flights: 0, subscribers: 0 });
  });

  it('pauses upstream only while every subscriber is paused', () => {
    const { upstream, flow, join } = aFlight();
    const other = join();
    flow.pause();
    assert.equal(upstream.paused, false);
    other.flow!.pause();
    assert.equal(upstream.paused, true);
    const third = join();
    assert.equal(upstream.paused, false);
    third.flow!.cancel();
    assert.equal(upstream.paused, true);
    flow.resume();
    assert.equal(upstream.paused, false);
  });

  it('sends a paused subscriber what it missed once it resumes, the end included', () => {
    const { upstream, leader, flow, join } = aFlight();
    const other = join();
    flow.pause();
    upstream.push(start, delta('a'), end());
    assert.deepEqual(leader.events, []);
    assert.equal(other.sink.ended, true);
    flow.resume();
    assert.deepEqual(leader.events, other.sink.events);
  });

  it('stops sending in the middle of the buffer when the sink pauses or cancels inside a delivery', () => {
    const { upstream, join } = aFlight();
    upstream.push(start, delta('a'), delta('b'));
    const pausing = new RecordingSink();
    let flow: AnswerFlow | undefined;
    pausing.onEvent = (event) => void (event.type === 'text-delta' && flow?.pause());
    ({ flow } = join(undefined, pausing));
    upstream.push(delta('c'));
    upstream.push(delta('d'));
    assert.deepEqual(pausing.text, 'abc');
    pausing.onEvent = (event) => void (event.type === 'text-delta' && flow!.cancel());
    flow!.resume();
    upstream.push(delta('e'), end());
    assert.deepEqual(pausing.text, 'abcd');
  });

  it('fails every subscriber once, before the first event and after it', () => {
    for (const prefix of [[], [start, delta('a')]]) {
      const { upstream, leader, flow, join } = aFlight();
      const other = join();
      const slow = join();
      slow.flow!.pause();
      upstream.push(...prefix);
      const error = broken();
      upstream.sink.fail(error);
      upstream.sink.fail(broken());
      slow.flow!.resume();
      for (const sink of [leader, other.sink, slow.sink]) {
        assert.deepEqual(sink.events, prefix);
        assert.deepEqual(sink.failures, [error]);
        assert.deepEqual(sink.breaches, []);
      }
      assert.deepEqual(upstream.landed, []);
      assert.equal(join().flow, undefined);
      flow.cancel();
      assert.equal(upstream.cancelled, 0);
    }
  });

  it('keeps one faulty reader from harming the others', () => {
    const { upstream, leader, join } = aFlight();
    const faulty = new RecordingSink();
    faulty.onEvent = () => {
      throw new Error('socket gone');
    };
    join(undefined, faulty);
    upstream.push(start, delta('a'), end());
    assert.deepEqual(leader.events, [start, delta('a'), end()]);
    assert.deepEqual(faulty.events, [start]);
  });

  it('cancels upstream when its only reader is faulty', () => {
    const { upstream, leader } = aFlight();
    leader.onEvent = () => {
      throw new Error('socket gone');
    };
    upstream.push(start);
    assert.equal(upstream.cancelled, 1);
  });

  it('lands the whole answer before subscribers see its end', () => {
    const { upstream, leader } = aFlight();
    let landedAtEnd = -1;
    leader.onEvent = (event) => void (event.type === 'end' && (landedAtEnd = upstream.landed.length));
    upstream.push(start, { type: 'thinking-delta', text: 'hm' }, delta('a'), delta('b'), end());
    assert.equal(landedAtEnd, 1);
    assert.deepEqual(upstream.landed, [
      { model: 'm', createdAt: 1, thinking: 'hm', text: 'ab', toolCalls: [], end: end() },
    ]);
  });

  it('delivers the end even when keeping the answer throws', () => {
    const singleFlight = createSingleFlight({ logger: silentLogger });
    const sink = new RecordingSink();
    const upstream = new Upstream();
    singleFlight.open(key, sink, noLimit, upstream.start, () => {
      throw new Error('disk full');
    });
    upstream.push(start, end());
    assert.equal(sink.ended, true);
  });

  it('serves a producer that pushes everything before it returns', () => {
    const singleFlight = createSingleFlight({ logger: silentLogger });
    const sink = new RecordingSink();
    const upstream = new Upstream();
    singleFlight.open(
      key,
      sink,
      noLimit,
      (flightSink) => {
        upstream.start(flightSink).pause();
        upstream.push(start, delta('a'), end());
        return upstream;
      },
      upstream.land,
    );
    assert.equal(sink.text, 'a');
    assert.equal(upstream.landed.length, 1);
    assert.deepEqual(singleFlight.stats(), { flights: 0, subscribers: 0 });
  });

  it('cancels a producer whose subscriber left while it was being started', () => {
    const singleFlight = createSingleFlight({ logger: silentLogger });
    const upstream = new Upstream();
    const sink: DispatchSink = {
      origin: () => {
        throw new Error('gone already');
      },
      event: () => assert.fail('no event after leaving'),
      fail: () => assert.fail('no failure after leaving'),
    };
    singleFlight.open(
      key,
      sink,
      noLimit,
      (flightSink) => {
        flightSink.origin(fromThinker);
        return upstream.start(flightSink);
      },
      upstream.land,
    );
    assert.equal(upstream.cancelled, 1);
  });

  it('fails its subscribers when the producer throws', () => {
    const singleFlight = createSingleFlight({ logger: silentLogger });
    const sink = new RecordingSink();
    const start = () => {
      throw broken();
    };
    singleFlight.open(key, sink, noLimit, start, () => assert.fail('nothing to land'));
    assert.equal(sink.failures[0]?.code, 'upstream_failed');
  });

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
      const second = new Upstream();
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

  it('gives every subscriber a complete copy under random schedules, and lands once if and only if the end came', () => {
    interface Step {
      readonly do: 'join' | 'event' | 'end' | 'fail' | 'leave' | 'pause' | 'resume';
      readonly who?: number;
    }
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('join' as const, 'event' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('end' as const, 'fail' as const) }) },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constantFrom('leave' as const, 'pause' as const, 'resume' as const),
          who: fc.nat(5),
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { singleFlight, upstream, leader, flow, join } = aFlight();
        const readers = [{ sink: leader, flow, left: false, paused: false, heard: 0 }];
        const sent: ChatEvent[] = [];
        let over: 'end' | 'fail' | 'cancelled' | undefined;
        const push = (event: ChatEvent) => {
          sent.push(event);
          upstream.push(event);
        };
        for (const current of steps) {
          if (current.do === 'join') {
            const joined = join();
            assert.equal(joined.flow === undefined, over !== undefined);
            if (joined.flow)
              readers.push({ sink: joined.sink, flow: joined.flow, left: false, paused: false, heard: 0 });
          } else if (current.do === 'event') {
            if (over === undefined) push(delta(String(sent.length)));
          } else if (current.do === 'end') {
            if (over === undefined) push(end());
            over ??= 'end';
          } else if (current.do === 'fail') {
            if (over === undefined) upstream.sink.fail(broken());
            over ??= 'fail';
          } else {
            const reader = readers[current.who!];
            if (reader === undefined) continue;
            if (current.do === 'leave' && !reader.left) {
              reader.heard = reader.sink.events.length;
              reader.left = true;
              reader.flow.cancel();
            } else if (current.do === 'pause') {
              reader.flow.pause();
              reader.paused = true;
            } else if (current.do === 'resume') {
              reader.flow.resume();
              reader.paused = false;
            }
            if (over === undefined && readers.every((each) => each.left)) over = 'cancelled';
          }
          const here = readers.filter((each) => !each.left);
          if (over === undefined)
            assert.equal(
              upstream.paused,
              here.every((each) => each.paused),
            );
        }
        for (const reader of readers) if (!reader.left) reader.flow.resume();
        for (const { sink, left, heard } of readers) {
          assert.deepEqual(sink.breaches, []);
          const expected = left ? heard : sent.length;
          assert.deepEqual(sink.events, sent.slice(0, expected));
          if (!left) assert.equal(sink.failures.length, over === 'fail' ? 1 : 0);
        }
        assert.equal(upstream.landed.length, over === 'end' ? 1 : 0);
        assert.equal(upstream.cancelled, over === 'cancelled' ? 1 : 0);
        assert.equal(singleFlight.stats().flights, over === undefined ? 1 : 0);
        if (over !== undefined) assert.equal(singleFlight.stats().subscribers, 0);
      }),
    );
  });
});
