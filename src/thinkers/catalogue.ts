/** What all thinkers together offer: models, residency, digests. */
import type { ModelName } from '../core/ids.ts';
import type { ThinkerEntry } from './entry.ts';
import type { LoadedModel, ModelInfo } from './thinker.ts';

/** Digests outlive their thinkers, so that the cache keeps answering; beyond this many the oldest go. */
const digestsMax = 4_096;

export class Catalogue {
  #models: readonly ModelInfo[] = [];
  #loaded: readonly LoadedModel[] = [];
  readonly #digests = new Map<ModelName, string>();
  #announced: readonly ModelInfo[] = [];

  get models(): readonly ModelInfo[] {
    return this.#models;
  }

  get loaded(): readonly LoadedModel[] {
    return this.#loaded;
  }

  digestOf(model: ModelName): string {
    return this.#digests.get(model) ?? '';
  }

  /** Served by thinkers that come when they are needed; takes effect with the next `refresh`. */
  announce(models: readonly ModelInfo[]): void {
    this.#announced = models;
  }

  /** Union in the order the thinkers came; while none is reachable, of what they last said. */
  refresh(entries: Iterable<ThinkerEntry>): void {
    const all = [...entries];
    const reachable = all.filter((entry) => entry.reachable);
    const models = new Map<ModelName, ModelInfo>();
    const loaded = new Map<ModelName, LoadedModel>();
    for (const entry of reachable.length > 0 ? reachable : all)
      for (const info of entry.models.values()) if (!models.has(info.name)) models.set(info.name, info);
    for (const info of this.#announced) if (!models.has(info.name)) models.set(info.name, info);
    for (const entry of reachable)
      for (const row of entry.loadedRows) if (!loaded.has(row.name)) loaded.set(row.name, row);
    this.#models = [...models.values()];
    this.#loaded = [...loaded.values()];
    this.#refreshDigests(reachable);
  }

  /**
   * Two thinkers may hold different builds of one tag. The digest known so far stays while any of them has it:
   * the key of the cache must not flip with the order of probes.
   */
  #refreshDigests(reachable: readonly ThinkerEntry[]): void {
    const seen = new Map<ModelName, string>();
    for (const entry of reachable) {
      for (const { name, digest } of entry.models.values()) {
        if (digest === '') continue;
        if (!seen.has(name) || digest === this.#digests.get(name)) seen.set(name, digest);
      }
    }
    for (const [name, digest] of seen) {
      if (!this.#digests.has(name) && this.#digests.size >= digestsMax) {
        const oldest = this.#digests.keys().next();
        if (!oldest.done) this.#digests.delete(oldest.value);
      }
      this.#digests.set(name, digest);
    }
  }
}
