import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../../core/clock.ts';
import { silentLogger } from '../../../telemetry/logger.ts';
import { referenceEmbedding, referencePieces } from '../../../testing/random-minilm/reference-bert.ts';
import { writeRandomMiniLm, type RandomMiniLm } from '../../../testing/random-minilm/write-random-minilm.ts';
import { checkFiles, measureMeaning } from './check.ts';
import { checkMiniLm } from './check-folder.ts';
import { fp32Model, int8Model, tokenizerFile } from './known-files.ts';
import { lexicalVector } from '../lexical.ts';
import { toUnitVector } from '../../../core/vector.ts';

function missingRuntime(): string | false {
  try {
    import.meta.resolve('onnxruntime-node');
    return false;
  } catch (error) {
    const reason = `onnxruntime-node is not installed (${(error as Error).message}): the MiniLM check is NOT tested`;
    console.log(reason);
    return reason;
  }
}

const deps = { clock: systemClock, logger: silentLogger };

describe('checkMiniLm', { skip: missingRuntime() }, () => {
  let folder: string;
  let written: RandomMiniLm;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'minilm-'));
    written = await writeRandomMiniLm(folder, { hidden: 64 });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const reference = (text: string): { text: string; embedding: number[] } => ({
    text,
    embedding: [...referenceEmbedding(written.weights, referencePieces(written.vocabulary, text, 256))],
  });
  const verdicts = (report: Awaited<ReturnType<typeof checkMiniLm>>): Record<string, boolean> =>
    Object.fromEntries(report.checks.map(({ name, passed }) => [name, passed]));

  it('tells random weights by hash, dimensions and meaning, and finds the machinery right', async () => {
    const report = await checkMiniLm({ folder, ...deps });
    assert.equal(report.passed, false);
    assert.deepEqual(verdicts(report), {
      load: true,
      weights: false,
      tokenizer: false,
      dimensions: false,
      meaning: false,
      batching: true,
    });
    assert.equal(report.precision, 'unknown');
    assert.ok(report.embedMs! > 0 && report.loadMs! > 0);
  });

  it('compares with reference vectors and lists the texts that differ', async () => {
    const file = join(folder, 'reference.jsonl');
    const right = ['how do i boil an egg', 'why', 'the capital of france'].map(reference);
    await writeFile(file, right.map((line) => JSON.stringify(line)).join('\n'));
    const steps: number[] = [];
    const good = await checkMiniLm({ folder, ...deps, referenceFile: file, onProgress: (done) => steps.push(done) });
    assert.equal(verdicts(good)['reference'], true);
    assert.equal(good.reference!.failedCount, 0);
    assert.ok(good.reference!.cosineMin > 0.99999);
    assert.deepEqual(steps, [1, 2, 3]);

    const wrong = { text: 'play', embedding: right[0]!.embedding.map((value) => -value) };
    await writeFile(file, [...right, wrong].map((line) => JSON.stringify(line)).join('\n'));
    const bad = await checkMiniLm({ folder, ...deps, referenceFile: file });
    assert.equal(verdicts(bad)['reference'], false);
    assert.deepEqual(
      bad.reference!.failed.map(({ text }) => text),
      ['play'],
    );
  });

  it('says which line of a reference file is not one', async () => {
    const file = join(folder, 'broken.jsonl');
    await writeFile(file, `${JSON.stringify(reference('why'))}\n{"text": 3}\n`);
    await assert.rejects(checkMiniLm({ folder, ...deps, referenceFile: file }), {
      message: /broken.jsonl line 2 is not/,
    });
    await assert.rejects(checkMiniLm({ folder, ...deps, referenceFile: join(folder, 'none') }), {
      code: 'bad_request',
    });
  });

  it('reports an empty folder as a failed check', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'minilm-'));
    const report = await checkMiniLm({ folder: empty, ...deps });
    await rm(empty, { recursive: true });
    assert.deepEqual(verdicts(report), { load: false });
    assert.match(report.checks[0]!.detail, /embedder fetch/);
  });
});

describe('checkFiles', () => {
  const facts = {
    dimensions: 384,
    modelSha256: int8Model.sha256,
    modelBytes: int8Model.bytes,
    tokenizerSha256: tokenizerFile.sha256,
  };

  it('takes the published int8 and fp32 files', () => {
    checkFiles(facts, false);
    checkFiles({ ...facts, modelSha256: fp32Model.sha256 }, false);
  });

  it('refuses any other file, by name', () => {
    const other = 'f'.repeat(64);
    assert.throws(() => checkFiles({ ...facts, modelSha256: other }, false), { message: /the model file .*ffff/ });
    assert.throws(() => checkFiles({ ...facts, tokenizerSha256: other }, false), { message: /tokenizer\.json has/ });
    assert.throws(() => checkFiles({ ...facts, dimensions: 768 }, false), { message: /768 dimensions, expected 384/ });
  });
});

describe('measureMeaning', () => {
  const meaningOf = (vectorOf: (text: string) => Float32Array) =>
    measureMeaning({
      maxBatch: 2,
      embed: (texts) => Promise.resolve(texts.map((text) => toUnitVector(vectorOf(text)))),
    });

  it('passes vectors that put paraphrases together', async () => {
    // One direction for each of the four subjects, found by a word that only its sentences have.
    const subjects = [/password|login/, /weather|forecast/, /weight|kilos/, /football|ball/];
    const report = await meaningOf((text) => {
      const vector = new Float32Array(5);
      const subject = subjects.findIndex((words) => words.test(text));
      vector[subject < 0 ? 4 : subject] = 1;
      return vector;
    });
    assert.equal(report.passed, true);
    assert.equal(report.margin, 1);
  });

  it('fails vectors that see shared words only, and vectors that are all alike', async () => {
    assert.equal((await meaningOf((text) => lexicalVector(text))).passed, false);
    assert.equal((await meaningOf(() => Float32Array.of(1, 0))).passed, false);
  });
});
