import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { EmbeddingModel } from '../embedding-model.ts';
import { AppError, toAppError } from '../../core/errors.ts';
import { systemRandom, type Random } from '../../core/random.ts';
import { createLexicalEmbedding } from './lexical.ts';
import { WorkerLoadError } from './minilm/worker-host.ts';

export interface EmbeddingChoiceOptions {
  /** `auto`: MiniLM when its files are in `folder` and pass their checks, else lexical. */
  readonly kind: 'auto' | 'lexical' | 'minilm' | 'endpoint';
  /** Of the MiniLM files. */
  readonly folder: string;
  /** Fetch the MiniLM files first when they are missing. */
  readonly download?: boolean;
  readonly downloadUrl?: string | undefined;
  /** Needed by `kind: 'endpoint'`. */
  readonly endpoint?:
    | {
        readonly url: string;
        readonly api: 'ollama' | 'openai';
        readonly model: string;
        readonly deadlineMs?: number | undefined;
        readonly similarityMin?: number | undefined;
      }
    | undefined;
  /** Bearer tokens by URL. */
  readonly bearers?: Readonly<Record<string, string>>;
}

export interface EmbeddingChoiceDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Spreads the retries of a download. */
  readonly random?: Random;
  /** Bytes of a download. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops a download. */
  readonly signal?: AbortSignal;
  /** Module that runs ONNX models; another name only where a test needs a missing one. */
  readonly runtime?: string;
}

export interface EmbeddingChoice {
  readonly embedding: EmbeddingModel;
  /** One line for the banner. */
  readonly why: string;
  /** What to do for a better embedder, if anything. */
  readonly remedy?: string;
}

const fetchRemedy = 'run `llm-self-host embedder fetch` for matches by meaning instead of by words';

/**
 * Opens the embedder that was asked for. `auto` never fails: what stands against MiniLM becomes `why` and `remedy`.
 * Loads onnxruntime only in a worker, and the other drivers only when they are chosen. Costs nothing for lexical,
 * some 0.3 s for int8 MiniLM; a download waits for the network.
 * @throws AppError `config_invalid` when an embedder named by the configuration cannot be opened
 */
export async function chooseEmbedding(
  options: EmbeddingChoiceOptions,
  deps: EmbeddingChoiceDeps,
): Promise<EmbeddingChoice> {
  switch (options.kind) {
    case 'lexical':
      return { embedding: createLexicalEmbedding(), why: 'chosen by the configuration' };
    case 'endpoint':
      return openEndpoint(options, deps);
    case 'minilm':
      try {
        return await openMiniLm(options, deps);
      } catch (error) {
        throw unusable(error, 'embedding.kind is minilm', 'or set embedding.kind to auto or lexical');
      }
    default:
      try {
        return await openMiniLm(options, deps);
      } catch (error) {
        return fallBack(error, options, deps);
      }
  }
}

async function openMiniLm(options: EmbeddingChoiceOptions, deps: EmbeddingChoiceDeps): Promise<EmbeddingChoice> {
  const { folder } = options;
  const { createMiniLmEmbedding, findModelFile } = await import('./minilm.ts');
  let fetched = false;
  try {
    await findModelFile(folder);
  } catch (error) {
    if (!options.download || reasonOf(error) !== 'files-missing') throw error;
    await fetchFiles(options, deps);
    fetched = true;
  }
  const embedding = await createMiniLmEmbedding({
    folder,
    clock: deps.clock,
    logger: deps.logger,
    ...(deps.runtime !== undefined && { runtime: deps.runtime }),
  });
  const { precision, loadMs } = embedding.facts;
  deps.logger.info({ precision, loadMs, id: embedding.id }, 'MiniLM loaded');
  return { embedding, why: `all-MiniLM-L6-v2 (${precision}) ${fetched ? 'fetched to' : 'found in'} ${folder}` };
}

async function fetchFiles(options: EmbeddingChoiceOptions, deps: EmbeddingChoiceDeps): Promise<void> {
  const { fetchMiniLm } = await import('./minilm/fetch.ts');
  await fetchMiniLm({
    folder: options.folder,
    clock: deps.clock,
    random: deps.random ?? systemRandom,
    signal: deps.signal ?? new AbortController().signal,
    ...(options.downloadUrl !== undefined && { baseUrl: options.downloadUrl }),
    ...(deps.onProgress && {
      onProgress: ({ bytes, bytesTotal }: { bytes: number; bytesTotal: number }) =>
        deps.onProgress?.(bytes, bytesTotal),
    }),
  });
}

function fallBack(error: unknown, options: EmbeddingChoiceOptions, deps: EmbeddingChoiceDeps): EmbeddingChoice {
  const { message } = toAppError(error);
  const embedding = createLexicalEmbedding();
  const reason = reasonOf(error);
  if (reason === 'files-missing')
    return { embedding, why: `no MiniLM files in ${options.folder}`, remedy: fetchRemedy };
  // Somebody put the files there, or asked for the download: a person should see why they are not used.
  deps.logger.warn({ err: error, folder: options.folder }, 'MiniLM cannot be used, matching by words instead');
  if (reason === 'runtime-missing') {
    return {
      embedding,
      why: 'MiniLM files are there, the module onnxruntime-node is not',
      remedy: 'run `ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node`',
    };
  }
  const remedy = reason === undefined ? fetchRemedy : 'run `llm-self-host embedder check`';
  return { embedding, why: `MiniLM cannot be used: ${message}`, remedy };
}

async function openEndpoint(options: EmbeddingChoiceOptions, deps: EmbeddingChoiceDeps): Promise<EmbeddingChoice> {
  const { endpoint, bearers } = options;
  if (!endpoint) {
    throw new AppError('config_invalid', 'embedding.kind is endpoint and embedding.endpoint is missing: give its url');
  }
  const { createEndpointEmbedding } = await import('./endpoint.ts');
  const bearer = bearers?.[endpoint.url];
  try {
    const embedding = await createEndpointEmbedding({
      url: endpoint.url,
      model: endpoint.model,
      kind: endpoint.api,
      clock: deps.clock,
      logger: deps.logger,
      ...(bearer !== undefined && { bearer }),
      ...(endpoint.deadlineMs !== undefined && { deadlineMs: endpoint.deadlineMs }),
      ...(endpoint.similarityMin !== undefined && { similarityMin: endpoint.similarityMin }),
    });
    return { embedding, why: `${endpoint.model} at ${new URL(endpoint.url).origin}, chosen by the configuration` };
  } catch (error) {
    throw unusable(error, 'embedding.kind is endpoint', 'or set embedding.kind to auto');
  }
}

function unusable(error: unknown, what: string, otherwise: string): AppError {
  return new AppError('config_invalid', `${what}: ${toAppError(error).message}; ${otherwise}`, { cause: error });
}

/** Why MiniLM does not load; undefined for a failed download. */
function reasonOf(error: unknown): WorkerLoadError['reason'] | undefined {
  const cause = error instanceof AppError ? error.cause : undefined;
  return cause instanceof WorkerLoadError ? cause.reason : undefined;
}
