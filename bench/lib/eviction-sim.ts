/** Plays a stream of questions against a full cache and counts the thinker time that hits save. */
import type { CacheEntry } from '../../src/cache/cache-store.ts';
import { createMemoryStore } from '../../src/cache/cache-store/memory.ts';
import type { Clock } from '../../src/core/clock.ts';
import { entryId, exactKey, modelName, requestId, tenantId, type ExactKey } from '../../src/core/ids.ts';
import { seededRandom, type Random } from '../../src/core/random.ts';
import { epochMs } from '../../src/core/units.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

export interface EvictionWorkload {
  readonly requests: number;
  readonly questions: number;
  /** Zipf exponent of their popularity; 0 = all alike. */
  readonly skew: number;
  /** Questions that trade places in popularity every thousand requests, as interests move. */
  readonly drift: number;
  /** Spread of the natural logarithm of thinker time; 0 = all answers cost the same. */
  readonly costSpread: number;
  readonly gapMs: number;
  readonly seed: number;
}

export interface EvictionResult {
  readonly hitRate: number;
  readonly gpuSecondsSaved: number;
}

/** A policy under test: is it there, and put it there. */
interface Contender {
  readonly has: (key: ExactKey) => Promise<boolean>;
  readonly put: (question: number, gpuMs: number, nowMs: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export type EvictionPolicy = 'ours' | 'lru' | 'fifo' | 'unbounded';

/** Medium answer: about 200 tokens at 50 a second. */
const gpuMsMedian = 4_000;

/** Deterministic for a workload. @param entriesMax of the cache; 'unbounded' ignores it */
export async function playEviction(
  policy: EvictionPolicy,
  entriesMax: number,
  workload: EvictionWorkload,
): Promise<EvictionResult> {
  const random = seededRandom(workload.seed);
  const costs = Array.from({ length: workload.questions }, () =>
    Math.round(gpuMsMedian * Math.exp(workload.costSpread * bell(random))),
  );
  const pick = zipf(workload.questions, workload.skew);
  const byRank = Array.from({ length: workload.questions }, (_, i) => i);
  const clock = new HandClock();
  const contender = policy === 'ours' ? ours(clock, entriesMax) : listed(policy, entriesMax);
  let hits = 0;
  let savedMs = 0;
  for (let i = 0; i < workload.requests; i++) {
    if (i % 1000 === 999) trade(byRank, workload.drift, random);
    clock.ms += workload.gapMs;
    const question = byRank[pick(random.float())]!;
    if (await contender.has(keyOf(question))) {
      hits += 1;
      savedMs += costs[question]!;
    } else await contender.put(question, costs[question]!, clock.ms);
  }
  await contender.close();
  return { hitRate: hits / workload.requests, gpuSecondsSaved: savedMs / 1000 };
}

const keyOf = (question: number): ExactKey => exactKey(`q${question}`);

function ours(clock: HandClock, entriesMax: number): Contender {
  const store = createMemoryStore({
    clock,
    random: seededRandom(7),
    logger: createLogger('silent'),
    limits: { entriesMax, bytesMax: Number.MAX_SAFE_INTEGER },
  });
  return {
    async has(key) {
      const entry = await store.getByKey(key);
      if (entry !== undefined) store.touch(entry.id);
      return entry !== undefined;
    },
    put: (question, gpuMs, nowMs) => store.put(anEntry(question, gpuMs, nowMs)),
    close: () => store.close(),
  };
}

function listed(policy: Exclude<EvictionPolicy, 'ours'>, entriesMax: number): Contender {
  const keys = new Set<ExactKey>();
  return {
    async has(key) {
      if (!keys.has(key)) return false;
      if (policy === 'lru') keys.add((keys.delete(key), key));
      return true;
    },
    async put(question) {
      keys.add(keyOf(question));
      if (policy !== 'unbounded' && keys.size > entriesMax) keys.delete(keys.values().next().value!);
    },
    close: async () => undefined,
  };
}

function anEntry(question: number, gpuMs: number, nowMs: number): CacheEntry {
  return {
    id: entryId(`e${question}-${nowMs}`),
    exactKey: keyOf(question),
    tenant: tenantId('bench'),
    model: modelName('m'),
    digest: '',
    answer: {
      model: 'm',
      createdAt: epochMs(nowMs),
      thinking: '',
      text: 'x',
      toolCalls: [],
      end: {
        type: 'end',
        finishReason: 'stop',
        usage: { promptTokens: 1, completionTokens: 1 },
        timings: { totalNs: 0, loadNs: 0, promptEvalNs: 0, evalNs: gpuMs * 1e6 },
      },
    },
    storedAt: epochMs(nowMs),
    // Beyond the simulated time: eviction is what is compared, not expiry.
    expiresAt: epochMs(Number.MAX_SAFE_INTEGER),
    origin: requestId('r'),
    gpuMs,
  };
}

/** Moved by hand, its timers never fire: a fake clock would turn the event loop for every second of weeks. */
class HandClock implements Clock {
  ms = 1_767_225_600_000;
  now = () => epochMs(this.ms);
  monotonicMs = () => this.ms;
  after = () => ({ clear() {} });
  every = () => ({ clear() {} });
  sleep = () => Promise.resolve();
}

/** Ranks by inverse transform over the cumulated weights. */
function zipf(count: number, skew: number): (uniform: number) => number {
  const cumulated = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) cumulated[rank] = sum += (rank + 1) ** -skew;
  return (uniform) => {
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulated[middle]! < uniform * sum) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Near enough to a normal variable: twelve uniforms less six. */
function bell(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.float();
  return sum;
}

function trade(byRank: number[], pairs: number, random: Random): void {
  for (let n = 0; n < pairs; n++) {
    const [i, j] = [random.int(byRank.length), random.int(byRank.length)];
    [byRank[i], byRank[j]] = [byRank[j]!, byRank[i]!];
  }
}
