/**
 * Which `similarityMin` fits an embedder: reads labelled pairs (JSONL, gzip or not, fields `a`, `b`,
 * `label`, optional `kind` and `fold`) and prints, per threshold, how many pairs would be reused and
 * how many of those rightly.
 *
 *   node scripts/embedder-threshold.ts FOLDER [--folds 0-6] [--json FILE]
 *
 * Reads every `pairs-*.jsonl[.gz]` of the folder; files named `pairs-generated*` are reported by kind.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { lexicalVector } from '../src/cache/embedding-model/lexical.ts';
import { foldText } from '../src/cache/embedding-model/lexical/fold.ts';
import { dot } from '../src/core/vector.ts';

interface Pair {
  readonly a: string;
  readonly b: string;
  readonly label: 0 | 1;
  readonly kind?: string;
  readonly fold?: number;
}

interface Scored extends Pair {
  readonly similarity: number;
  /** Both sides have the same words that carry meaning. */
  readonly sameContent: boolean;
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { folds: { type: 'string', default: '0-9' }, json: { type: 'string' } },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error('usage: node scripts/embedder-threshold.ts FOLDER [--folds 0-6] [--json FILE]');
  process.exit(2);
}
const [foldMin = 0, foldMax = foldMin] = flags.folds.split('-').map(Number);
const thresholds = [0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99];

const contentWords = (text: string): string =>
  [...new Set(foldText(text).flatMap((word) => (word.weight >= 0.6 || word.unspaced ? [word.text] : [])))]
    .sort()
    .join(' ');

function scoredPairs(file: string): Scored[] {
  const raw = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(raw) : raw).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Pair)
    .filter((pair) => pair.fold === undefined || (pair.fold >= foldMin && pair.fold <= foldMax))
    .filter((pair) => pair.a.toLowerCase() !== pair.b.toLowerCase() || pair.kind?.startsWith('gen:'))
    .map((pair) => ({
      ...pair,
      similarity: dot(lexicalVector(pair.a), lexicalVector(pair.b)),
      sameContent: contentWords(pair.a) === contentWords(pair.b),
    }));
}

const percent = (share: number): string => (Number.isNaN(share) ? '-' : `${(100 * share).toFixed(1)} %`).padStart(8);
const rows: object[] = [];

for (const name of readdirSync(folder)
  .filter((name) => /^pairs-.*\.jsonl(\.gz)?$/.test(name))
  .sort()) {
  const pairs = scoredPairs(join(folder, name));
  const kinds = name.startsWith('pairs-generated') ? [...new Set(pairs.map((pair) => pair.kind ?? ''))].sort() : [''];
  console.log(`\n${name}, folds ${flags.folds}: ${pairs.length} pairs`);
  console.log('kind             threshold  reused  precision | with the same content words: reused  precision');
  for (const kind of kinds) {
    const chosen = kind === '' ? pairs : pairs.filter((pair) => pair.kind === kind);
    for (const threshold of kind === '' ? thresholds : [0.9, 0.95]) {
      const hits = chosen.filter((pair) => pair.similarity >= threshold);
      const strict = hits.filter((pair) => pair.sameContent);
      const right = (list: readonly Scored[]) => list.filter((pair) => pair.label === 1).length / list.length;
      rows.push({
        embedder: 'lexical-v1',
        file: name,
        kind,
        threshold,
        pairs: chosen.length,
        reusedShare: hits.length / chosen.length,
        precision: right(hits),
        reusedShareSameContent: strict.length / chosen.length,
        precisionSameContent: right(strict),
      });
      console.log(
        `${kind.padEnd(16)} ${threshold.toFixed(2).padStart(9)} ${percent(hits.length / chosen.length)} ${percent(right(hits))}  | ${' '.repeat(27)} ${percent(strict.length / chosen.length)} ${percent(right(strict))}`,
      );
    }
  }
}
if (flags.json !== undefined) writeFileSync(flags.json === '-' ? 1 : flags.json, `${JSON.stringify(rows, null, 2)}\n`);
