import { Worker } from 'node:worker_threads';
import { siblingWorker } from '../sibling-worker.ts';
import { DiskError } from './disk-error.ts';
import type { DiskCalls, DiskReply, DiskSetup, Opened } from './disk-protocol.ts';

/** Batches pass through and are soon garbage: a small nursery keeps the process small. A page of a list is a few MiB. */
const heapLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 256 };

/** The disk thread, as promises. */
export interface DiskThread {
  /** @throws DiskError */
  call<K extends keyof DiskCalls>(op: K, ...args: Parameters<DiskCalls[K]>): Promise<ReturnType<DiskCalls[K]>>;
  /** Ends the thread; the lock on the folder goes with it. */
  end(): Promise<void>;
}

/** @throws DiskError: damaged beyond setting aside, locked by another process, newer schema, or not writable */
export async function startDiskThread(
  setup: DiskSetup,
): Promise<{ readonly thread: DiskThread; readonly opened: Opened }> {
  const worker = new Worker(siblingWorker('disk-worker', import.meta.url), {
    name: 'cache-disk',
    workerData: setup,
    resourceLimits: heapLimits,
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let lastId = 0;
  let dead: DiskError | undefined;

  const die = (cause: unknown) => {
    dead ??= new DiskError('failed', 'the thread that writes the cache has ended', cause);
    for (const one of waiting.values()) one.reject(dead);
    waiting.clear();
  };
  worker.on('message', (message: DiskReply) => {
    const one = waiting.get(message.id);
    waiting.delete(message.id);
    if (waiting.size === 0) worker.unref();
    if ('fault' in message) one?.reject(new DiskError(message.fault, message.message));
    else one?.resolve(message.value);
  });
  worker.on('error', die);
  worker.on('exit', die);

  // Calls are few at a time: one write, and what operators ask for. While one waits, the process must not end.
  const answer = (id: number) =>
    new Promise<unknown>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.ref();
    });
  const thread: DiskThread = {
    async call(op, ...args) {
      if (dead) throw dead;
      const id = ++lastId;
      const answered = answer(id);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage({ id, op, args });
      return (await answered) as never;
    },
    async end() {
      worker.ref();
      await worker.terminate();
    },
  };

  try {
    const opened = (await answer(0)) as Opened;
    return { thread, opened };
  } catch (error) {
    await thread.end();
    throw error;
  }
}
