/** Makes what is invalidated unreachable: here at once, everywhere when Redis confirms it, and owed until then. */
import { AppError } from '../../../core/errors.ts';
import type { EntryId, ExactKey } from '../../../core/ids.ts';
import type { RedisConnection } from '../../../redis/redis-connection.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Shelf } from '../shelf.ts';
import { selectorsMax, type Generations } from './generations.ts';
import type { InvalidationJournal, Owed } from './journal.ts';
import { selectionOf, type RedisKeys, type Selector } from './keys.ts';
import type { RedisWrites } from './writes.ts';

export interface InvalidatorDeps {
  readonly redis: RedisConnection;
  readonly keys: RedisKeys;
  readonly writes: RedisWrites;
  readonly generations: Generations;
  readonly journal: InvalidationJournal;
  readonly shelf: Shelf;
  readonly removeLater: (key: ExactKey, id: EntryId) => void;
  readonly logger: Logger;
}

/** A row's place in the order of this process, and the version it was stamped with, in one number. */
export const stampUnit = 2 ** 30;
export const stampOf = (seq: number): number => Math.floor(seq / stampUnit);

/** After a connect this may take longer than within a request. */
const connectDeadlineMs = 5_000;

export class Invalidator {
  readonly #deps: InvalidatorDeps;
  #settling: Promise<void> | undefined;

  constructor(deps: InvalidatorDeps) {
    this.#deps = deps;
  }

  /** @returns the version from which on entries of the selector serve. @throws cache_unavailable when it is owed */
  async invalidate(selector: Selector): Promise<number> {
    const { generations } = this.#deps;
    const wide = generations.selectors >= selectorsMax ? '*' : selector;
    await this.confirm([{ kind: 'selector', selector: wide, least: 0 }]);
    return generations.version;
  }

  /** Tells Redis, or owes it. @throws cache_unavailable when it is owed */
  async confirm(owed: readonly Owed[]): Promise<void> {
    if (owed.length === 0) return;
    try {
      await this.#tell(owed);
    } catch (error) {
      for (const each of owed) {
        if (each.kind === 'selector') this.#forget(each.selector, Infinity);
        this.#deps.journal.add(each);
      }
      throw new AppError(
        'cache_unavailable',
        'Redis has not confirmed what was to be removed; this gateway serves none of it and goes on trying',
        { cause: error },
      );
    }
  }

  /** Tells Redis when it can be told. */
  owe(owed: Owed): void {
    this.#deps.journal.add(owed);
    void this.settle();
  }

  /** Another gateway has raised a generation. */
  learned(selector: Selector, version: number): void {
    if (this.#deps.generations.learn(selector, version)) this.#forget(selector, version);
  }

  async connected(): Promise<void> {
    await this.readGenerations(connectDeadlineMs);
    await this.settle();
  }

  async readGenerations(deadlineMs?: number): Promise<void> {
    const { redis, keys, generations } = this.#deps;
    const forgotten = await generations.read(
      redis,
      keys,
      (selector, version) => void this.#forget(selector, version),
      deadlineMs,
    );
    // A failover can lose what was acknowledged: whoever knows it says it again.
    for (const [selector, least] of forgotten) this.owe({ kind: 'selector', selector, least });
  }

  /** Tries again what is owed. Never throws. */
  settle(): Promise<void> {
    const { journal, logger } = this.#deps;
    if (journal.size === 0) return Promise.resolve();
    this.#settling ??= (async () => {
      for (const each of journal.owed()) {
        await this.#tell([each]);
        journal.settled(each);
      }
    })()
      .catch((error: unknown) => logger.debug({ err: error }, 'an invalidation is still owed'))
      .finally(() => (this.#settling = undefined));
    return this.#settling;
  }

  async #tell(owed: readonly Owed[]): Promise<void> {
    const { writes, generations, removeLater } = this.#deps;
    const entries = owed.filter((each) => each.kind === 'entry');
    if (entries.length > 0) await writes.remove(entries, { confirmed: true });
    for (const each of owed) {
      if (each.kind !== 'selector') continue;
      const version = await writes.raise(each.selector, each.least);
      generations.learn(each.selector, version);
      // Nothing serves them any more; their room is taken back when there is time.
      for (const { key, id } of this.#forget(each.selector, version)) removeLater(key, id);
    }
  }

  /** Drops what a generation forbids from the directory; reads would refuse it anyway. */
  #forget(selector: Selector, least: number): { readonly key: ExactKey; readonly id: EntryId }[] {
    const { shelf } = this.#deps;
    const { directory } = shelf;
    const gone: { key: ExactKey; id: EntryId }[] = [];
    const isSelected = selectionOf(selector);
    for (let row = 0; row < directory.size; row++) {
      if (!isSelected(directory.tenantAt(row), directory.scopeAt(row)) || stampOf(directory.seqAt(row)) >= least)
        continue;
      const { id, exactKey: key } = directory.at(row);
      gone.push({ key, id });
    }
    for (const { id } of gone) shelf.remove(id, 'manual');
    return gone;
  }
}
