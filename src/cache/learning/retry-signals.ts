/** Notices that somebody asks again what was just answered from the cache: that answer did not serve. */
import type { Clock } from '../../core/clock.ts';
import type { Scope } from '../../core/ids.ts';
import { foldAnswer } from '../answer-comparator/compare-texts.ts';
import type { DecisionSample } from '../decision/engine-types.ts';

/** A question asked again later is asked by someone else, or about something new. */
const windowMs = 90_000;
/** Share of words two wordings have in common to count as the same question. */
const overlapMin = 0.9;
/** Scopes with hits in the window; at some 200 bytes a hit a megabyte. The longest unused is forgotten first. */
const scopesMax = 1_024;
/** Hits of one scope; a person does not ask more in a minute and a half. */
const hitsPerScopeMax = 8;
/** A popular question is asked again by many: an entry is counted against once in this time. */
const oncePerMs = 3_600_000;
const countedMax = 10_000;

interface RecentHit {
  readonly folded: string;
  readonly words: ReadonlySet<string>;
  readonly atMs: number;
  readonly sample: DecisionSample;
}

export class RetrySignals {
  readonly #clock: Clock;
  readonly #recent = new Map<Scope, RecentHit[]>();
  readonly #counted = new Map<string, number>();
  #lastMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether any hit is recent; asked before a text is worked out. */
  get armed(): boolean {
    return this.#clock.monotonicMs() - this.#lastMs <= windowMs;
  }

  served(scope: Scope, text: string, sample: DecisionSample): void {
    const folded = foldAnswer(text);
    const atMs = this.#clock.monotonicMs();
    const hits = this.#recent.get(scope) ?? [];
    this.#recent.delete(scope);
    if (this.#recent.size >= scopesMax) this.#recent.delete(this.#recent.keys().next().value!);
    hits.push({ folded, words: new Set(folded.split(' ')), atMs, sample });
    if (hits.length > hitsPerScopeMax) hits.shift();
    this.#recent.set(scope, hits);
    this.#lastMs = atMs;
  }

  /** @returns the hit that this question repeats, if it may be counted */
  repeated(scope: Scope, text: string): DecisionSample | undefined {
    const hits = this.#recent.get(scope);
    if (hits === undefined) return undefined;
    const nowMs = this.#clock.monotonicMs();
    const folded = foldAnswer(text);
    const words = new Set(folded.split(' '));
    const hit = hits.findLast(
      (each) => nowMs - each.atMs <= windowMs && (each.folded === folded || overlap(each.words, words) >= overlapMin),
    );
    if (hit === undefined || !this.#mayCount(hit.sample.entryId, nowMs)) return undefined;
    return hit.sample;
  }

  #mayCount(entryId: string, nowMs: number): boolean {
    const last = this.#counted.get(entryId);
    if (last !== undefined && nowMs - last < oncePerMs) return false;
    this.#counted.delete(entryId);
    if (this.#counted.size >= countedMax) this.#counted.delete(this.#counted.keys().next().value!);
    this.#counted.set(entryId, nowMs);
    return true;
  }
}

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0;
  for (const word of a) if (b.has(word)) common += 1;
  return common / (a.size + b.size - common);
}
