import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { dot, type UnitVector } from '../../core/vector.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { referenceEmbedding, referencePieces } from '../../testing/random-minilm/reference-bert.ts';
import { writeRandomMiniLm, type RandomMiniLm } from '../../testing/random-minilm/write-random-minilm.ts';
import { embeddingModelConformance } from './conformance.ts';
import { createMiniLmEmbedding, type MiniLmEmbedding, type MiniLmOptions } from './minilm.ts';

/** Why the tests that need the ONNX runtime cannot run here; undefined when they can. */
function missingRuntime(): string | undefined {
  try {
    import.meta.resolve('onnxruntime-node');
    return undefined;
  } catch (error) {
    const reason = `onnxruntime-node is not installed (${(error as Error).message}): MiniLM is NOT tested`;
    console.log(reason);
    return reason;
  }
}
const skip = missingRuntime() ?? false;

const call = { signal: new AbortController().signal };
const texts = [
  'How do I boil an egg?',
  'What is the capital of France?',
  'egg',
  'Why does the river make people learn to play on a table, like between window and city?',
  'Überraschung: déjà-vu (naïve)!',
  '東京 ?',
  'how do i boil an egg',
  'x',
];

function cosine(a: UnitVector, b: ArrayLike<number>): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}

describe('MiniLM embedding on random weights', { skip }, () => {
  let folder: string;
  let written: RandomMiniLm;
  let embedding: MiniLmEmbedding;
  const open = async (options: Partial<MiniLmOptions> = {}): Promise<MiniLmEmbedding> =>
    createMiniLmEmbedding({
      folder,
      clock: systemClock,
      logger: silentLogger,
      allowUnknownWeights: true,
      meaningCheck: 'skip',
      ...options,
    });
  const reference = (text: string): Float64Array =>
    referenceEmbedding(written.weights, referencePieces(written.vocabulary, text, 256));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'minilm-'));
    written = await writeRandomMiniLm(folder, { hidden: 128 });
    embedding = await open();
  });
  after(async () => {
    await embedding?.close();
    await rm(folder, { recursive: true, force: true });
  });

  embeddingModelConformance('minilm', open);

  it('gives the vectors of an independent computation, for each text alone', async () => {
    for (const text of texts) {
      const [vector] = await embedding.embed([text], call);
      assert.ok(Math.abs(dot(vector!, vector!) - 1) < 1e-5);
      const found = cosine(vector!, reference(text));
      assert.ok(found > 0.99999, `${found} for ${text}`);
    }
  });

  it('gives the same vectors in a batch of mixed lengths, in the order asked', async () => {
    const together = await embedding.embed(texts, call);
    assert.equal(together.length, texts.length);
    for (const [index, vector] of together.entries()) {
      const [alone] = await embedding.embed([texts[index]!], call);
      const worst = vector.reduce((most, value, d) => Math.max(most, Math.abs(value - alone![d]!)), 0);
      assert.ok(worst < 1e-5, `${worst} for ${texts[index]}`);
    }
  });

  it('is not changed by the padding that a longer neighbour brings', async () => {
    const [padded] = await embedding.embed(['how do i boil an egg', 'how do i boil an egg in the river for you'], call);
    assert.ok(cosine(padded!, reference('how do i boil an egg')) > 0.99999);
  });

  it('agrees with the independent computation on random texts sent all at once', async () => {
    const random = testRandom('minilm random texts');
    const many = Array.from({ length: 16 }, () =>
      Array.from({ length: 1 + random.int(30) }, () =>
        random.int(4) === 0
          ? random.id(1 + random.int(9))
          : written.vocabulary[20 + random.int(written.vocabulary.length - 20)]!.replace('##', ''),
      ).join(' '),
    );
    const vectors = await Promise.all(many.map(async (text) => (await embedding.embed([text], call))[0]!));
    for (const [index, vector] of vectors.entries()) {
      const found = cosine(vector, reference(many[index]!));
      assert.ok(found > 0.99999, `${found} for ${many[index]}`);
    }
  });

  it('cuts at the window of 256 word-pieces, not at the 128 that tokenizer.json declares', async () => {
    const words = Array.from({ length: 300 }, (_, at) => (at % 3 === 0 ? 'egg' : at % 3 === 1 ? 'water' : 'city'));
    const [long] = await embedding.embed([words.join(' ')], call);
    const [cut] = await embedding.embed([words.slice(0, 254).join(' ')], call);
    const [shorter] = await embedding.embed([words.slice(0, 200).join(' ')], call);
    assert.ok(dot(long!, cut!) > 0.99999);
    assert.ok(cosine(long!, reference(words.join(' '))) > 0.99999);
    assert.ok(dot(long!, shorter!) < 0.99999);
  });

  it('computes in a worker thread and leaves the event loop free meanwhile', async () => {
    assert.ok(embedding.facts.workerThreadId > 0);
    const long = Array.from({ length: 8 }, (_, at) => `${'river water '.repeat(120)}${at}`);
    let ticks = 0;
    let done = false;
    const tick = (): void => {
      ticks++;
      if (!done) setImmediate(tick);
    };
    const pending = embedding.embed(long, call);
    setImmediate(tick);
    await pending;
    done = true;
    // A model run on this thread would let through a handful.
    assert.ok(ticks > 50, `${ticks} turns of the event loop`);
  });

  it('takes models without token types, and models that pool themselves', async () => {
    for (const options of [{ tokenTypes: false }, { output: 'sentence_embedding' as const }]) {
      const other = await mkdtemp(join(tmpdir(), 'minilm-'));
      const variant = await writeRandomMiniLm(other, { hidden: 64, ...options });
      const model = await open({ folder: other });
      try {
        assert.equal(model.dimensions, 64);
        for (const vector of await model.embed(texts.slice(0, 3), call)) assert.equal(vector.length, 64);
        const [vector] = await model.embed([texts[0]!], call);
        const ids = referencePieces(variant.vocabulary, texts[0]!, 256);
        assert.ok(cosine(vector!, referenceEmbedding(variant.weights, ids)) > 0.99999);
      } finally {
        await model.close();
        await rm(other, { recursive: true, force: true });
      }
    }
  });

  it('prefers int8 weights and takes fp32 ones where there are no others', async () => {
    const other = await mkdtemp(join(tmpdir(), 'minilm-'));
    await writeRandomMiniLm(other, { hidden: 64, modelPath: 'onnx/model.onnx' });
    const model = await open({ folder: other });
    await model.close();
    assert.equal(model.facts.modelFile, join(other, 'onnx/model.onnx'));
    assert.equal(embedding.facts.modelFile, join(folder, 'onnx/model_quantized.onnx'));
    await rm(other, { recursive: true, force: true });
  });

  it('names the vector space by the weights', async () => {
    const other = await mkdtemp(join(tmpdir(), 'minilm-'));
    await writeRandomMiniLm(other, { hidden: 64, seed: 2 });
    const model = await open({ folder: other });
    const again = await open();
    await Promise.all([model.close(), again.close()]);
    assert.notEqual(model.id, embedding.id);
    assert.equal(again.id, embedding.id);
    await rm(other, { recursive: true, force: true });
  });

  it('refuses weights of unknown origin unless they are allowed', async () => {
    await assert.rejects(open({ allowUnknownWeights: false }), {
      code: 'embedding_failed',
      message: /sha256 [0-9a-f]{64}\) is not a published file .*embedder fetch/,
    });
  });

  it('refuses weights that cannot tell paraphrases from unrelated sentences', async () => {
    await assert.rejects(open({ meaningCheck: 'require' }), {
      code: 'embedding_failed',
      message: /fail the self-check: paraphrases have cosines .*embedder check/,
    });
  });

  it('says what to do when a file is missing or damaged', async () => {
    const other = await mkdtemp(join(tmpdir(), 'minilm-'));
    await assert.rejects(open({ folder: other }), { message: /holds no tokenizer\.json; run `llm-self-host embedder/ });
    await writeRandomMiniLm(other, { hidden: 64 });
    await writeFile(join(other, 'onnx/model_quantized.onnx'), 'not a model');
    await assert.rejects(open({ folder: other }), { code: 'embedding_failed' });
    await rm(other, { recursive: true, force: true });
  });

  it('rejects calls after close, and those that wait', async () => {
    const model = await open();
    const pending = Promise.allSettled([
      model.embed(texts, call),
      model.embed(texts, call),
      model.embed(['last'], call),
    ]);
    await model.close();
    for (const outcome of await pending) assert.equal(outcome.status, 'rejected');
    await assert.rejects(model.embed(['x'], call), { code: 'embedding_failed', message: /closed/ });
  });
});

describe('MiniLM embedding without its runtime', () => {
  it('names the module and the command that installs it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minilm-'));
    await writeRandomMiniLm(folder, { hidden: 64 });
    await assert.rejects(
      createMiniLmEmbedding({ folder, clock: systemClock, logger: silentLogger, runtime: 'no-such-runtime' }),
      { code: 'embedding_failed', message: /no-such-runtime is not installed .*npm install no-such-runtime/ },
    );
    await rm(folder, { recursive: true, force: true });
  });
});
