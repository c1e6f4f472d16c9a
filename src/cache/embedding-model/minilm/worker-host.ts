/** Runs the embedding worker: starts it, watches it, starts it again after a crash, and gives up in the end. */
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../../core/clock.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { EmbedCommand, ReadyReport, WorkerReport, WorkerSetup } from './protocol.ts';
import { AppError } from '../../../core/errors.ts';
import { siblingWorker } from '../../../core/sibling-worker.ts';

export interface WorkerHostDeps {
  readonly setup: WorkerSetup;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A load longer than this counts as failed. */
  readonly loadMaxMs: number;
  /** A batch longer than this means a hung worker, which is ended and started again. */
  readonly runMaxMs: number;
  /** Crashes in a row, without one batch answered in between, after which no further start is tried. */
  readonly restartsMax: number;
  readonly backoffMs: { readonly first: number; readonly max: number };
  /** The worker can take a batch. */
  readonly onIdle: () => void;
}

export interface WorkerHost {
  /** Resolves at the first load. @throws AppError `embedding_failed`; `reason` is in its cause */
  readonly ready: Promise<ReadyReport>;
  /** Whether `run` may be called. */
  readonly idle: boolean;
  /** Why no batch can be run, until the worker is back. */
  readonly trouble: string | undefined;
  /** @returns vectors of the texts, flat. One batch at a time. @throws AppError embedding_failed */
  run(texts: readonly string[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Why a load failed for good, for the caller that wants to say what to do. */
export class WorkerLoadError extends Error {
  readonly reason: 'runtime-missing' | 'files-missing' | 'model-refused' | 'crashed';
  constructor(reason: WorkerLoadError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

interface Running {
  readonly batch: number;
  readonly resolve: (values: Float32Array) => void;
  readonly reject: (error: AppError) => void;
  readonly timer: Timer;
}

const workerUrl = siblingWorker('./worker', import.meta.url);

export function createWorkerHost(deps: WorkerHostDeps): WorkerHost {
  const { clock, logger } = deps;
  let worker: Worker | undefined;
  let loaded = false;
  let closed = false;
  let crashesInRow = 0;
  let lastBatch = 0;
  let running: Running | undefined;
  let loadTimer: Timer | undefined;
  let restartTimer: Timer | undefined;
  let trouble: string | undefined = 'the embedding worker is loading';
  const first = Promise.withResolvers<ReadyReport>();
  // A host closed while loading has nobody waiting.
  first.promise.catch(() => undefined);

  const failRunning = (message: string): void => {
    const failed = running;
    if (!failed) return;
    running = undefined;
    failed.timer.clear();
    failed.reject(new AppError('embedding_failed', message));
  };

  const giveUp = (error: WorkerLoadError): void => {
    trouble = error.message;
    first.reject(new AppError('embedding_failed', error.message, { cause: error }));
    failRunning(error.message);
  };

  const start = (): void => {
    loaded = false;
    const started = new Worker(workerUrl, { workerData: deps.setup, name: 'embedding' });
    worker = started;
    loadTimer = clock.after(deps.loadMaxMs, () => {
      logger.warn({ loadMaxMs: deps.loadMaxMs }, 'embedding worker did not load in time');
      void started.terminate();
    });
    started.on('message', (report: WorkerReport) => {
      if (worker === started) onReport(started, report);
    });
    started.on('error', (error) => {
      logger.warn({ err: error }, 'embedding worker failed');
    });
    started.on('exit', (code) => {
      if (worker === started) onExit(code);
    });
  };

  const onReport = (from: Worker, report: WorkerReport): void => {
    switch (report.kind) {
      case 'ready':
        loadTimer?.clear();
        loaded = true;
        trouble = undefined;
        // An idle worker does not keep the process alive; a running batch does.
        from.unref();
        first.resolve(report);
        deps.onIdle();
        return;
      case 'load-failed':
        loadTimer?.clear();
        worker = undefined;
        void from.terminate();
        giveUp(new WorkerLoadError(report.reason, report.message));
        return;
      case 'vectors':
      case 'embed-failed': {
        const done = running;
        if (done?.batch !== report.batch) return;
        running = undefined;
        done.timer.clear();
        from.unref();
        crashesInRow = 0;
        if (report.kind === 'vectors') done.resolve(report.values);
        else done.reject(new AppError('embedding_failed', `the embedding model failed: ${report.message}`));
        deps.onIdle();
        return;
      }
      default:
        report satisfies never;
    }
  };

  const onExit = (code: number): void => {
    loadTimer?.clear();
    worker = undefined;
    loaded = false;
    if (closed) return;
    crashesInRow++;
    if (crashesInRow > deps.restartsMax) {
      giveUp(
        new WorkerLoadError(
          'crashed',
          `the embedding worker ended ${crashesInRow} times in a row (last exit code ${code}); ` +
            'run `llm-self-host embedder check`, or set the embedder to lexical',
        ),
      );
      logger.error({ crashesInRow, code }, 'embedding worker given up');
      return;
    }
    const delayMs = Math.min(deps.backoffMs.max, deps.backoffMs.first * 2 ** (crashesInRow - 1));
    trouble = `the embedding worker ended with exit code ${code}; it starts again in ${delayMs} ms`;
    logger.warn({ crashesInRow, code, delayMs }, 'embedding worker ended, starting again');
    failRunning(trouble);
    restartTimer = clock.after(delayMs, start);
  };

  start();

  return {
    ready: first.promise,
    get idle() {
      return loaded && !running;
    },
    get trouble() {
      return trouble;
    },
    run(texts) {
      const target = worker;
      if (!target || !loaded || running) {
        const why = trouble ?? 'it is running another batch';
        return Promise.reject(new AppError('embedding_failed', `the embedding worker cannot take a batch: ${why}`));
      }
      return new Promise((resolve, reject) => {
        const batch = ++lastBatch;
        const timer = clock.after(deps.runMaxMs, () => {
          logger.warn({ runMaxMs: deps.runMaxMs, texts: texts.length }, 'embedding worker hangs, ending it');
          void target.terminate();
        });
        running = { batch, resolve, reject, timer };
        target.ref();
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
        target.postMessage({ kind: 'embed', batch, texts } satisfies EmbedCommand);
      });
    },
    async close() {
      if (closed) return;
      closed = true;
      trouble = 'the embedding model is closed';
      loadTimer?.clear();
      restartTimer?.clear();
      first.reject(new AppError('embedding_failed', trouble));
      failRunning(trouble);
      const ending = worker;
      worker = undefined;
      await ending?.terminate();
    },
  };
}
