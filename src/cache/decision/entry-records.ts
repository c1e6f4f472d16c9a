/** What is known of single entries and pairs: hits, labels, who must not serve whom. */

export interface EntryRecord {
  hits: number;
  right: number;
  wrong: number;
  quarantined: boolean;
}

/** Labels that say wrong before an entry is quarantined, when they also outnumber those that say right. */
const wrongMin = 2;

export class EntryRecords {
  readonly #entries = new Map<string, EntryRecord>();
  readonly #denied = new Set<string>();
  readonly #entriesMax: number;
  readonly #deniedMax: number;
  #quarantined = 0;

  constructor(options: { readonly entriesMax: number; readonly deniedPairsMax: number }) {
    this.#entriesMax = options.entriesMax;
    this.#deniedMax = options.deniedPairsMax;
  }

  get(entryId: string): EntryRecord | undefined {
    return this.#entries.get(entryId);
  }

  served(entryId: string): void {
    this.#touch(entryId).hits += 1;
  }

  /** @returns whether the entry is quarantined by this label. */
  labelled(entryId: string, right: boolean, weight: number): boolean {
    const entry = this.#touch(entryId);
    if (right) entry.right += weight;
    else entry.wrong += weight;
    if (entry.quarantined || entry.wrong < wrongMin || entry.wrong <= entry.right) return false;
    return this.quarantine(entryId);
  }

  /** @returns whether it was not quarantined before. */
  quarantine(entryId: string): boolean {
    const entry = this.#touch(entryId);
    if (entry.quarantined) return false;
    entry.quarantined = true;
    this.#quarantined += 1;
    return true;
  }

  absolve(entryId: string): void {
    if (this.#entries.get(entryId)?.quarantined) this.#quarantined -= 1;
    this.#entries.delete(entryId);
  }

  deny(pairKey: string): void {
    if (this.#denied.size >= this.#deniedMax && !this.#denied.has(pairKey)) {
      this.#denied.delete(this.#denied.values().next().value!);
    }
    this.#denied.add(pairKey);
  }

  isDenied(pairKey: string): boolean {
    return this.#denied.size > 0 && this.#denied.has(pairKey);
  }

  get hasDenied(): boolean {
    return this.#denied.size > 0;
  }

  stats(): { readonly quarantined: number; readonly deniedPairs: number } {
    return { quarantined: this.#quarantined, deniedPairs: this.#denied.size };
  }

  export(): {
    readonly entries: readonly (readonly [string, number, number, number, 0 | 1])[];
    readonly denied: readonly string[];
  } {
    return {
      entries: [...this.#entries].map(([id, e]) => [id, e.hits, e.right, e.wrong, e.quarantined ? 1 : 0] as const),
      denied: [...this.#denied],
    };
  }

  import(state: ReturnType<EntryRecords['export']>): void {
    for (const [id, hits, right, wrong, quarantined] of state.entries.slice(-this.#entriesMax)) {
      Object.assign(this.#touch(id), { hits, right, wrong });
      if (quarantined === 1) this.quarantine(id);
    }
    for (const pair of state.denied) this.deny(pair);
  }

  /** The record, made the most recently used. */
  #touch(entryId: string): EntryRecord {
    const found = this.#entries.get(entryId);
    if (found !== undefined) {
      this.#entries.delete(entryId);
      this.#entries.set(entryId, found);
      return found;
    }
    if (this.#entries.size >= this.#entriesMax) this.#forgetOne();
    const made: EntryRecord = { hits: 0, right: 0, wrong: 0, quarantined: false };
    this.#entries.set(entryId, made);
    return made;
  }

  /** The longest unused goes, but a quarantined one only where all looked at are: forgetting it would free it. */
  #forgetOne(): void {
    let oldest: string | undefined;
    let looked = 0;
    for (const [id, { quarantined }] of this.#entries) {
      oldest ??= id;
      if (!quarantined) {
        oldest = id;
        break;
      }
      // A pass over many quarantined ones would cost each new entry.
      if (++looked === 64) break;
    }
    if (oldest !== undefined) this.absolve(oldest);
  }
}
