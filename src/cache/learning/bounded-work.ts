/** Tasks that may wait, a few at a time; beyond its bound a task is refused and never grows a queue. */
export interface BoundedWorkOptions {
  readonly runningMax: number;
  readonly waitingMax: number;
  /** Told of a task that threw; the next one runs all the same. */
  readonly failed: (error: unknown) => void;
}

export class BoundedWork {
  readonly #options: BoundedWorkOptions;
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(options: BoundedWorkOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length + this.#running.size;
  }

  /** @returns false when it is refused: too many wait, or the work is closed. */
  offer(task: () => Promise<void>): boolean {
    if (this.#closed) return false;
    if (this.#running.size < this.#options.runningMax) {
      this.#run(task);
      return true;
    }
    if (this.#waiting.length >= this.#options.waitingMax) return false;
    this.#waiting.push(task);
    return true;
  }

  /** Forgets what waits; resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.length = 0;
    await Promise.all(this.#running);
  }

  #run(task: () => Promise<void>): void {
    const run = task()
      .catch(this.#options.failed)
      .finally(() => {
        this.#running.delete(run);
        const next = this.#waiting.shift();
        if (next !== undefined) this.#run(next);
      });
    this.#running.add(run);
  }
}
