import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { AnswerFlow, AnswerOrigin, ChatEvent, DispatchSink } from '../core/chat.ts';
import { AppError } from '../core/errors.ts';
import { entryId, requestId } from '../core/ids.ts';
import { silentLogger } from '../telemetry/logger.ts';
import {
  delta,
  end,
  FakeUpstream,
  flightKey as key,
  fromThinker,
  openFlight,
  start,
} from '../testing/fake-upstream.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { createSingleFlight } from './single-flight.ts';

const noLimit = { outputLimit: undefined };
const broken = () => new AppError('upstream_failed', 'thinker T reset the connection; try again');
const aFlight = () => openFlight(createSingleFlight({ logger: silentLogger }));

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
    const hit: AnswerOrigin = {
      source: 'semantic',
      hit: { entryId: entryId('e'), similarity: 0.97, ageS: 3, askedBy: requestId('r') },
    };
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
    const upstream = new FakeUpstream();
    singleFlight.open(key, sink, noLimit, upstream.start, () => {
      throw new Error('disk full');
    });
    upstream.push(start, end());
    assert.equal(sink.ended, true);
  });

  it('serves a producer that pushes everything before it returns', () => {
    const singleFlight = createSingleFlight({ logger: silentLogger });
    const sink = new RecordingSink();
    const upstream = new FakeUpstream();
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
    const upstream = new FakeUpstream();
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
