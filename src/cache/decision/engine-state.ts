/** The engine's memory as JSON, and back. */
import type { EngineMemory } from './engine-memory.ts';
import type { ImportReport } from './engine-types.ts';
import { inputCount } from './inputs.ts';
import type { Scores } from './scorer.ts';
import type { BreakerState } from './breaker.ts';
import type { EntryRecords } from './entry-records.ts';

const version = 1;

interface Exported {
  readonly version: typeof version;
  readonly space: string;
  readonly counts: { readonly requests: number; readonly hits: number; readonly auditsOfHits: number };
  readonly weights: readonly number[];
  readonly foldWeights: readonly (readonly number[])[];
  readonly groups: readonly { readonly name: string; readonly breaker: BreakerState; readonly distrusted: number }[];
  /** Oldest first. Inputs as base64 of float32, little endian. */
  readonly labels: {
    readonly rows: number;
    readonly inputs: string;
    readonly facts: readonly (readonly [
      right: 0 | 1,
      weight: number,
      certifies: 0 | 1,
      auditProbability: number,
      nearDuplicate: 0 | 1,
      fold: number,
      group: number,
      request: number,
    ])[];
  };
  readonly entries: ReturnType<EntryRecords['export']>;
}

export function exportState(state: EngineMemory): Exported {
  const { labels, groups } = state;
  const rows = [...labels.rowsInOrder()];
  const inputs = new Float32Array(rows.length * inputCount);
  for (const [i, row] of rows.entries()) inputs.set(labels.read(row).inputs, i * inputCount);
  const first = labels.taken - rows.length;
  return {
    version,
    space: state.space,
    counts: { requests: state.requests, hits: state.hits, auditsOfHits: state.auditsOfHits },
    weights: Array.from(state.scores.weights),
    foldWeights: state.scores.foldWeights.map((weights) => Array.from(weights)),
    groups: groups.names().map((name, number) => ({
      name,
      breaker: groups.breaker(number).export(),
      distrusted: Math.max(0, groups.trustedFrom(number) - first),
    })),
    labels: {
      rows: rows.length,
      inputs: Buffer.from(inputs.buffer).toString('base64'),
      facts: rows.map((row) => {
        const label = labels.read(row);
        return [
          label.right ? 1 : 0,
          label.weight,
          label.certifies ? 1 : 0,
          label.auditProbability,
          label.nearDuplicate ? 1 : 0,
          label.fold,
          label.group,
          label.request,
        ] as const;
      }),
    },
    entries: state.entries.export(),
  };
}

/** Fills a fresh engine. What people decided about entries is kept even when labels cannot be. */
export function importState(state: EngineMemory, given: unknown, untaught: Scores): ImportReport {
  const exported = given as Partial<Exported> | null;
  if (typeof exported !== 'object' || exported === null || exported.version !== version) {
    return { labels: 0, dropped: `a state of version ${String(exported?.version)}; expected ${version}` };
  }
  const damage = damageOf(exported);
  if (damage !== undefined) return { labels: 0, dropped: `the state is damaged: ${damage}` };
  const { space, counts, weights, foldWeights, groups, labels, entries } = exported as Exported;
  state.entries.import(entries);
  state.requests = counts.requests;
  state.hits = counts.hits;
  state.auditsOfHits = counts.auditsOfHits;
  state.labels.clear();
  state.scores = untaught;
  if (space !== state.space) {
    return { labels: 0, dropped: `labels were taken with ${space}, and decisions are made with ${state.space}` };
  }
  const numbers = groups.map(({ name }) => state.groups.numberOf(name));
  const inputs = new Float32Array(new Uint8Array(Buffer.from(labels.inputs, 'base64')).buffer);
  const skipped = Math.max(0, labels.rows - state.labels.rowsMax);
  for (let i = skipped; i < labels.rows; i++) {
    const [right, weight, certifies, auditProbability, nearDuplicate, fold, group, request] = labels.facts[i]!;
    state.labels.add({
      inputs: inputs.subarray(i * inputCount, (i + 1) * inputCount),
      right: right === 1,
      weight,
      certifies: certifies === 1,
      auditProbability,
      nearDuplicate: nearDuplicate === 1,
      fold,
      group: numbers[group] ?? 0,
      request,
    });
  }
  for (const [i, { breaker, distrusted }] of groups.entries()) {
    state.groups.breaker(numbers[i]!).import(breaker);
    state.groups.distrust(numbers[i]!, Math.max(0, distrusted - skipped));
  }
  state.scores = {
    ...untaught,
    weights: Float64Array.from(weights),
    foldWeights: foldWeights.map((each) => Float64Array.from(each)),
  };
  return { labels: labels.rows - skipped, dropped: skipped === 0 ? undefined : `${skipped} labels beyond labelsMax` };
}

function damageOf({
  space,
  counts,
  weights,
  foldWeights,
  groups,
  labels,
  entries,
}: Partial<Exported>): string | undefined {
  if (typeof space !== 'string') return 'no space';
  if (typeof counts?.requests !== 'number' || typeof counts.hits !== 'number') return 'no counts';
  if (!Array.isArray(entries?.entries) || !Array.isArray(entries.denied)) return 'no entries';
  if (!Array.isArray(groups) || !Array.isArray(labels?.facts) || typeof labels.inputs !== 'string') return 'no labels';
  const finite = (values: unknown): boolean => Array.isArray(values) && values.every((each) => Number.isFinite(each));
  if (!finite(weights) || !Array.isArray(foldWeights) || !foldWeights.every(finite)) return 'weights are no numbers';
  if (labels.facts.length !== labels.rows) return `${labels.facts.length} facts for ${labels.rows} labels`;
  const width = weights!.length - 1;
  const bytes = Buffer.byteLength(labels.inputs, 'base64');
  if (bytes !== labels.rows * width * 4) return `${bytes} bytes of inputs for ${labels.rows} labels`;
  return undefined;
}
