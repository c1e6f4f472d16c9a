/**
 * P1: one text is stored, its partner asked; no stream and no learning. P3: pairs that differ in one thing that
 * matters, or in nothing that does, tried on an engine that a stream has taught.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createDecisionEngine } from '../../src/cache/decision/engine.ts';
import type { DecisionEngine } from '../../src/cache/decision/engine-types.ts';
import { systemClock } from '../../src/core/clock.ts';
import { seededRandom } from '../../src/core/random.ts';
import { epochMs } from '../../src/core/units.ts';
import { dot } from '../../src/core/vector.ts';
import type { Row } from '../lib/rows.ts';
import { round, wilson95 } from '../lib/stats.ts';
import { rewrites, traps } from '../../src/cache/traps/traps.ts';
import { targets, thresholds } from './arms.ts';
import type { NamedEmbedder } from './embedders.ts';
import { readJsonLines } from './streams.ts';

export interface Pair {
  readonly a: string;
  readonly b: string;
  readonly label: 0 | 1;
  readonly kind: string;
  readonly fold?: number;
}

/** Written by hand: pairs that must not share an answer, and rewordings that should. */
export async function handWrittenPairs(embedder: NamedEmbedder): Promise<ScoredPair[]> {
  const pairs: Pair[] = [
    ...traps.map(({ kind, a, b }): Pair => ({ kind: `trap: ${kind}`, a, b, label: 0 })),
    ...rewrites.map(({ kind, a, b }): Pair => ({ kind: `rewrite: ${kind}`, a, b, label: 1 })),
  ];
  return scored(pairs, embedder);
}

interface ScoredPair extends Pair {
  readonly similarity: number;
}

/** Folds that nothing shipped was made from. */
const validationFoldMin = 7;

export async function readPairs(folder: string, name: string, embedder: NamedEmbedder): Promise<ScoredPair[]> {
  const path = join(folder, `pairs-${name}.jsonl.gz`);
  if (!existsSync(path)) return [];
  const pairs = readJsonLines<Pair>(path).filter(
    ({ fold }) => name === 'generated' || (fold ?? 9) >= validationFoldMin,
  );
  return scored(pairs, embedder);
}

async function scored(pairs: readonly Pair[], embedder: NamedEmbedder): Promise<ScoredPair[]> {
  const left = await embedder.embedAll(pairs.map(({ a }) => a));
  const right = await embedder.embedAll(pairs.map(({ b }) => b));
  return pairs.map((pair, i) => ({ ...pair, similarity: dot(left[i]!, right[i]!) }));
}

const preview = (engine: DecisionEngine, { a, b, similarity }: ScoredPair) =>
  engine.preview({ text: b }, [{ entryId: 'a', text: a, similarity, storedAt: epochMs(0) }]);

/** Cosine at each threshold, the shipped score that has seen no label, and the class served before any. */
export function pairRows(dataset: string, embedder: NamedEmbedder, pairs: readonly ScoredPair[]): Row[] {
  const engine = createDecisionEngine({
    embeddingModelId: embedder.id,
    clock: systemClock,
    random: seededRandom(1),
  });
  const judged = pairs.map((pair) => {
    const decision = preview(engine, pair);
    return { pair, score: decision.chosen?.probability ?? -1, served: decision.kind === 'reuse' };
  });
  const about = { dataset: `pairs-${dataset}`, embedder: embedder.name };
  const row = (arm: string, hits: readonly ScoredPair[], auc: number | null): Row => {
    const right = hits.filter(({ label }) => label === 1).length;
    const positives = pairs.filter(({ label }) => label === 1).length;
    const interval = wilson95(hits.length - right, hits.length);
    return {
      ...about,
      arm,
      pairs: pairs.length,
      hits: hits.length,
      truePositiveRate: round(right / positives, 4),
      falsePositiveRate: round((hits.length - right) / Math.max(1, pairs.length - positives), 4),
      fhs: hits.length === 0 ? null : round(1 - right / hits.length, 4),
      fhsLow: round(interval.low, 4),
      fhsHigh: round(interval.high, 4),
      precisionOverHitsArea: auc,
    };
  };
  const byCosine = judged.map(({ pair }) => ({ pair, score: pair.similarity }));
  return [
    ...thresholds.map((threshold) =>
      row(
        `static ${threshold}`,
        pairs.filter(({ similarity }) => similarity >= threshold),
        areaOf(byCosine),
      ),
    ),
    row(
      'ours, untaught: near duplicates',
      judged.filter(({ served }) => served).map(({ pair }) => pair),
      areaOf(judged),
    ),
  ];
}

/** Area under precision over the share of pairs served, [0, 1]. */
function areaOf(scored: readonly { readonly pair: Pair; readonly score: number }[]): number {
  const sorted = [...scored].sort((a, b) => b.score - a.score);
  let right = 0;
  let area = 0;
  for (const [i, { pair }] of sorted.entries()) {
    right += pair.label;
    area += right / (i + 1) / sorted.length;
  }
  return round(area, 4);
}

/** What an engine would serve of each kind, before it has learned and after, at every target. */
export function trapRows(
  dataset: string,
  embedder: NamedEmbedder,
  pairs: readonly ScoredPair[],
  engines: readonly { readonly name: string; readonly engine: DecisionEngine }[],
): Row[] {
  const kinds = [...new Set(pairs.map(({ kind }) => kind))].sort();
  return engines.flatMap(({ name, engine }) =>
    kinds.map((kind): Row => {
      const of = pairs.filter((pair) => pair.kind === kind);
      const decisions = of.map((pair) => preview(engine, pair));
      const served = (target: number): number =>
        decisions.filter(({ atTargets }) => atTargets.find((each) => each.target === target)!.hit).length;
      return {
        dataset,
        embedder: embedder.name,
        arm: name,
        kind: kind.replace('gen:', ''),
        answer: of[0]!.label === 1 ? 'same' : 'another',
        pairs: of.length,
        refused: decisions.filter(({ reason }) => reason === 'refused').length,
        nearDuplicates: decisions.filter(({ judged }) => judged[0]!.nearDuplicate).length,
        ...Object.fromEntries(targets.map((target) => [`servedAt${target * 100}`, served(target)])),
      };
    }),
  );
}
