/**
 * Keeps one JSON value in the facts of a store, so that it outlives the process: in pieces, written one per
 * turn, in two generations of which one is always whole.
 */
import type { Clock, Timer } from '../../core/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { CacheStore } from '../cache-store.ts';
import { nextTurn } from '../time-slice.ts';

export interface StateKeeperDeps {
  readonly store: Pick<CacheStore, 'getMeta' | 'putMeta'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Prefix of the facts' names. */
  readonly name: string;
  readonly read: () => unknown;
  /** A change is written this long after it. */
  readonly saveAfterMs?: number;
}

/** Half a minute of labels is no loss: they come again. */
const saveAfterMsDefault = 30_000;
/** Reading a large state stops everything for tens of milliseconds: it is done for a thousandth of the time at most. */
const restPerCost = 1_000;
/** One piece is one row of a store. */
const pieceChars = 256 * 1024;
/** 64 MB, ten times the largest state at default bounds; a larger one is a fault. */
const piecesMax = 256;

interface Head {
  readonly version: 1;
  readonly generation: 0 | 1;
  readonly pieces: number;
  readonly chars: number;
}

export class StateKeeper {
  readonly #deps: StateKeeperDeps;
  #generation: 0 | 1 = 0;
  #piecesOf: [number, number] = [0, 0];
  #dirty = false;
  #closed = false;
  #timer: Timer | undefined;
  #notBeforeMs = 0;
  #saving: Promise<void> | undefined;

  constructor(deps: StateKeeperDeps) {
    this.#deps = deps;
  }

  /** @returns undefined when nothing usable was kept; why not is logged. */
  async load(): Promise<unknown> {
    const { store, name, logger } = this.#deps;
    try {
      const written = await store.getMeta(`${name}.head`);
      if (written === undefined || written === '') return undefined;
      const head = JSON.parse(written) as Head;
      if (head.version !== 1 || !(head.pieces >= 1 && head.pieces <= piecesMax)) {
        throw new Error(`a head that is not of version 1: ${written.slice(0, 100)}`);
      }
      this.#generation = head.generation;
      this.#piecesOf[head.generation] = head.pieces;
      let text = '';
      for (let i = 0; i < head.pieces; i++) text += (await store.getMeta(this.#key(head.generation, i))) ?? '';
      if (text.length !== head.chars) throw new Error(`${text.length} of ${head.chars} characters are there`);
      return JSON.parse(text) as unknown;
    } catch (error) {
      logger.warn({ err: error, state: name }, 'a kept state cannot be read and is begun anew');
      return undefined;
    }
  }

  /** Something is worth keeping. */
  changed(): void {
    this.#dirty = true;
    if (this.#timer !== undefined || this.#closed) return;
    const { clock, saveAfterMs = saveAfterMsDefault } = this.#deps;
    const waitMs = Math.max(saveAfterMs, this.#notBeforeMs - clock.monotonicMs());
    this.#timer = clock.after(waitMs, () => {
      this.#timer = undefined;
      void this.save();
    });
  }

  /** Resolves when what has changed so far is in the store, or could not be put there. Never rejects. */
  async save(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving;
    if (!this.#dirty) return;
    this.#saving = this.#save().finally(() => (this.#saving = undefined));
    await this.#saving;
  }

  /** The last save. */
  async close(): Promise<void> {
    this.#timer?.clear();
    this.#timer = undefined;
    this.#closed = true;
    await this.save();
  }

  async #save(): Promise<void> {
    const { store, clock, logger, name, read } = this.#deps;
    this.#dirty = false;
    try {
      const beganMs = clock.monotonicMs();
      const text = JSON.stringify(read());
      this.#notBeforeMs = clock.monotonicMs() + restPerCost * (clock.monotonicMs() - beganMs);
      const pieces = Math.ceil(text.length / pieceChars);
      if (pieces > piecesMax) throw new Error(`a state of ${text.length} characters is too large to keep`);
      const generation = this.#generation === 0 ? 1 : 0;
      for (let i = 0; i < pieces; i++) {
        await store.putMeta(this.#key(generation, i), text.slice(i * pieceChars, (i + 1) * pieceChars));
        await nextTurn();
      }
      const head: Head = { version: 1, generation, pieces, chars: text.length };
      await store.putMeta(`${name}.head`, JSON.stringify(head));
      const old = this.#generation;
      this.#generation = generation;
      // Pieces of an earlier, longer writing of this generation are beyond its count and are emptied with the rest.
      for (let i = pieces; i < this.#piecesOf[generation]; i++) await store.putMeta(this.#key(generation, i), '');
      for (let i = 0; i < this.#piecesOf[old]; i++) await store.putMeta(this.#key(old, i), '');
      this.#piecesOf[generation] = pieces;
      this.#piecesOf[old] = 0;
    } catch (error) {
      this.#dirty = true;
      logger.warn(
        { err: error, state: name },
        'what was learned could not be kept; it is tried again with the next change',
      );
    }
  }

  #key(generation: 0 | 1, piece: number): string {
    return `${this.#deps.name}.${generation}.${piece}`;
  }
}
