import { Worker } from 'node:worker_threads';
import type { UnitVector } from '../../core/vector.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { AppError } from '../../core/errors.ts';
import { siblingWorker } from '../../core/sibling-worker.ts';
import { nextTurn } from '../time-slice.ts';
import { createPlainKernel, createSimdKernel, type Kernel, type SharedMemory } from './kernel.ts';
import { layOut, scratchOf } from './layout.ts';
import { Rows } from './rows.ts';
import { scan, type ScanDeps } from './scan.ts';

/** What the scanning thread is told when it starts. */
export interface ScannerSetup {
  readonly memory: SharedMemory;
  readonly dimensions: number;
  readonly rowsMax: number;
  readonly kernel: Kernel['name'];
}

export interface ScanCall {
  readonly id: number;
  readonly slots: Uint32Array<SharedArrayBuffer>;
  readonly count: number;
  readonly query: UnitVector;
  readonly best: number;
  readonly sketchRowsMin: number;
}

export type ScanReply =
  | { readonly id: number; readonly slots: Uint32Array }
  | { readonly id: number; readonly error: string };

export interface Scanner {
  /** @throws cache_unavailable when too many searches wait or the index is closed */
  run(call: Omit<ScanCall, 'id'>): Promise<Uint32Array>;
  close(): Promise<void>;
}

/** A search takes a few milliseconds; behind 64 others it would be later than the answer it might save. */
const waitingMax = 64;

/** The vectors are shared memory; the thread's own heap holds next to nothing. */
const heapLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

export function scanDeps(setup: ScannerSetup, scratch: 'main' | 'scanner'): ScanDeps {
  const layout = layOut(setup.dimensions, setup.rowsMax);
  const { memory } = setup;
  const kernel = (setup.kernel === 'simd' ? createSimdKernel(memory) : undefined) ?? createPlainKernel(memory);
  const area = scratchOf(layout, layout.scratchAt[scratch]);
  return { layout, memory, kernel, rows: new Rows(layout, memory, kernel, area), scratch: area };
}

/**
 * Scans in a thread of its own, started with the first large search. Should that thread fail, the
 * main thread scans in slices from then on: slower, but it answers.
 */
export function createScanner(setup: ScannerSetup, logger: Logger, mode: 'thread' | 'slices'): Scanner {
  const waiting = new Map<number, { readonly call: ScanCall; readonly settle: Settle }>();
  let lastId = 0;
  let closed = false;
  let worker: Worker | undefined;
  let slices: Scanner['run'] | undefined;

  const fallBack = (cause: unknown) => {
    if (closed || slices) return;
    if (mode === 'thread') logger.error({ err: cause }, 'vector scan thread failed; scanning on the main thread');
    worker = undefined;
    slices = createSlicedScans(setup);
    for (const { call, settle } of waiting.values()) slices(call).then(settle.resolve, settle.reject);
    waiting.clear();
  };

  const start = () => {
    const started = new Worker(siblingWorker('scan-worker', import.meta.url), {
      name: 'vector-scan',
      workerData: setup,
      resourceLimits: heapLimits,
    });
    started.unref();
    started.on('message', (reply: ScanReply) => {
      const one = waiting.get(reply.id);
      waiting.delete(reply.id);
      if ('slots' in reply) one?.settle.resolve(reply.slots);
      else one?.settle.reject(new AppError('cache_unavailable', `vector search failed: ${reply.error}`));
    });
    started.on('error', fallBack);
    started.on('exit', (code) => fallBack(new Error(`vector scan thread ended with code ${code}`)));
    return started;
  };

  return {
    async run(call) {
      if (closed) throw new AppError('cache_unavailable', 'the vector index is closed');
      if (waiting.size >= waitingMax)
        throw new AppError('cache_unavailable', `${waitingMax} vector searches wait already; ask without the cache`);
      if (mode === 'slices') fallBack(undefined);
      if (slices) return slices(call);
      worker ??= start();
      const id = ++lastId;
      const numbered = { ...call, id };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(numbered);
      return new Promise((resolve, reject) => waiting.set(id, { call: numbered, settle: { resolve, reject } }));
    },

    async close() {
      closed = true;
      for (const { settle } of waiting.values())
        settle.reject(new AppError('cache_unavailable', 'the vector index was closed during a search'));
      waiting.clear();
      await worker?.terminate();
    },
  };
}

interface Settle {
  readonly resolve: (slots: Uint32Array) => void;
  readonly reject: (error: unknown) => void;
}

/** A slice ends after this long, so that a token due meanwhile is hardly late. */
const sliceMs = 2;

/** One scan after another, because they share a scratch area. */
function createSlicedScans(setup: ScannerSetup): Scanner['run'] {
  const deps = scanDeps(setup, 'scanner');
  let last: Promise<unknown> = Promise.resolve();
  return (call) => {
    const run = last.then(async () => {
      const pieces = scan(deps, call);
      let sliceFromMs = performance.now();
      for (;;) {
        const piece = pieces.next();
        if (piece.done) return piece.value;
        if (performance.now() - sliceFromMs < sliceMs) continue;
        await nextTurn();
        sliceFromMs = performance.now();
      }
    });
    last = run.catch(() => undefined);
    return run;
  };
}
