/** The full examination of a MiniLM folder, for the person who put files there. */
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../../core/clock.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { AppError } from '../../../core/errors.ts';
import type { UnitVector } from '../../../core/vector.ts';
import { createMiniLmEmbedding, type MiniLmEmbedding } from '../minilm.ts';
import { measureMeaning } from './check.ts';
import { miniLmDimensions, tokenizerFile, type Precision } from './known-files.ts';

export interface CheckMiniLmOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** JSONL of `text` and `embedding`: vectors of the original model, of norm 1. */
  readonly referenceFile?: string;
  readonly signal?: AbortSignal;
  /** Told of every text compared. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface MiniLmCheck {
  readonly name: 'load' | 'weights' | 'tokenizer' | 'dimensions' | 'meaning' | 'batching' | 'reference';
  readonly passed: boolean;
  /** One line for a person: what was found and what was expected. */
  readonly detail: string;
}

export interface MiniLmCheckReport {
  readonly folder: string;
  readonly passed: boolean;
  readonly checks: readonly MiniLmCheck[];
  /** What the gateway would call this vector space; absent when nothing loads. */
  readonly id?: string;
  readonly precision?: Precision;
  readonly loadMs?: number;
  /** Median time of one short text, milliseconds, thread hop included. */
  readonly embedMs?: number;
  readonly reference?: ReferenceReport;
}

export interface ReferenceReport {
  readonly texts: number;
  readonly cosineMin: number;
  readonly cosineMean: number;
  /** Cosine that each text must reach. */
  readonly floor: number;
  /** Texts below the floor, worst first, at most ten. */
  readonly failed: readonly { readonly text: string; readonly cosine: number }[];
  readonly failedCount: number;
}

/** int8 weights are rounded to 256 steps; fp32 ones differ in the order of additions only. */
const floors: Record<Precision, number> = { fp32: 0.999, int8: 0.98, unknown: 0.98 };

/** A reference file is a sample; more lines than this tell nothing new. */
const referenceTextsMax = 10_000;

/**
 * Loads whatever lies in the folder and says, check by check, whether it is the real model.
 * Never throws for a bad model: that is a failed check.
 * @throws AppError `bad_request` when the reference file cannot be read or is not what it should be
 */
export async function checkMiniLm(options: CheckMiniLmOptions): Promise<MiniLmCheckReport> {
  const { folder } = options;
  const references = options.referenceFile === undefined ? undefined : await readReferences(options.referenceFile);
  let embedding: MiniLmEmbedding;
  try {
    embedding = await createMiniLmEmbedding({ ...options, allowUnknownWeights: true, meaningCheck: 'skip' });
  } catch (error) {
    const detail = (error as Error).message;
    return { folder, passed: false, checks: [{ name: 'load', passed: false, detail }] };
  }
  try {
    return await examine(embedding, options, references);
  } finally {
    await embedding.close();
  }
}

async function examine(
  embedding: MiniLmEmbedding,
  options: CheckMiniLmOptions,
  references: readonly Reference[] | undefined,
): Promise<MiniLmCheckReport> {
  const { facts } = embedding;
  const signal = options.signal ?? new AbortController().signal;
  const meaning = await measureMeaning(embedding, signal);
  const reference = references && (await compare(embedding, references, options, signal));
  const checks: MiniLmCheck[] = [
    { name: 'load', passed: true, detail: `${facts.modelFile}: ${facts.modelBytes} bytes in ${ms(facts.loadMs)}` },
    {
      name: 'weights',
      passed: facts.precision !== 'unknown',
      detail:
        facts.precision === 'unknown'
          ? `sha256 ${facts.modelSha256} is not a published file of all-MiniLM-L6-v2`
          : `sha256 ${facts.modelSha256}: the published ${facts.precision} file`,
    },
    {
      name: 'tokenizer',
      passed: facts.tokenizerSha256 === tokenizerFile.sha256,
      detail:
        facts.tokenizerSha256 === tokenizerFile.sha256
          ? `sha256 ${facts.tokenizerSha256}: the published file`
          : `sha256 ${facts.tokenizerSha256}, expected ${tokenizerFile.sha256}`,
    },
    {
      name: 'dimensions',
      passed: embedding.dimensions === miniLmDimensions,
      detail: `${embedding.dimensions}, expected ${miniLmDimensions}; norms within ${meaning.normError.toExponential(1)} of 1`,
    },
    {
      name: 'meaning',
      passed: meaning.passed,
      detail: `paraphrases ${cosines(meaning.paraphrases)}, unrelated ${cosines(meaning.unrelated)}, margin ${meaning.margin.toFixed(3)}`,
    },
    await checkBatching(embedding, signal),
    ...(reference
      ? [
          {
            name: 'reference' as const,
            passed: reference.failedCount === 0,
            detail:
              `${reference.texts} texts: cosine at least ${reference.cosineMin.toFixed(5)}, mean ` +
              `${reference.cosineMean.toFixed(5)}; ${reference.failedCount} below ${reference.floor}`,
          },
        ]
      : []),
  ];
  return {
    folder: options.folder,
    passed: checks.every(({ passed }) => passed),
    checks,
    id: embedding.id,
    precision: facts.precision,
    loadMs: facts.loadMs,
    embedMs: await medianMs(embedding, signal),
    ...(reference && { reference }),
  };
}

const ms = (value: number): string => `${value.toFixed(0)} ms`;
const cosines = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join(' ');

/** int8 activations are scaled per run, so a neighbour in the batch moves a vector a little; more would be a bug. */
const batchCosineMin = 0.98;

async function checkBatching(embedding: MiniLmEmbedding, signal: AbortSignal): Promise<MiniLmCheck> {
  const texts = ['egg', 'How do I boil an egg?', 'How do I boil an egg without breaking its shell?', 'a b c d e f g h'];
  const together = await embedding.embed(texts, { signal });
  let worst = 1;
  for (const [index, text] of texts.entries()) {
    const [alone] = await embedding.embed([text], { signal });
    worst = Math.min(worst, cosine(alone!, together[index]!));
  }
  return {
    name: 'batching',
    passed: worst >= batchCosineMin,
    detail: `a text alone and in a batch: cosine ${worst.toFixed(5)}`,
  };
}

async function medianMs(embedding: MiniLmEmbedding, signal: AbortSignal): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < 15; n++) {
    const startedMs = performance.now();
    await embedding.embed([`What is the capital of country number ${n}?`], { signal });
    times.push(performance.now() - startedMs);
  }
  return times.sort((a, b) => a - b)[7]!;
}

interface Reference {
  readonly text: string;
  readonly embedding: readonly number[];
}

async function compare(
  embedding: MiniLmEmbedding,
  references: readonly Reference[],
  options: CheckMiniLmOptions,
  signal: AbortSignal,
): Promise<ReferenceReport> {
  const floor = floors[embedding.facts.precision];
  const found: { text: string; cosine: number }[] = [];
  for (const { text, embedding: expected } of references) {
    const [vector] = await embedding.embed([text], { signal });
    found.push({ text, cosine: cosine(vector!, expected) });
    options.onProgress?.(found.length, references.length);
  }
  const failed = found.filter((item) => item.cosine < floor).sort((a, b) => a.cosine - b.cosine);
  return {
    texts: found.length,
    cosineMin: Math.min(...found.map((item) => item.cosine)),
    cosineMean: found.reduce((sum, item) => sum + item.cosine, 0) / found.length,
    floor,
    failed: failed.slice(0, 10),
    failedCount: failed.length,
  };
}

/** Of a unit vector with one that is rounded, or of another length (-1: they cannot agree). */
function cosine(a: UnitVector, b: ArrayLike<number>): number {
  if (a.length !== b.length) return -1;
  let sum = 0;
  let square = 0;
  for (let d = 0; d < a.length; d++) {
    sum += a[d]! * b[d]!;
    square += b[d]! * b[d]!;
  }
  return sum / Math.sqrt(square);
}

async function readReferences(file: string): Promise<readonly Reference[]> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    throw new AppError('bad_request', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0 || lines.length > referenceTextsMax) {
    throw new AppError('bad_request', `${file} has ${lines.length} lines; expected 1 to ${referenceTextsMax}`);
  }
  return lines.map((line, index) => {
    const problem = `${file} line ${index + 1} is not {"text": …, "embedding": [numbers]}`;
    try {
      const value = JSON.parse(line) as Partial<Reference>;
      if (typeof value.text === 'string' && Array.isArray(value.embedding) && value.embedding.every(Number.isFinite)) {
        return { text: value.text, embedding: value.embedding };
      }
    } catch (error) {
      throw new AppError('bad_request', `${problem}: ${(error as Error).message}`, { cause: error });
    }
    throw new AppError('bad_request', problem);
  });
}
