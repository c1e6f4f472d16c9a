/** A thread that owns a database, spoken to in promises, so that an fsync or a slow disk never holds up a request. */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { DiskError, faultOf, type DiskFault } from './disk-error.ts';

/** What a thread says when it is open, and what it can be asked then: synchronous there, plain data both ways. */
export interface DiskProgram {
  readonly opened: unknown;
  readonly calls: object;
}

type DiskReply =
  /** Id 0 answers the opening. */
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly fault: DiskFault; readonly message: string };

interface DiskCall {
  readonly id: number;
  readonly op: string;
  readonly args: readonly unknown[];
}

export interface DiskThread<Calls> {
  /** @throws DiskError */
  call<K extends keyof Calls>(
    op: K,
    ...args: Calls[K] extends (...args: infer Args) => unknown ? Args : never
  ): Promise<Calls[K] extends (...args: never[]) => infer Result ? Result : never>;
  /** Ends the thread; what it has locked goes with it. */
  end(): Promise<void>;
}

export interface OwnThread<Calls> extends DiskThread<Calls> {
  /** It has crashed, or was ended: every further call fails. */
  readonly ended: boolean;
}

export interface ThreadSetup {
  readonly program: URL;
  readonly name: string;
  readonly setup: unknown;
  /** Batches pass through and are soon garbage: a small nursery keeps the process small. */
  readonly heapMib: { readonly young: number; readonly old: number };
}

/** @throws DiskError: damaged beyond setting aside, locked by another process, newer schema, or not writable */
export async function startDiskThread<Program extends DiskProgram>({
  program,
  name,
  setup,
  heapMib,
}: ThreadSetup): Promise<{ readonly thread: OwnThread<Program['calls']>; readonly opened: Program['opened'] }> {
  const worker = new Worker(program, {
    name,
    workerData: setup,
    resourceLimits: { maxYoungGenerationSizeMb: heapMib.young, maxOldGenerationSizeMb: heapMib.old },
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let lastId = 0;
  let dead: DiskError | undefined;

  const die = (cause: unknown) => {
    dead ??= new DiskError('failed', `the thread ${name} has ended`, cause);
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
  const thread: OwnThread<Program['calls']> = {
    get ended() {
      return dead !== undefined;
    },
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
    const opened = (await answer(0)) as Program['opened'];
    return { thread, opened };
  } catch (error) {
    await thread.end();
    throw error;
  }
}

/** The thread's side: opens, says what it found, and answers calls until `close`. */
export function serveDisk(open: (setup: never) => { readonly opened: unknown; readonly calls: object }): void {
  const port = parentPort;
  if (!port) throw new Error('this is a thread program; its store starts it');
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  const reply = (message: DiskReply) => port.postMessage(message);
  const fail = (id: number, error: unknown) =>
    reply({ id, fault: faultOf(error), message: error instanceof Error ? error.message : String(error) });
  try {
    const { opened, calls } = open(workerData as never);
    port.on('message', ({ id, op, args }: DiskCall) => {
      try {
        // The type of `call` ties op to its args; what comes through a port cannot.
        const value = (calls as Record<string, (...values: readonly unknown[]) => unknown>)[op]!(...args);
        reply({ id, value });
        if (op === 'close') port.close();
      } catch (error) {
        fail(id, error);
      }
    });
    reply({ id: 0, value: opened });
    collectStartUpGarbage();
  } catch (error) {
    fail(0, error);
  }
}

/** Of a thread that is started once and then mostly waits: 2 MB. There where the program that starts it has said so to V8. */
function collectStartUpGarbage(): void {
  const { gc } = globalThis as { readonly gc?: (options: object) => void };
  gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
