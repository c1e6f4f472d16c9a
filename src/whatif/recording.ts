/** Traffic as it was: who asked what when, what the cache saw, and what came of it. Hashes and numbers alone. */
import type { WitnessedCandidate } from '../cache/witness.ts';
import type { AnswerEntry, LedgerRange } from '../ledger/ledger.ts';
import type { Fact } from '../ledger/facts.ts';

export interface Comparison {
  readonly cut: number | undefined;
  readonly candidates: readonly WitnessedCandidate[];
  readonly cuts: readonly { readonly target: number; readonly cut: number | undefined }[];
}

export interface Label {
  readonly score: number;
  readonly right: boolean;
  readonly drawnWith: number;
}

export interface Recording {
  readonly range: LedgerRange;
  /** In the order of arrival. */
  readonly asks: readonly AnswerEntry[];
  /** By the request that looked. */
  readonly comparisons: ReadonlyMap<string, Comparison>;
  /** By the request whose answer was stored: when it was, and until when. */
  readonly kept: ReadonlyMap<string, { readonly storedAt: number; readonly expiresAt: number }>;
  /** By the request whose answer was stored: when it was removed for another reason than its age. */
  readonly removedAt: ReadonlyMap<string, number>;
  readonly labels: readonly Label[];
  /** Older answers of the range were left out: there are more than a replay takes. */
  readonly leftOut: number;
}

/** As much as fits a hundred megabytes, and is replayed in seconds. */
const asksMax = 200_000;

/** Removals by age are what a replay decides itself, and a newer answer takes the place of an older one there too. */
const ownRemovals = new Set(['ttl', 'replaced']);

/** Takes answers and facts in the order of their appending, page by page. */
export class RecordingBuilder {
  #asks: AnswerEntry[] = [];
  #leftOut = 0;
  readonly #comparisons = new Map<string, Comparison>();
  readonly #kept = new Map<string, { readonly storedAt: number; readonly expiresAt: number }>();
  readonly #removedAt = new Map<string, number>();
  readonly #labels: Label[] = [];
  readonly #requestOf = new Map<string, string>();

  addAnswers(page: readonly AnswerEntry[]): void {
    this.#asks.push(...page);
    if (this.#asks.length > 2 * asksMax) this.#trim();
  }

  addFacts(page: readonly Fact[]): void {
    for (const { at, kind, json } of page) {
      const data = JSON.parse(json) as Record<string, never>;
      switch (kind) {
        case 'compared':
          this.#comparisons.set(data['r']!, decodeComparison(data));
          break;
        case 'kept':
          this.#kept.set(data['r']!, { storedAt: data['s']!, expiresAt: data['x']! });
          this.#requestOf.set(data['e']!, data['r']!);
          break;
        case 'removed': {
          const request = this.#requestOf.get(data['e']!);
          if (request !== undefined && !ownRemovals.has(data['w']!)) this.#removedAt.set(request, at);
          break;
        }
        case 'label':
          this.#labels.push({ score: data['p']!, right: data['ok'] === 1, drawnWith: data['d']! });
          break;
        default:
      }
    }
  }

  build(range: LedgerRange): Recording {
    this.#trim();
    return {
      range,
      asks: this.#asks.toSorted((a, b) => a.at - b.at),
      comparisons: this.#comparisons,
      kept: this.#kept,
      removedAt: this.#removedAt,
      labels: this.#labels,
      leftOut: this.#leftOut,
    };
  }

  #trim(): void {
    const over = this.#asks.length - asksMax;
    if (over <= 0) return;
    this.#leftOut += over;
    this.#asks = this.#asks.slice(over);
  }
}

const flag = { served: 1, nearDuplicate: 2 } as const;

function decodeComparison(data: Record<string, unknown>): Comparison {
  return {
    cut: (data['c'] as number | null) ?? undefined,
    cuts: (data['t'] as [number, number | null][]).map(([target, cut]) => ({ target, cut: cut ?? undefined })),
    candidates: (data['n'] as [string, number | null, number][]).map(([answerOf, score, flags]) => ({
      answerOf: answerOf as WitnessedCandidate['answerOf'],
      score: score ?? undefined,
      served: (flags & flag.served) !== 0,
      nearDuplicate: (flags & flag.nearDuplicate) !== 0,
    })),
  };
}

const short = (score: number | undefined): number | null =>
  score === undefined ? null : Number(score.toPrecision(12));

/** Facts of one comparison, as `readRecording` takes them. */
export function encodeComparison(requestId: string, { cut, cuts, candidates }: Comparison): string {
  return JSON.stringify({
    r: requestId,
    c: short(cut),
    t: cuts.map(({ target, cut: at }) => [target, short(at)]),
    n: candidates.map(({ answerOf, score, served, nearDuplicate }) => [
      answerOf,
      short(score),
      (served ? flag.served : 0) | (nearDuplicate ? flag.nearDuplicate : 0),
    ]),
  });
}
