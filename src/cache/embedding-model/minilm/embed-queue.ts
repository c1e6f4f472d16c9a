/** Waiting texts of all callers, handed to the worker in batches as soon as it is free. */
import type { CallOptions } from '../../../core/chat.ts';
import type { Clock, Timer } from '../../../core/clock.ts';
import type { WorkerHost } from './worker-host.ts';
import { AppError, toAppError } from '../../../core/errors.ts';
import { toUnitVector, type UnitVector } from '../../../core/vector.ts';

interface EmbedQueueDeps {
  readonly host: Pick<WorkerHost, 'idle' | 'trouble' | 'run'>;
  readonly clock: Clock;
  readonly dimensions: number;
  /** Waiting texts; one more is refused at once. */
  readonly queueMax: number;
  readonly deadlineMs: number;
  /** Texts handed over at a time. */
  readonly batchMax: number;
}

export interface EmbedQueue {
  embed(texts: readonly string[], options: CallOptions): Promise<readonly UnitVector[]>;
  /** Hands over a batch if there is one and the worker is free. */
  pump(): void;
  /** Fails every call that still waits. */
  close(): void;
}

/** One caller's texts. */
interface Call {
  readonly vectors: UnitVector[];
  missing: number;
  settled: boolean;
  readonly settle: (outcome: AppError | undefined) => void;
}

interface Item {
  readonly text: string;
  readonly at: number;
  readonly call: Call;
}

export function createEmbedQueue(deps: EmbedQueueDeps): EmbedQueue {
  const { host, dimensions } = deps;
  const waiting: Item[] = [];

  const pump = (): void => {
    if (!host.idle) return;
    const batch: Item[] = [];
    let taken = 0;
    while (taken < waiting.length && batch.length < deps.batchMax) {
      const item = waiting[taken++]!;
      if (!item.call.settled) batch.push(item);
    }
    waiting.splice(0, taken);
    if (batch.length === 0) return;
    host.run(batch.map(({ text }) => text)).then(
      (values) => {
        for (const [index, { call, at }] of batch.entries()) {
          call.vectors[at] = toUnitVector(values.slice(index * dimensions, (index + 1) * dimensions));
          if (--call.missing === 0) call.settle(undefined);
        }
      },
      (error: unknown) => {
        for (const { call } of batch) call.settle(toAppError(error));
      },
    );
  };

  return {
    pump,
    close() {
      while (waiting.length > 0) {
        waiting[0]!.call.settle(new AppError('embedding_failed', 'the embedding model is closed'));
      }
    },
    embed(texts, { signal }) {
      if (signal.aborted) return Promise.reject(new AppError('embedding_failed', 'embedding was aborted'));
      if (texts.length === 0) return Promise.resolve([]);
      if (host.trouble !== undefined) {
        return Promise.reject(new AppError('embedding_failed', `no embedding: ${host.trouble}`));
      }
      if (texts.length > deps.batchMax) {
        const message = `${texts.length} texts in one call; the most is ${deps.batchMax}: split them`;
        return Promise.reject(new AppError('embedding_failed', message));
      }
      if (waiting.length + texts.length > deps.queueMax) {
        const message = `embedding queue is full (${waiting.length} of ${deps.queueMax} texts wait)`;
        return Promise.reject(new AppError('embedding_failed', message, { retryAfterMs: 1_000 }));
      }
      return new Promise((resolve, reject) => {
        const onAbort = (): void => call.settle(new AppError('embedding_failed', 'embedding was aborted'));
        const timer: Timer = deps.clock.after(deps.deadlineMs, () => {
          call.settle(new AppError('embedding_failed', `embedding took longer than ${deps.deadlineMs} ms`));
        });
        const call: Call = {
          vectors: [],
          missing: texts.length,
          settled: false,
          settle(error) {
            if (call.settled) return;
            call.settled = true;
            timer.clear();
            signal.removeEventListener('abort', onAbort);
            if (!error) return resolve(call.vectors);
            // What nobody waits for must not hold a place in the queue.
            for (let at = waiting.length - 1; at >= 0; at--) if (waiting[at]!.call === call) waiting.splice(at, 1);
            reject(error);
          },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        for (const [at, text] of texts.entries()) waiting.push({ text, at, call });
        pump();
      });
    },
  };
}
