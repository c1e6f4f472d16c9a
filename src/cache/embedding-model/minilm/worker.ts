/**
 * Thread that holds the model. onnxruntime's `run()` computes on the calling thread, so the main one
 * must never call it. onnxruntime-node and the tokenizer are loaded here and nowhere else.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parentPort, threadId, workerData } from 'node:worker_threads';
import type * as OnnxRuntime from 'onnxruntime-node';
import type { PieceTokenizer } from './tokenise.ts';
import type { EmbedCommand, LoadFailedReport, WorkerReport, WorkerSetup } from './protocol.ts';
import { groupByLength, meanPool, normaliseInto } from './batching.ts';

type Runtime = typeof OnnxRuntime;

interface Loaded {
  readonly runtime: Runtime;
  readonly session: OnnxRuntime.InferenceSession;
  readonly tokenizer: PieceTokenizer;
  readonly modelSha256: string;
  readonly modelBytes: number;
  readonly tokenizerSha256: string;
}

/** Texts in one run of the model: eight save 35 % per text at 16 tokens, more only adds waiting. */
const groupMax = 8;

const setup = workerData as WorkerSetup;
const port = parentPort;
if (!port) throw new Error('worker.ts runs as a worker thread only');

class LoadFailure extends Error {
  readonly reason: LoadFailedReport['reason'];
  constructor(reason: LoadFailedReport['reason'], message: string, cause: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

const tell = (report: WorkerReport, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(report, [...transfer]);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function start(): Promise<void> {
  const startedMs = performance.now();
  const loaded = await load();
  const probe = await embed(loaded, ['hello']);
  port!.on('message', (command: EmbedCommand) => void answer(loaded, command));
  tell({
    kind: 'ready',
    dimensions: probe.length,
    modelSha256: loaded.modelSha256,
    modelBytes: loaded.modelBytes,
    tokenizerSha256: loaded.tokenizerSha256,
    loadMs: performance.now() - startedMs,
    threadId,
  });
}

async function load(): Promise<Loaded> {
  let runtime: Runtime;
  try {
    const module = (await import(setup.runtime)) as Runtime & { default?: Runtime };
    runtime = module.default ?? module;
  } catch (error) {
    throw new LoadFailure(
      'runtime-missing',
      `the module ${setup.runtime} is not installed or does not load (${messageOf(error)}); ` +
        `run \`ONNXRUNTIME_NODE_INSTALL=skip npm install ${setup.runtime}\``,
      error,
    );
  }
  const [model, tokenizerJson] = await Promise.all([readInput(setup.modelFile), readInput(setup.tokenizerFile)]);
  const { createPieceTokenizer } = await import('./tokenise.ts');
  // One thread: with two, the pool spins and every other job on the machine slows the median down.
  const session = await runtime.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  return {
    runtime,
    session,
    tokenizer: createPieceTokenizer(tokenizerJson.toString('utf8'), setup.windowPieces),
    modelSha256: sha256(model),
    modelBytes: model.length,
    tokenizerSha256: sha256(tokenizerJson),
  };
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function readInput(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new LoadFailure('files-missing', `cannot read ${file}: ${messageOf(error)}`, error);
  }
}

/** The host sends a batch when the one before is answered. */
async function answer(loaded: Loaded, command: EmbedCommand): Promise<void> {
  try {
    const values = await embed(loaded, command.texts);
    tell({ kind: 'vectors', batch: command.batch, values }, [values.buffer]);
  } catch (error) {
    tell({ kind: 'embed-failed', batch: command.batch, message: messageOf(error) });
  }
}

async function embed(loaded: Loaded, texts: readonly string[]): Promise<Float32Array<ArrayBuffer>> {
  const encoded = texts.map((text) => loaded.tokenizer.encode(text));
  let out: Float32Array<ArrayBuffer> | undefined;
  for (const group of groupByLength(
    encoded.map((ids) => ids.length),
    groupMax,
  )) {
    const rows = group.map((index) => encoded[index]!);
    const { data, dims } = await run(loaded, rows);
    const dimensions = dims.at(-1)!;
    out ??= new Float32Array(texts.length * dimensions);
    const tokens = dims.length === 3 ? dims[1]! : 1;
    for (const [row, index] of group.entries()) {
      if (dims.length === 3) {
        meanPool(data, { row, tokens, length: rows[row]!.length, dimensions }, out, index * dimensions);
      } else normaliseInto(data.subarray(row * dimensions, (row + 1) * dimensions), out, index * dimensions);
    }
  }
  return out ?? new Float32Array(0);
}

async function run(
  { runtime, session }: Loaded,
  rows: readonly (readonly number[])[],
): Promise<{ readonly data: Float32Array; readonly dims: readonly number[] }> {
  const tokens = Math.max(...rows.map((ids) => ids.length));
  const shape = [rows.length, tokens];
  const ids = new BigInt64Array(rows.length * tokens);
  const mask = new BigInt64Array(rows.length * tokens);
  // Ids are small and every platform we run on is little-endian: low words spare a BigInt per token.
  const idWords = new Int32Array(ids.buffer);
  const maskWords = new Int32Array(mask.buffer);
  for (const [row, pieces] of rows.entries()) {
    for (const [at, id] of pieces.entries()) {
      idWords[2 * (row * tokens + at)] = id;
      maskWords[2 * (row * tokens + at)] = 1;
    }
  }
  const feeds: Record<string, OnnxRuntime.Tensor> = {};
  for (const name of session.inputNames) {
    if (name === 'input_ids') feeds[name] = new runtime.Tensor('int64', ids, shape);
    else if (name === 'attention_mask') feeds[name] = new runtime.Tensor('int64', mask, shape);
    else if (name === 'token_type_ids') {
      feeds[name] = new runtime.Tensor('int64', new BigInt64Array(ids.length), shape);
    } else throw new Error(`the model wants an input ${name}; expected input_ids, attention_mask, token_type_ids`);
  }
  const wanted =
    ['sentence_embedding', 'last_hidden_state', 'token_embeddings'].find((name) =>
      session.outputNames.includes(name),
    ) ?? session.outputNames[0]!;
  const output = (await session.run(feeds, [wanted]))[wanted]!;
  if (output.type !== 'float32' || (output.dims.length !== 3 && output.dims.length !== 2)) {
    throw new Error(
      `the model gives ${wanted} as ${output.type} of ${output.dims.length} dimensions; expected float32 of 2 or 3`,
    );
  }
  return { data: output.data as Float32Array, dims: output.dims };
}

// Last, when everything above is defined.
await start().catch((error: unknown) => {
  const reason = error instanceof LoadFailure ? error.reason : 'model-refused';
  tell({ kind: 'load-failed', reason, message: messageOf(error) });
  port.close();
});
