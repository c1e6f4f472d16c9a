import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aCache, digest } from '../../test/support/started-cache.ts';
import type { ExactLookup, SemanticCache, SemanticLookup } from '../cache/cache-types.ts';
import type { SharedFlight } from '../cache/shared-flight.ts';
import { createSingleFlight } from '../cache/single-flight.ts';
import type { AnswerFlow, AnswerRequest, DispatchSink } from '../core/chat.ts';
import { AppError } from '../core/errors.ts';
import type { Router } from '../router/router-types.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { aChatRequest, anAsker } from '../testing/builders.ts';
import { delta, end, start } from '../testing/fake-upstream.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { createServeAnswer, type JourneySink } from './serve-answer.ts';

class JourneyRecorder extends RecordingSink implements JourneySink {
  planned(): void {}
  looked(): void {}
  compared(): void {}
  whole(): void {}
}

const nothing: AnswerFlow = { pause() {}, resume() {}, cancel() {} };
const ill = { kind: 'unavailable', cause: new AppError('cache_unavailable', 'the deadline has passed') } as const;

/** @returns what was asked, in order, until the thinker had answered */
async function wayOf(exact: ExactLookup, semantic: SemanticLookup): Promise<string[]> {
  const asked: string[] = [];
  const { cache: real, clock } = await aCache();
  const cache: SemanticCache = {
    ...real,
    plan: (...args) => real.plan(...args),
    exact: async () => {
      asked.push('exact');
      await clock.advance(40);
      return exact;
    },
    semantic: async () => (asked.push('semantic'), semantic),
  };
  const answer = (_: AnswerRequest, sink: DispatchSink): AnswerFlow => {
    asked.push('thinker');
    queueMicrotask(() => {
      for (const event of [start, delta('yes'), end('stop', 1)]) sink.event(event);
    });
    return nothing;
  };
  const sharedFlight = {
    run: (_key, { waitedMs }, sink, ask) => (asked.push(`lock after ${waitedMs} ms`), ask(sink)),
  } as Partial<SharedFlight> as SharedFlight;
  const serve = createServeAnswer({
    cache,
    singleFlight: createSingleFlight({ logger: silentLogger }),
    sharedFlight,
    router: { dispatch: answer } as unknown as Router,
    digestOf: () => digest,
    clock,
  });
  const sink = new JourneyRecorder();
  serve(aChatRequest(), anAsker(), sink);
  await sink.settled();
  assert.deepEqual(sink.failures, []);
  return asked;
}

describe('serveAnswer', () => {
  it('asks store, wordings and the other gateways before a thinker', async () => {
    assert.deepEqual(await wayOf({ kind: 'miss' }, { kind: 'miss', reason: 'no-neighbour' }), [
      'exact',
      'semantic',
      'lock after 40 ms',
      'thinker',
    ]);
  });

  it('waits once for a store that is ill, and then asks a thinker', async () => {
    assert.deepEqual(await wayOf(ill, ill), ['exact', 'thinker']);
    assert.deepEqual(await wayOf({ kind: 'miss' }, ill), ['exact', 'semantic', 'thinker']);
  });
});
