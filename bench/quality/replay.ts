/**
 * Replays a stream against a cache: insert on miss, and a hit is right when both texts are of one group.
 * Only the order and the policy differ between replays; neighbours come from a table of all pairs.
 */
import { createDecisionEngine, type DecisionEngineDeps } from '../../src/cache/decision/engine.ts';
import type {
  DecisionCandidate,
  DecisionEngine,
  DecisionEngineOptions,
} from '../../src/cache/decision/engine-types.ts';
import type { Clock } from '../../src/core/clock.ts';
import { seededRandom } from '../../src/core/random.ts';
import { epochMs } from '../../src/core/units.ts';
import type { Neighbours, Query, Stream } from './streams.ts';

export interface Outcome {
  readonly queries: number;
  hits: number;
  wrong: number;
  /** Of the second half of the stream. */
  lateHits: number;
  lateWrong: number;
  /** Labels used, and how many of those cost a generation of their own. */
  labels: number;
  shadows: number;
  /** Hits served before any certificate. */
  uncertified: number;
  uncertifiedWrong: number;
  /** Requests and labels when a certificate first opened. */
  openedAt: number | undefined;
  labelsAtOpening: number | undefined;
  breakerFirings: number;
  /** Estimated at the end, for a certificate that has not opened; at least so many where there is no estimate. */
  labelsMissing: number | undefined;
}

export interface ReplayInput {
  readonly stream: Stream;
  readonly neighbours: Neighbours;
  readonly order: Int32Array;
}

export interface LabelPlan {
  /** Share of the misses with a candidate that get a label: 1 = all, as their fresh answer exists anyway. */
  readonly missRate: number;
  /** Chance that a label says the opposite of the truth. */
  readonly noise: number;
}

/** Nearest cached texts looked at, as in production. */
const candidatesMax = 8;
/** Time between requests: a stream of 5,000 takes a day. */
const betweenMs = 17_000;

export function emptyOutcome(queries: number): Outcome {
  return {
    queries,
    hits: 0,
    wrong: 0,
    lateHits: 0,
    lateWrong: 0,
    labels: 0,
    shadows: 0,
    uncertified: 0,
    uncertifiedWrong: 0,
    openedAt: undefined,
    labelsAtOpening: undefined,
    breakerFirings: 0,
    labelsMissing: undefined,
  };
}

/** The production engine, refitted as soon as it is due. */
export function replayEngine(
  input: ReplayInput,
  plan: LabelPlan,
  settings: {
    readonly embeddingModelId: string;
    readonly seed: number;
    readonly options: Partial<DecisionEngineOptions>;
    readonly inputs?: readonly string[];
    readonly guards?: DecisionEngineDeps['guards'];
    readonly inspect?: (engine: DecisionEngine) => void;
  },
): Outcome {
  const random = seededRandom(settings.seed);
  const clock = new ReplayClock();
  const engine = createDecisionEngine({
    embeddingModelId: settings.embeddingModelId,
    clock,
    random: seededRandom(settings.seed + 1),
    options: settings.options,
    ...(settings.inputs !== undefined && { inputs: settings.inputs }),
    ...(settings.guards !== undefined && { guards: settings.guards }),
  });
  const { queries } = input.stream;
  const outcome = emptyOutcome(input.order.length);
  const storedAt = new Float64Array(queries.length).fill(-1);
  let opened = false;
  engine.onEvent((event) => {
    if (event.kind === 'certificate-opened') opened = true;
    if (event.kind === 'breaker-fired') outcome.breakerFirings += 1;
  });
  for (let t = 0; t < input.order.length; t++) {
    const i = input.order[t]!;
    const query = queries[i]!;
    clock.ms = t * betweenMs;
    const candidates = cachedNeighbours(input, i, storedAt);
    const decision = engine.decide(query, candidates);
    const right = decision.chosen !== undefined && query.group === groupOf(queries, decision.chosen.candidate);
    if (decision.kind === 'reuse') {
      count(outcome, t, right);
      if (decision.reason === 'near-duplicate') {
        outcome.uncertified += 1;
        if (!right) outcome.uncertifiedWrong += 1;
      }
    } else storedAt[i] = clock.ms;
    const wanted = decision.audit.wanted && (decision.kind === 'reuse' || random.float() < plan.missRate);
    if (!wanted || decision.sample === undefined) continue;
    const flipped = plan.noise > 0 && random.float() < plan.noise;
    outcome.labels += 1;
    if (decision.kind === 'reuse') outcome.shadows += 1;
    const auditProbability = decision.kind === 'reuse' ? decision.audit.probability : plan.missRate;
    const sample = { ...decision.sample, auditProbability };
    engine.label({ sample, right: flipped ? !right : right, source: 'audit' });
    while (engine.tick(Infinity));
    if (opened && outcome.openedAt === undefined) {
      outcome.openedAt = t + 1;
      outcome.labelsAtOpening = outcome.labels;
    }
  }
  const { state, missing } = engine.status();
  if (state !== 'certified') outcome.labelsMissing = missing.estimate ?? missing.atLeast;
  settings.inspect?.(engine);
  return outcome;
}

/** A fixed cosine threshold on the nearest cached text. */
export function replayThreshold(input: ReplayInput, threshold: number): Outcome {
  return replayNearest(input, ({ similarity }) => (similarity >= threshold ? 'serve' : 'insert'));
}

export interface Nearest {
  readonly query: number;
  /** -1 where nothing is cached near enough. */
  readonly entry: number;
  readonly similarity: number;
  readonly right: boolean;
}

/** Any policy that looks at the nearest cached text alone; `skip` asks without inserting. */
export function replayNearest(
  input: ReplayInput,
  policy: (nearest: Nearest, outcome: Outcome) => 'serve' | 'insert' | 'skip',
): Outcome {
  const { queries } = input.stream;
  const outcome = emptyOutcome(input.order.length);
  const cached = new Uint8Array(queries.length);
  for (let t = 0; t < input.order.length; t++) {
    const query = input.order[t]!;
    const ids = input.neighbours.ids[query]!;
    const at = ids.findIndex((j) => cached[j] === 1);
    const entry = at < 0 ? -1 : ids[at]!;
    const right = entry >= 0 && queries[query]!.group === queries[entry]!.group;
    const similarity = at < 0 ? -1 : input.neighbours.similarities[query]![at]!;
    const verdict = policy({ query, entry, similarity, right }, outcome);
    if (verdict === 'serve') count(outcome, t, right);
    else if (verdict === 'insert') cached[query] = 1;
  }
  return outcome;
}

/** What a perfect decision on the candidates would serve, and how many requests repeat an earlier group at all. */
export function oracle(input: ReplayInput): {
  readonly repeats: number;
  readonly perfect: number;
  readonly perfectLate: number;
} {
  const { queries } = input.stream;
  const seen = new Set<string>();
  const storedAt = new Float64Array(queries.length).fill(-1);
  let repeats = 0;
  const outcome = emptyOutcome(input.order.length);
  for (let t = 0; t < input.order.length; t++) {
    const i = input.order[t]!;
    const { group } = queries[i]!;
    if (seen.has(group)) repeats += 1;
    seen.add(group);
    if (cachedNeighbours(input, i, storedAt).some((candidate) => groupOf(queries, candidate) === group)) {
      count(outcome, t, true);
    } else storedAt[i] = 0;
  }
  return { repeats, perfect: outcome.hits, perfectLate: outcome.lateHits };
}

interface Stored extends DecisionCandidate {
  readonly index: number;
}

const groupOf = (queries: readonly Query[], candidate: Stored): string => queries[candidate.index]!.group;

function cachedNeighbours({ stream, neighbours }: ReplayInput, i: number, storedAt: Float64Array): Stored[] {
  const ids = neighbours.ids[i]!;
  const similarities = neighbours.similarities[i]!;
  const found: Stored[] = [];
  for (let n = 0; n < ids.length && found.length < candidatesMax; n++) {
    const j = ids[n]!;
    if (storedAt[j]! < 0) continue;
    found.push({
      index: j,
      entryId: String(j),
      text: stream.queries[j]!.text,
      similarity: similarities[n]!,
      storedAt: epochMs(storedAt[j]!),
    });
  }
  return found;
}

function count(outcome: Outcome, t: number, right: boolean): void {
  const late = t * 2 >= outcome.queries;
  outcome.hits += 1;
  if (late) outcome.lateHits += 1;
  if (right) return;
  outcome.wrong += 1;
  if (late) outcome.lateWrong += 1;
}

/** Only moves when the replay says so. */
class ReplayClock implements Clock {
  ms = 0;
  now = () => epochMs(this.ms);
  monotonicMs = () => this.ms;
  after = () => ({ clear: () => undefined });
  every = () => ({ clear: () => undefined });
  sleep = () => Promise.resolve();
}
