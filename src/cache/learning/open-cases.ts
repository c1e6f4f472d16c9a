/** Comparisons that no rule, vector or model could settle: kept for a person to read. Memory only, for they are texts. */
import type { Clock } from '../../core/clock.ts';
import type { CaseVerdict, OpenCase } from '../learner.ts';

export const openCaseLimits = {
  /** A person reads some dozens; the oldest leaves first. */
  casesMax: 100,
  /** Of one text: longer answers are cut at their end. */
  charsMax: 8_000,
} as const;

interface Kept<T> {
  readonly shown: OpenCase;
  readonly task: T;
}

export class OpenCases<T> {
  readonly #cases = new Map<string, Kept<T>>();
  readonly #clock: Clock;
  #next = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(task: T, { fresh, stored, ...facts }: Omit<OpenCase, 'id' | 'at'>): void {
    if (this.#cases.size >= openCaseLimits.casesMax) this.#cases.delete(this.#cases.keys().next().value!);
    const id = `case-${(this.#next += 1)}`;
    const shown = { id, at: this.#clock.now(), ...facts, fresh: cut(fresh), stored: cut(stored) };
    this.#cases.set(id, { shown, task });
  }

  /** Newest first. */
  list(): OpenCase[] {
    return [...this.#cases.values()].map(({ shown }) => shown).toReversed();
  }

  /** Takes it out; undefined when it is not there any more. */
  take(id: string): T | undefined {
    const found = this.#cases.get(id);
    this.#cases.delete(id);
    return found?.task;
  }
}

export const rightOf = (verdict: CaseVerdict): boolean | undefined =>
  verdict === 'unsure' ? undefined : verdict === 'correct';

const cut = (text: string): string =>
  text.length > openCaseLimits.charsMax ? `${text.slice(0, openCaseLimits.charsMax)}…` : text;
