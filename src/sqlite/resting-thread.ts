/** A disk thread that ends when it has long had nothing to do, and is there again when it is asked: a thread is 8 MB. */
import type { Clock, Timer } from '../core/clock.ts';
import { DiskError } from './disk-error.ts';
import { startDiskThread, type DiskProgram, type DiskThread, type OwnThread, type ThreadSetup } from './disk-thread.ts';

/** Every program closes its database so. */
interface Closing {
  close(): void;
}

export interface RestingSetup<Opened> extends Omit<ThreadSetup, 'setup'> {
  /** Made anew for each start. */
  readonly setup: () => unknown;
  readonly clock: Clock;
  readonly restAfterMs: number;
  /** Told what the program found when it was opened again. */
  readonly reopened: (opened: Opened) => void;
}

/**
 * Asked while it rests, a call takes the 30 to 100 ms of a start longer. A thread that has crashed is started again by the
 * next call. Whoever uses it holds the lock on the folder: the thread does not always live.
 * @throws DiskError as the program does
 */
export async function startRestingThread<Program extends DiskProgram & { readonly calls: Closing }>(
  setup: RestingSetup<Program['opened']>,
): Promise<{ readonly thread: DiskThread<Program['calls']>; readonly opened: Program['opened'] }> {
  type Thread = OwnThread<Program['calls']>;
  const { clock, restAfterMs, reopened } = setup;
  const start = () => startDiskThread<Program>({ ...setup, setup: setup.setup() });
  const first = await start();
  let awake: Promise<Thread> | undefined = Promise.resolve(first.thread);
  /** The last thread, on its way out: the next one waits until it has closed the file. */
  let leaving: Promise<void> = Promise.resolve();
  let calls = 0;
  let over = false;
  let timer: Timer | undefined;

  async function wake(): Promise<Thread> {
    await leaving;
    const { thread, opened } = await start();
    reopened(opened);
    return thread;
  }

  function leave(): void {
    const thread = awake;
    awake = undefined;
    timer = undefined;
    if (thread) leaving = thread.then(closeAndEnd).catch(() => undefined); // it never came to be, or ended by itself
  }

  const restLater = () => {
    timer = clock.after(restAfterMs, leave);
  };
  restLater();

  const thread: DiskThread<Program['calls']> = {
    async call(op, ...args) {
      // The lock on the folder is given back then: nothing may be opened there any more.
      if (over) throw new DiskError('failed', `the thread ${setup.name} has been ended`);
      timer?.clear();
      calls += 1;
      const asked = (awake ??= wake());
      try {
        return await (await asked).call(op, ...args);
      } finally {
        calls -= 1;
        const gone = await asked.then(
          ({ ended }) => ended,
          () => true,
        );
        if (gone && awake === asked) awake = undefined;
        if (calls === 0 && awake && !over) restLater();
      }
    },
    async end() {
      over = true;
      timer?.clear();
      if (awake) leave();
      await leaving;
    },
  };
  return { thread, opened: first.opened };
}

async function closeAndEnd(thread: DiskThread<Closing>): Promise<void> {
  await thread.call('close').catch(() => undefined); // what cannot be closed ends with the thread
  await thread.end();
}
