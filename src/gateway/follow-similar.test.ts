import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { aCache, digest } from '../../test/support/started-cache.ts';
import type { SemanticCacheOptions } from '../cache/semantic-cache.ts';
import { createSingleFlight } from '../cache/single-flight.ts';
import type { Answer } from '../core/answer.ts';
import type { AnswerFlow, AnswerOrigin, AnswerRequest, DispatchSink, EndEvent } from '../core/chat.ts';
import { AppError } from '../core/errors.ts';
import { requestId, thinkerId } from '../core/ids.ts';
import type { Router } from '../router/router-types.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { aChatRequest, anAsker } from '../testing/builders.ts';
import { delta, end, start } from '../testing/fake-upstream.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { testRandom } from '../testing/seeded-random.ts';
import { createServeAnswer, type JourneySink } from './serve-answer.ts';

const questions = [
  'boil eggs seven minutes without cracking shell',
  'fold fitted sheets alone inside small rooms',
  'train puppies quickly against chewing leather shoes',
  'repair scratched wooden table using walnut oil',
  'grow basil indoors during dark northern winters',
];
const textOf = (request: AnswerRequest): string => (request.kind === 'chat' ? request.messages.at(-1)!.content : '');
/** What is asked about shows in the answer, so that a test sees whose answer it got. */
const topicOf = (request: AnswerRequest): string =>
  textOf(request)
    .split(' ')
    .filter((word) => !polite.has(word))
    .sort()
    .join(' ');
const polite = new Set(['please', 'kindly']);

class JourneyRecorder extends RecordingSink implements JourneySink {
  readonly replayed: [AnswerOrigin, Answer][] = [];
  planned(): void {}
  looked(): void {}
  compared(): void {}
  whole(origin: AnswerOrigin, answer: Answer): void {
    this.replayed.push([origin, answer]);
  }
  get answered(): string | undefined {
    return this.replayed[0]?.[1].text ?? (this.ended ? this.text : undefined);
  }
  get done(): boolean {
    return this.replayed.length > 0 || this.ended || this.failures.length > 0;
  }
}

/** One call to a thinker, in the hands of the test. */
class Call implements AnswerFlow {
  over = false;
  cancelled = false;
  failed = false;
  readonly request: AnswerRequest;
  readonly #sink: DispatchSink;
  constructor(request: AnswerRequest, sink: DispatchSink) {
    this.request = request;
    this.#sink = sink;
  }
  begin(by = digest): void {
    this.#sink.origin({
      source: 'thinker',
      thinker: { id: thinkerId('t'), name: 'T', kind: 'static', digest: by, queuedMs: 0, cold: false },
    });
    this.#sink.event(start);
    this.#sink.event(delta(topicOf(this.request)));
  }
  finish(reason: EndEvent['finishReason'] = 'stop', tokens = 3): void {
    if (this.over || this.cancelled) return;
    this.over = true;
    this.#sink.event(end(reason, tokens));
  }
  fail(): void {
    if (this.over || this.cancelled) return;
    this.over = true;
    this.failed = true;
    this.#sink.fail(new AppError('upstream_failed', 'thinker T is gone; try again'));
  }
  pause(): void {}
  resume(): void {}
  cancel(): void {
    this.cancelled = true;
  }
}

async function aJourney(options: Partial<SemanticCacheOptions> = {}) {
  const deps = await aCache(options);
  const calls: Call[] = [];
  const router = {
    dispatch(request: AnswerRequest, sink: DispatchSink) {
      const call = new Call(request, sink);
      calls.push(call);
      return call;
    },
  } as unknown as Router;
  const singleFlight = createSingleFlight({ logger: silentLogger });
  const { cache, clock } = deps;
  const serve = createServeAnswer({
    cache,
    singleFlight,
    coalescer: cache.coalescer,
    router,
    digestOf: () => digest,
    clock,
  });
  let asked = 0;
  const ask = (text: string, parts: Partial<AnswerRequest> = {}) => {
    const sink = new JourneyRecorder();
    const asker = anAsker({ requestId: requestId(`r${asked++}`) });
    const flow = serve({ ...aChatRequest({ text }), ...parts } as AnswerRequest, asker, sink);
    return { sink, flow, text };
  };
  return { ...deps, singleFlight, calls, ask, settle: () => clock.advance(0) };
}

const question = questions[0]!;
const other = `please ${question}`;

describe('coalescing of similar questions', () => {
  it('makes a question in other words wait for the running answer, and says how similar it is', async () => {
    const { calls, ask, settle, store, singleFlight } = await aJourney();
    const leader = ask(question);
    await settle();
    const follower = ask(other);
    await settle();
    assert.equal(calls.length, 1);
    calls[0]!.begin();
    assert.equal(leader.sink.text, topicOf(calls[0]!.request));
    assert.equal(follower.sink.origins.length, 0, 'a follower hears nothing before the answer is whole');
    calls[0]!.finish();
    await settle();
    assert.equal(follower.sink.answered, leader.sink.answered);
    const [origin] = follower.sink.origins;
    assert.equal(origin?.source, 'coalesced');
    assert.equal(origin?.ledBy, 'r0');
    assert.ok(origin.similarity! > 0.9 && origin.similarity! < 1);
    assert.equal(calls.length, 1);
    assert.equal(store.entries.size, 1, "the follower's wording keeps no copy of the leader's answer");
    assert.deepEqual(singleFlight.stats(), { flights: 0, subscribers: 0 });
  });

  it('asks for itself when the leader fails, is cut, calls a tool, or speaks with another model', async () => {
    const ways: ((call: Call) => void)[] = [
      (call) => call.fail(),
      (call) => (call.begin(), call.fail()),
      (call) => (call.begin(), call.finish('length')),
      (call) => (call.begin(), call.finish('tool-calls')),
      (call) => (call.begin('sha256:other'), call.finish()),
    ];
    for (const [i, way] of ways.entries()) {
      const { calls, ask, settle } = await aJourney();
      ask(question);
      await settle();
      const follower = ask(other);
      await settle();
      way(calls[0]!);
      await settle();
      assert.equal(calls.length, 2, `way ${i}`);
      assert.deepEqual([...follower.sink.events, ...follower.sink.failures], [], `way ${i}`);
      calls[1]!.begin();
      calls[1]!.finish();
      assert.equal(follower.sink.answered, topicOf(calls[1]!.request));
      assert.equal(follower.sink.origins[0]?.source, 'thinker');
      assert.deepEqual(follower.sink.breaches, []);
    }
  });

  it('waits only where the limits allow the whole answer', async () => {
    const { calls, ask, settle } = await aJourney();
    ask(question, { outputLimit: 100 });
    await settle();
    const cases: [number | undefined, boolean][] = [
      [undefined, true],
      [100, true],
      [200, true],
      [99, false],
    ];
    for (const [outputLimit, waits] of cases) {
      const before = calls.length;
      const { flow } = ask(other, { outputLimit });
      await settle();
      assert.equal(calls.length === before, waits, `${outputLimit}`);
      flow.cancel();
    }
  });

  it('lets the leader leave without its followers, and a follower without its leader', async () => {
    const { calls, ask, settle, singleFlight } = await aJourney();
    const leader = ask(question);
    await settle();
    const [first, second] = [ask(other), ask(`kindly ${question}`)];
    await settle();
    first.flow.cancel();
    assert.equal(calls[0]!.cancelled, false);
    leader.flow.cancel();
    assert.equal(calls[0]!.cancelled, false);
    calls[0]!.begin();
    calls[0]!.finish();
    assert.equal(second.sink.answered, topicOf(calls[0]!.request));
    assert.deepEqual(first.sink.events, []);
    assert.deepEqual(singleFlight.stats(), { flights: 0, subscribers: 0 });

    const last = ask(questions[1]!);
    await settle();
    const alone = ask(`please ${questions[1]!}`);
    await settle();
    last.flow.cancel();
    alone.flow.cancel();
    assert.equal(calls[1]!.cancelled, true);
    const again = ask(`kindly ${questions[1]!}`);
    await settle();
    assert.equal(calls.length, 3, 'nobody waits for a call that was cancelled');
    again.flow.cancel();
  });

  it('does not wait when told so, for another scope, or for a question that the policy refuses', async () => {
    const off = await aJourney({ coalesceSimilar: false });
    off.ask(question);
    await off.settle();
    off.ask(other);
    await off.settle();
    assert.equal(off.calls.length, 2);

    const { calls, ask, settle } = await aJourney();
    ask(question);
    await settle();
    ask(other, { options: { temperature: 0.5 } });
    ask(questions[1]!);
    await settle();
    assert.equal(calls.length, 3);
  });

  it('makes a handful of calls for 200 rewordings of five questions, each answered about what it asked', async () => {
    const random = testRandom('follow-similar');
    const { calls, ask, settle } = await aJourney();
    const asked: ReturnType<typeof ask>[] = [];
    while (asked.length < 200) {
      // The embedder takes 64 texts at a time; lookups beyond would count as misses.
      if (asked.length % 50 === 0) await settle();
      const words = questions[random.int(questions.length)]!.split(' ');
      for (let i = words.length - 1; i > 0; i--) {
        const j = random.int(i + 1);
        [words[i], words[j]] = [words[j]!, words[i]!];
      }
      asked.push(ask([...(random.int(2) === 0 ? ['please'] : []), ...words].join(' ')));
    }
    await settle();
    assert.equal(calls.length, questions.length);
    for (const call of calls) call.begin();
    for (const call of calls) call.finish();
    await settle();
    for (const { sink, text } of asked) {
      assert.equal(sink.answered, topicOf(aChatRequest({ text })));
      assert.deepEqual(sink.breaches, []);
    }
    assert.equal(calls.length, questions.length);
  });

  it('strands nobody under any order of questions, endings, failures and departures', async () => {
    const anAsk = fc.record({
      do: fc.constant('ask' as const),
      question: fc.nat(1),
      wording: fc.nat(3),
      settles: fc.boolean(),
    });
    const aCall = fc.record({
      do: fc.constantFrom('begin' as const, 'finish' as const, 'cut' as const, 'fail' as const),
      at: fc.nat(20),
    });
    const step = fc.oneof(
      { arbitrary: anAsk, weight: 4 },
      { arbitrary: aCall, weight: 2 },
      { arbitrary: fc.record({ do: fc.constant('leave' as const), at: fc.nat(20) }), weight: 1 },
      { arbitrary: fc.record({ do: fc.constant('settle' as const) }), weight: 1 },
    );
    let waited = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
        const { calls, ask, settle, singleFlight } = await aJourney();
        const asked: ReturnType<typeof ask>[] = [];
        const left = new Set<number>();
        const begun = new Set<Call>();
        const begin = (call: Call) => {
          if (begun.has(call) || call.over || call.cancelled) return;
          begun.add(call);
          call.begin();
        };
        for (const each of steps) {
          if (each.do === 'ask') {
            const wording = ['', 'please ', 'kindly ', 'please kindly '][each.wording]!;
            asked.push(ask(`${wording}${questions[each.question]!}`));
            if (each.settles) await settle();
          } else if (each.do === 'settle') await settle();
          else if (each.do === 'leave') {
            if (asked.length === 0) continue;
            left.add(each.at % asked.length);
            asked[each.at % asked.length]!.flow.cancel();
          } else if (calls.length > 0) {
            const call = calls[each.at % calls.length]!;
            if (each.do === 'fail') call.fail();
            else begin(call);
            if (each.do === 'finish') call.finish();
            if (each.do === 'cut') call.finish('length');
          }
        }
        // Every call that still runs ends well; each may have led to further ones.
        for (let round = 0; round <= asked.length; round++) {
          await settle();
          for (const call of calls.slice()) {
            begin(call);
            call.finish();
          }
        }
        await settle();
        for (const [i, { sink, text }] of asked.entries()) {
          assert.deepEqual(sink.breaches, []);
          if (sink.origins[0]?.similarity !== undefined) waited += 1;
          if (left.has(i)) continue;
          assert.ok(sink.done, `${text} got neither an answer nor an error`);
          if (sink.failures.length > 0) {
            const own = calls.filter(({ request }) => textOf(request) === text);
            assert.ok(
              own.some(({ failed }) => failed),
              `${text} was told of a failure that was not its own`,
            );
          }
          if (sink.answered !== undefined) assert.equal(sink.answered, topicOf(aChatRequest({ text })));
        }
        assert.deepEqual(singleFlight.stats(), { flights: 0, subscribers: 0 });
      }),
      { numRuns: 150, ...(process.env['SEED'] !== undefined && { seed: Number(process.env['SEED']) }) },
    );
    assert.ok(waited > 50, `only ${waited} questions were served by waiting`);
  });
});
