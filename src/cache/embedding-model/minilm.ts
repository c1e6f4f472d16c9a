/** all-MiniLM-L6-v2 on onnxruntime, in a worker thread. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallOptions } from '../../core/chat.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { EmbeddingModel } from '../embedding-model.ts';
import { AppError } from '../../core/errors.ts';
import type { UnitVector } from '../../core/vector.ts';
import { modelFiles, precisionOf, tokenizerFile, windowPieces, type Precision } from './minilm/known-files.ts';
import { checkFiles, checkMeaning } from './minilm/check.ts';
import { createEmbedQueue } from './minilm/embed-queue.ts';
import { fitsWindow } from './minilm/window.ts';
import { createWorkerHost, WorkerLoadError } from './minilm/worker-host.ts';

export interface MiniLmOptions {
  /** Holds `tokenizer.json` and `onnx/model_quantized.onnx` or `onnx/model.onnx`. */
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Weights or a tokenizer of another hash than the published ones are used, and reported by `facts`. */
  readonly allowUnknownWeights?: boolean;
  /** `skip` leaves out the check on meaning, for weights that have none (tests, speed trials). */
  readonly meaningCheck?: 'require' | 'skip';
  /** Cosine in [-1, 1]. */
  readonly similarityMin?: number;
  /** Longest wait of one call, queue included; the caller's signal may end it sooner. */
  readonly deadlineMs?: number;
  readonly queueMax?: number;
  readonly loadMaxMs?: number;
  readonly runMaxMs?: number;
  readonly restartsMax?: number;
  readonly backoffMs?: { readonly first: number; readonly max: number };
  /** Module that runs ONNX models; another name only where a test needs a missing one. */
  readonly runtime?: string;
}

export interface MiniLmFacts {
  readonly modelFile: string;
  readonly precision: Precision;
  readonly modelSha256: string;
  readonly modelBytes: number;
  readonly tokenizerSha256: string;
  readonly loadMs: number;
  /** Thread that computes; 0 would be the main one. */
  readonly workerThreadId: number;
}

export interface MiniLmEmbedding extends EmbeddingModel {
  readonly kind: 'minilm';
  readonly facts: MiniLmFacts;
}

/**
 * A cosine of MiniLM alone cannot tell right from wrong: published results on a stream of Quora questions
 * (CacheVerifier) give wrong hits of 57 % of all hits at 0.80, 34 % at 0.95 and still 26 % at 0.98, against labels
 * that miss many true duplicates. So the cut only keeps far texts out; what differs by one word is for the
 * guards and the content-word rule of the hit policy, without which this value is too low. It leaves room for
 * changed function words and word order; `minilm` files and the same model behind an endpoint share it.
 */
const defaultSimilarityMin = 0.95;

const defaults = {
  // Longer than any live caller waits; it bounds background work behind a stuck queue.
  deadlineMs: 2_000,
  // Some 100 ms of work at 16 tokens a text: who comes later would miss a lookup's deadline of 100 ms.
  queueMax: 64,
  // Loading takes under a second, from a cold disk a few.
  loadMaxMs: 20_000,
  // Eight texts of a full window in fp32 take half a second; ten times that is a hung thread.
  runMaxMs: 5_000,
  // A worker that dies at once five times dies again; lookups go on as misses.
  restartsMax: 5,
  backoffMs: { first: 250, max: 30_000 },
} as const;

/** Texts of one `embed` call; also the most in one run of the model. */
const maxBatch = 8;

/**
 * Loads the model, checks it, and resolves when it can embed; some 0.3 s for int8.
 * @throws AppError `embedding_failed` with the remedy: files or runtime missing, unknown hash, failed check
 */
export async function createMiniLmEmbedding(options: MiniLmOptions): Promise<MiniLmEmbedding> {
  const { clock, logger } = options;
  const modelFile = await findModelFile(options.folder);
  let idle = (): void => undefined;
  const host = createWorkerHost({
    setup: {
      modelFile,
      tokenizerFile: join(options.folder, tokenizerFile.path),
      windowPieces,
      runtime: options.runtime ?? 'onnxruntime-node',
    },
    clock,
    logger,
    loadMaxMs: options.loadMaxMs ?? defaults.loadMaxMs,
    runMaxMs: options.runMaxMs ?? defaults.runMaxMs,
    restartsMax: options.restartsMax ?? defaults.restartsMax,
    backoffMs: options.backoffMs ?? defaults.backoffMs,
    onIdle: () => idle(),
  });
  try {
    const report = await host.ready;
    checkFiles(report, options.allowUnknownWeights ?? false);
    const queue = createEmbedQueue({
      host,
      clock,
      dimensions: report.dimensions,
      queueMax: options.queueMax ?? defaults.queueMax,
      deadlineMs: options.deadlineMs ?? defaults.deadlineMs,
      batchMax: maxBatch,
    });
    idle = () => queue.pump();
    const embedding: MiniLmEmbedding = {
      id: spaceId(report.modelSha256, report.tokenizerSha256),
      kind: 'minilm',
      dimensions: report.dimensions,
      maxBatch,
      similarityMin: options.similarityMin ?? defaultSimilarityMin,
      fits: (text) => fitsWindow(text, windowPieces),
      embed(texts: readonly string[], call: CallOptions): Promise<readonly UnitVector[]> {
        return queue.embed(texts, call);
      },
      close() {
        queue.close();
        return host.close();
      },
      facts: {
        modelFile,
        precision: precisionOf(report.modelSha256),
        modelSha256: report.modelSha256,
        modelBytes: report.modelBytes,
        tokenizerSha256: report.tokenizerSha256,
        loadMs: report.loadMs,
        workerThreadId: report.threadId,
      },
    };
    if ((options.meaningCheck ?? 'require') === 'require') await checkMeaning(embedding);
    return embedding;
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** Both files decide the space: another tokenizer gives other vectors from the same weights. */
function spaceId(modelSha256: string, tokenizerSha256: string): string {
  const digest = createHash('sha256').update(modelSha256).update(tokenizerSha256).digest('hex');
  return `minilm-l6-v2-${precisionOf(modelSha256)}-${digest.slice(0, 12)}`;
}

/** @returns the preferred model file of the folder. @throws AppError `embedding_failed` when a file is missing */
export async function findModelFile(folder: string): Promise<string> {
  const wanted = [tokenizerFile, ...modelFiles].map(({ path }) => path);
  const present = await Promise.all(wanted.map((path) => isFile(join(folder, path))));
  const model = modelFiles.find((_, index) => present[index + 1]);
  if (model && present[0]) return join(folder, model.path);
  const missing = present[0] ? modelFiles.map(({ path }) => path).join(' or ') : tokenizerFile.path;
  const message = `${folder} holds no ${missing}; run \`llm-self-host embedder fetch\``;
  throw new AppError('embedding_failed', message, { cause: new WorkerLoadError('files-missing', message) });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}
