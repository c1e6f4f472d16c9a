import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { smallVocabulary, writeRandomMiniLm } from '../../../testing/random-minilm/write-random-minilm.ts';
import { silentLogger } from '../../../telemetry/logger.ts';
import { createMiniLmEmbedding, type MiniLmEmbedding, type MiniLmOptions } from '../minilm.ts';

const pieceId = (piece: string): number => smallVocabulary.indexOf(piece);

/** A runtime that misbehaves on request: `egg` ends the thread, `water` never returns, `city` throws. */
const wildRuntime = `data:text/javascript,${encodeURIComponent(`
  export class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
  export const InferenceSession = { create: async () => ({
    inputNames: ['input_ids', 'attention_mask'],
    outputNames: ['last_hidden_state'],
    run: async ({ input_ids: { data, dims } }) => {
      const first = Number(data[1]);
      if (first === ${pieceId('egg')}) process.exit(7);
      if (first === ${pieceId('water')}) for (;;);
      if (first === ${pieceId('city')}) throw new Error('no such city');
      const values = new Float32Array(dims[0] * dims[1] * 4).map((_, at) => 1 + at % 4);
      return { last_hidden_state: { type: 'float32', data: values, dims: [...dims, 4] } };
    },
  }) };
`)}`;

const call = { signal: new AbortController().signal };

describe('embedding worker', () => {
  let folder: string;
  let clock: FakeClock;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'minilm-'));
    await writeRandomMiniLm(folder, { hidden: 16 });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function open(options: Partial<MiniLmOptions> = {}): Promise<MiniLmEmbedding> {
    clock = new FakeClock();
    return createMiniLmEmbedding({
      folder,
      clock,
      logger: silentLogger,
      runtime: wildRuntime,
      allowUnknownWeights: true,
      meaningCheck: 'skip',
      backoffMs: { first: 100, max: 1_000 },
      deadlineMs: 60_000,
      ...options,
    });
  }

  /** Embeds again until the restarted worker answers; turns of the event loop, no waiting by time. */
  async function untilBack(model: MiniLmEmbedding): Promise<void> {
    for (;;) {
      try {
        await model.embed(['play'], call);
        return;
      } catch (error) {
        assert.match((error as Error).message, /starts again|loading/);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  it('fails the calls of a crash, refuses until it is back, and answers again after the backoff', async () => {
    const model = await open();
    await assert.rejects(model.embed(['egg'], call), { message: /exit code 7; it starts again in 100 ms/ });
    await assert.rejects(model.embed(['play'], call), { message: /starts again in 100 ms/ });
    await clock.advance(100);
    await untilBack(model);
    await model.close();
    assert.equal(clock.pendingTimers, 0);
  });

  it('waits longer after each crash in a row, then gives up and says so', async () => {
    const model = await open({ restartsMax: 2 });
    const crash = (): Promise<unknown> => model.embed(['egg'], call);
    const backAfter = async (ms: number): Promise<void> => {
      await clock.advance(ms);
      // The next crash must be the worker's first call, or the row of crashes would be broken.
      for (let error: Error | undefined; ;) {
        error = await crash().then(
          () => undefined,
          (reason: Error) => reason,
        );
        if (error && !/loading|starts again in \d+ ms$/.test(error.message)) break;
        if (error && /exit code 7/.test(error.message) && error.message.startsWith('the embedding')) break;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await assert.rejects(crash(), { message: /again in 100 ms/ });
    await backAfter(100);
    await assert.rejects(model.embed(['play'], call), { message: /again in 200 ms/ });
    await backAfter(200);
    await assert.rejects(model.embed(['play'], call), {
      code: 'embedding_failed',
      message: /ended 3 times in a row .* set the embedder to lexical/,
    });
    assert.equal(clock.pendingTimers, 0);
    await model.close();
  });

  it('ends a worker that hangs and starts another', async () => {
    const model = await open({ runMaxMs: 5_000 });
    const hanging = assert.rejects(model.embed(['water'], call), { message: /starts again/ });
    await clock.advance(5_000);
    await hanging;
    await clock.advance(100);
    await untilBack(model);
    await model.close();
  });

  it('keeps the worker when only the model refuses a batch', async () => {
    const model = await open();
    await assert.rejects(model.embed(['city'], call), { message: /the embedding model failed: no such city/ });
    assert.equal((await model.embed(['play'], call)).length, 1);
    await model.close();
  });

  it('refuses at once what does not fit in the queue, and serves the rest', async () => {
    const model = await open({ queueMax: 4 });
    const calls = Array.from({ length: 6 }, () => model.embed(['play'], call));
    const outcomes = await Promise.allSettled(calls);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
    );
    assert.match((outcomes[5] as PromiseRejectedResult).reason.message, /queue is full \(4 of 4 texts wait\)/);
    await model.close();
  });

  it('drops an aborted call from the queue, and one past its deadline', async () => {
    const model = await open({ queueMax: 2, deadlineMs: 1_000, runMaxMs: 5_000 });
    const abort = new AbortController();
    const hanging = assert.rejects(model.embed(['water'], call), { message: /took longer than 1000 ms/ });
    const aborted = assert.rejects(model.embed(['play', 'play'], { signal: abort.signal }), { message: /aborted/ });
    abort.abort();
    await aborted;
    const late = assert.rejects(model.embed(['play', 'play'], call), { message: /took longer than 1000 ms/ });
    await clock.advance(1_000);
    await Promise.all([hanging, late]);
    await model.close();
    assert.equal(clock.pendingTimers, 0);
  });
});
