/** What every driver of the Thinker port must do, whatever is behind it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnswerRequest } from '../../core/chat.ts';
import { modelName } from '../../core/ids.ts';
import { RecordingSink } from '../../testing/recording-sink.ts';
import type { AnswerTimeouts, Thinker } from '../thinker.ts';

export interface ThinkerFixture {
  readonly thinker: Thinker;
  /** A model it has and answers with, in more than one token. */
  readonly model: string;
  /** A model it has and makes embeddings with; '' where it does `answers` alone. */
  readonly embeddingModel: string;
  /** A model it does not have. */
  readonly missingModel: string;
  /** A model whose stream ends without `done:true`. */
  readonly cutModel: string;
  /** A model that never answers. */
  readonly silentModel: string;
  close(): Promise<void>;
}

const timeouts: AnswerTimeouts = { firstTokenMs: 5_000, stallMs: 5_000, totalMs: 10_000 };
const never = new AbortController().signal;

const chat = (model: string): AnswerRequest => ({
  kind: 'chat',
  model: modelName(model),
  messages: [{ role: 'user', content: 'Count to ten in words.' }],
  options: { temperature: 0 },
  outputLimit: undefined,
});

/** @param does `answers`: embeddings, lists and orders are refused, with words */
export function thinkerConformance(
  driver: string,
  open: () => Promise<ThinkerFixture>,
  does: 'everything' | 'answers' = 'everything',
): void {
  const using = async (act: (fixture: ThinkerFixture) => Promise<void>): Promise<void> => {
    const fixture = await open();
    try {
      await act(fixture);
    } finally {
      await fixture.close();
    }
  };

  const ask = async (thinker: Thinker, request: AnswerRequest, limits = timeouts): Promise<RecordingSink> => {
    const sink = new RecordingSink();
    thinker.answer(request, sink, limits);
    await sink.settled();
    assert.deepEqual(sink.breaches, []);
    return sink;
  };

  describe(`Thinker port: ${driver}`, () => {
    it('answers with one start, deltas and one end, with counts', () =>
      using(async ({ thinker, model }) => {
        const sink = await ask(thinker, chat(model));
        assert.deepEqual(sink.failures, []);
        assert.equal(sink.events[0]?.type, 'start');
        assert.equal(sink.events.filter(({ type }) => type === 'start' || type === 'end').length, 2);
        assert.notEqual(sink.text, '');
        const end = sink.events.at(-1);
        assert.ok(end?.type === 'end' && end.finishReason === 'stop' && end.usage.completionTokens > 0);
      }));

    it('answers generate as well, and stops at the output limit', () =>
      using(async ({ thinker, model }) => {
        const base = { kind: 'generate', model: modelName(model), prompt: 'Count.', options: {} } as const;
        const sink = await ask(thinker, { ...base, outputLimit: 1 });
        const end = sink.events.at(-1);
        assert.ok(end?.type === 'end' && end.finishReason === 'length');
      }));

    it('tells nothing before `answer` returns', () =>
      using(async ({ thinker, model }) => {
        const sink = new RecordingSink();
        thinker.answer(chat(model), sink, timeouts);
        assert.equal(sink.events.length + sink.failures.length, 0);
        await sink.settled();
      }));

    it('fails with model_not_found for a model it does not have', () =>
      using(async ({ thinker, missingModel }) => {
        const sink = await ask(thinker, chat(missingModel));
        assert.deepEqual(
          sink.failures.map(({ code }) => code),
          ['model_not_found'],
        );
      }));

    it('fails a stream that ends without done', () =>
      using(async ({ thinker, cutModel }) => {
        const sink = await ask(thinker, chat(cutModel));
        assert.deepEqual(
          sink.failures.map(({ code }) => code),
          ['upstream_broken_stream'],
        );
        assert.equal(sink.ended, false);
      }));

    it('gives up on a silent model after firstTokenMs', () =>
      using(async ({ thinker, silentModel }) => {
        const sink = await ask(thinker, chat(silentModel), { ...timeouts, firstTokenMs: 50 });
        assert.deepEqual(
          sink.failures.map(({ code }) => code),
          ['timeout_first_token'],
        );
      }));

    it('is silent after cancel, and cancel, pause and resume may come at any time and twice', () =>
      using(async ({ thinker, model }) => {
        const sink = new RecordingSink();
        const flow = thinker.answer(chat(model), sink, timeouts);
        await new Promise<void>((resolve) => (sink.onEvent = () => resolve()));
        flow.pause();
        flow.cancel();
        flow.cancel();
        flow.resume();
        const seen = sink.events.length;
        await ask(thinker, chat(model));
        assert.deepEqual([sink.events.length, sink.failures, sink.breaches], [seen, [], []]);
      }));

    if (does === 'answers')
      it('refuses what is not a question, and says so', () =>
        using(async ({ thinker, model }) => {
          const embedding = { model: modelName(model), normalised: true, options: {}, input: ['red'] };
          const call = { signal: never };
          const refused = { code: 'upstream_rejected', message: /answers questions only/ };
          await assert.rejects(thinker.embed(embedding, timeouts, call), refused);
          await assert.rejects(thinker.probe(call), refused);
          await assert.rejects(thinker.show({ model }, call), refused);
          const order = { method: 'POST', path: '/api/pull', contentType: undefined, body: undefined } as const;
          const told = await new Promise<string>((resolve) =>
            thinker.manage(
              order,
              {
                head: () => resolve('head'),
                data: () => true,
                end: () => resolve('end'),
                fail: ({ code }) => resolve(code),
              },
              call,
            ),
          );
          assert.equal(told, 'upstream_rejected');
        }));

    if (does === 'everything') {
      it('embeds in the order of the inputs', () =>
        using(async ({ thinker, embeddingModel }) => {
          const request = { model: modelName(embeddingModel), normalised: true, options: {} };
          const embed = (input: string[]) => thinker.embed({ ...request, input }, timeouts, { signal: never });
          const [both, alone] = await Promise.all([embed(['red', 'a green tree']), embed(['a green tree'])]);
          assert.equal(both.embeddings.length, 2);
          assert.deepEqual(both.embeddings[1], alone.embeddings[0]);
          assert.notDeepEqual(both.embeddings[0], both.embeddings[1]);
        }));

      it('reports its models and, after an answer, which is loaded', () =>
        using(async ({ thinker, model }) => {
          await ask(thinker, chat(model));
          const report = await thinker.probe({ signal: never });
          assert.notEqual(report.version, '');
          const info = report.models.find(({ name }) => name === modelName(model));
          assert.ok(info && info.digest !== '');
          assert.ok(report.loaded.some(({ name }) => name === modelName(model)));
          assert.ok(report.vramUsedBytes! > 1e9, String(report.vramUsedBytes));
        }));

      it('shows a model it has and refuses one it has not', () =>
        using(async ({ thinker, model, missingModel }) => {
          const shown = await thinker.show({ model }, { signal: never });
          assert.ok('model_info' in shown);
          await assert.rejects(thinker.show({ model: missingModel }, { signal: never }), { code: 'model_not_found' });
        }));

      it('rejects with `aborted` when the caller leaves', () =>
        using(async ({ thinker }) => {
          const leaving = new AbortController();
          const probe = thinker.probe({ signal: leaving.signal });
          leaving.abort();
          await assert.rejects(probe, { code: 'aborted' });
        }));
    }

    it('fails what runs when it is closed', () =>
      using(async ({ thinker, silentModel }) => {
        const sink = new RecordingSink();
        thinker.answer(chat(silentModel), sink, timeouts);
        await thinker.close();
        await sink.settled();
        assert.equal(sink.failures.length, 1);
        const late = await ask(thinker, chat(silentModel));
        assert.equal(late.failures.length, 1);
      }));
  });
}
