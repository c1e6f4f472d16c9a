/**
 * The cache, replayed: which of the recorded questions would have been hits under other settings. Pure. A question
 * is its hash, so two askings of it meet; two wordings meet only where the recording compared them.
 */
import type { AnswerEntry } from '../ledger/ledger.ts';
import type { Comparison, Recording } from './recording.ts';

export interface CacheScenario {
  /** Smallest score that is served; undefined: each decision's own, as recorded. */
  readonly threshold?: number | undefined;
  /** Share of wrong hits to keep under, one of those that every decision was judged at; not with `threshold`. */
  readonly target?: number | undefined;
  /** Lifetimes, as a multiple of the recorded ones. */
  readonly ttlFactor: number;
  /** Of answers that the recording did not store, because they were hits there. */
  readonly ttlMs: number;
}

export type ReplayedSource = 'exact' | 'semantic' | 'coalesced' | 'thinker';

export interface ReplayedAsk {
  readonly ask: AnswerEntry;
  readonly source: ReplayedSource;
  /** Of a semantic hit. */
  readonly score: number | undefined;
}

export interface CacheReplay {
  readonly asks: readonly ReplayedAsk[];
  /** Questions that were never compared with any other: in other words they may have been hits, and count as misses. */
  readonly unknown: number;
}

interface Stored {
  readonly question: string;
  readonly storedAt: number;
  readonly expiresAt: number;
  readonly goneAt: number;
}

export function replayCache(recording: Recording, scenario: CacheScenario): CacheReplay {
  const { asks, comparisons, kept, removedAt } = recording;
  const began = asks[0]?.at ?? 0;
  /** By the request that a thinker answered. */
  const stored = new Map<string, Stored>();
  /** The newest answer of each question. */
  const ofQuestion = new Map<string, string>();
  /** Until when a question is being answered, and by which request. */
  const running = new Map<string, { readonly leader: string; readonly endsAt: number }>();
  const lastComparison = new Map<string, Comparison>();
  const ends = new EndQueue();
  const endOf = new Map<string, number>();
  const out: ReplayedAsk[] = [];
  let unknown = 0;

  // What was stored before the recording began is known by its hits.
  const known = new Set(asks.map(({ requestId }) => requestId as string));
  for (const ask of asks) {
    if (ask.answerOf === '' || known.has(ask.answerOf) || ask.source === 'coalesced') continue;
    const before = stored.get(ask.answerOf);
    stored.set(ask.answerOf, {
      question: before?.question || (ask.source === 'exact' ? ask.question : ''),
      storedAt: began,
      // It lived at least until this hit of it.
      expiresAt: Math.max(before?.expiresAt ?? 0, began + scenario.ttlMs, ask.at + 1),
      goneAt: removedAt.get(ask.answerOf) ?? Infinity,
    });
  }
  for (const [request, { question }] of stored) if (question !== '') ofQuestion.set(question, request);

  const joinedUntil = new Map<string, number>();
  for (const { source, answerOf, at } of asks) if (source === 'coalesced') joinedUntil.set(answerOf, at + 1);

  for (const ask of asks) {
    for (const done of ends.until(ask.at)) finish(done);
    const found = decide(ask);
    out.push({ ask, ...found });
    const comparison = comparisons.get(ask.requestId);
    if (comparison !== undefined && ask.question !== '') lastComparison.set(ask.question, comparison);
    if (found.source !== 'thinker' || ask.question === '') continue;
    // Whoever leads may leave before those who joined.
    const endsAt =
      kept.get(ask.requestId)?.storedAt ?? Math.max(ask.at + answerMs(ask), joinedUntil.get(ask.requestId) ?? 0);
    running.set(ask.question, { leader: ask.requestId, endsAt });
    ends.add({ ask, endsAt });
    endOf.set(ask.requestId, endsAt);
  }
  return { asks: out, unknown };

  function decide(ask: AnswerEntry): { readonly source: ReplayedSource; readonly score: number | undefined } {
    const miss = { source: 'thinker', score: undefined } as const;
    const shared = { source: 'coalesced', score: undefined } as const;
    if (ask.question === '' || ask.source === 'fallback') return miss;
    // Joined in the very millisecond in which the answer ended: the clock does not tell which came first.
    if (ask.source === 'coalesced' && ask.at <= (endOf.get(ask.answerOf) ?? -Infinity) + tieMs) return shared;
    const exact = ofQuestion.get(ask.question);
    if (exact !== undefined && isLive(exact, ask.at)) {
      // The recording had this very answer and a thinker was asked all the same: the client wanted a fresh one.
      if (ask.source === 'thinker' && wasLive(exact, ask.at)) return miss;
      return { source: 'exact', score: 1 };
    }
    // Read a little after it came: what was stored meanwhile is there.
    if (ask.source === 'exact' && isThereBy(ask.answerOf, ask.at + ask.totalMs)) return { source: 'exact', score: 1 };
    const flight = running.get(ask.question);
    if (flight !== undefined && ask.at < flight.endsAt && ask.source !== 'thinker') return shared;
    // A thinker that was asked without a comparison was asked afresh, or had no neighbour at all.
    const before = ask.source === 'thinker' ? undefined : lastComparison.get(ask.question);
    const comparison = comparisons.get(ask.requestId) ?? before;
    if (comparison === undefined) {
      if (ask.source !== 'thinker') unknown += 1;
      return miss;
    }
    const chosen = choose(comparison, ask);
    return chosen === undefined ? miss : { source: 'semantic', score: chosen };
  }

  /** @returns the score of the answer that is served, if one is */
  function choose({ candidates, cut, cuts }: Comparison, ask: AnswerEntry): number | undefined {
    const smallest =
      scenario.threshold ??
      (scenario.target === undefined ? cut : cuts.find(({ target }) => target === scenario.target)?.cut);
    let best: number | undefined;
    for (const { answerOf, score, nearDuplicate, served } of candidates) {
      if (score === undefined || !(isLive(answerOf, ask.at) || (served && isThereBy(answerOf, ask.at + ask.totalMs))))
        continue;
      const open = smallest !== undefined && score >= smallest;
      // Near duplicates are served before a certificate opens, and whatever is as it was stays so.
      const asRecorded = scenario.threshold === undefined && scenario.target === undefined && served;
      if (!open && !asRecorded && !(nearDuplicate && smallest === undefined && scenario.threshold === undefined))
        continue;
      if (asRecorded) return score;
      if (best === undefined || score > best) best = score;
    }
    return best;
  }

  /** Being made, and stored before then. */
  function isThereBy(request: string, at: number): boolean {
    const endsAt = endOf.get(request);
    return endsAt !== undefined && endsAt <= at && !stored.has(request) && kept.has(request);
  }

  function isLive(request: string, at: number): boolean {
    const entry = stored.get(request);
    return entry !== undefined && at + tieMs >= entry.storedAt && at < entry.expiresAt && at <= entry.goneAt;
  }

  /**
   * In the recording, whatever the scenario. Never less than `isLive`: an answer that was evicted in the millisecond
   * of a miss would be served there.
   */
  function wasLive(request: string, at: number): boolean {
    const fact = kept.get(request);
    return (
      fact !== undefined &&
      at + tieMs >= fact.storedAt &&
      at < fact.expiresAt &&
      at <= (removedAt.get(request) ?? Infinity)
    );
  }

  function finish({ ask, endsAt }: Ended): void {
    if (running.get(ask.question)?.leader === ask.requestId) running.delete(ask.question);
    const fact = kept.get(ask.requestId);
    // What a thinker said in the recording and was not kept may not be kept: cut short, a tool call, too large.
    if (fact === undefined && ask.source === 'thinker') return;
    const storedAt = fact?.storedAt ?? endsAt;
    const lifeMs = (fact === undefined ? scenario.ttlMs : fact.expiresAt - fact.storedAt) * scenario.ttlFactor;
    stored.set(ask.requestId, {
      question: ask.question,
      storedAt,
      expiresAt: storedAt + lifeMs,
      goneAt: removedAt.get(ask.requestId) ?? Infinity,
    });
    ofQuestion.set(ask.question, ask.requestId);
  }
}

/** How long a thinker was at it: what a hit was spared, or what a miss took. */
const answerMs = (ask: AnswerEntry): number => (ask.source === 'thinker' ? ask.totalMs : Math.max(1, ask.avoidedGpuMs));

/** Instants are whole milliseconds, and what happens within two of them has no order. */
const tieMs = 2;

interface Ended {
  readonly ask: AnswerEntry;
  readonly endsAt: number;
}

/** Answers on their way, by their end. */
class EndQueue {
  #heap: Ended[] = [];

  add(ended: Ended): void {
    const heap = this.#heap;
    let at = heap.push(ended) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.endsAt <= ended.endsAt) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = ended;
  }

  *until(at: number): Generator<Ended> {
    while (this.#heap.length > 0 && this.#heap[0]!.endsAt <= at) {
      yield this.#pop();
    }
  }

  #pop(): Ended {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.endsAt < heap[child]!.endsAt) child += 1;
      if (heap[child]!.endsAt >= last.endsAt) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
