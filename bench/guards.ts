/**
 * What each guard costs and, with a folder of labelled pairs, what it vetoes.
 *
 *   npm run bench:guards
 *   npm run bench:guards -- ../shared/data --json bench/results/guards.json
 *
 * Costs are the fastest of several runs over pairs of about 30 words; shares are of all pairs, each
 * guard asked alone. Texts of the folder are compared and counted, and none of them is printed.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { GuardName } from '../src/cache/guard-name.ts';
import { guards, hardGuards } from '../src/cache/hit-policy/guards/guards.ts';
import { featuresOf, type Features } from '../src/cache/hit-policy/text/features.ts';
import { rewrites, traps } from '../src/cache/traps/traps.ts';
import { writeRows, type Row } from './lib/rows.ts';
import { round, threadCpuUs, wilson95 } from './lib/stats.ts';
import { readJsonLines } from './quality/streams.ts';

interface LabelledPair {
  readonly a: string;
  readonly b: string;
  /** 1 = one answer serves both. */
  readonly label: 0 | 1;
  readonly kind: string;
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' } },
  allowPositionals: true,
});
/** Vetoes seen while timing. */
let fired = 0;
const names = Object.keys(guards) as GuardName[];
const rows: Row[] = [...costs()];
const [folder] = positionals;
if (folder !== undefined) for (const [name, pairs] of readPairs(folder)) rows.push(...shares(name, pairs));
rows.push(...shares('hand-written', handWritten()));
writeRows(rows, values.json);

/** Two wordings of about 30 words each: everyday, with names and numbers, with code and an ask for a form. */
function costPairs(): readonly (readonly [string, string])[] {
  return [
    [
      'My landlord wants to keep the whole deposit because of a few small scratches on the kitchen floor, and I would like to know what I can do about that without going to court',
      'The landlord of my flat wants to keep the whole deposit because of some small scratches on the kitchen floor, and I want to know what I can do about it without a lawyer',
    ],
    [
      'We are two adults and three children travelling from Lisbon to Vienna on June 3rd 2025 with 23 kg of luggage each; which airline is the cheapest if we pay in euros and come back later?',
      'We are two adults and two children travelling from Vienna to Lisbon on 3 June 2025 with 20 kg of luggage each; which airline is the cheapest if we pay in dollars and come back earlier?',
    ],
    [
      'Could you please show me step by step how I can convert a CSV file with 10,000 rows into JSON using Python 3.12 and csv.DictReader without loading all of it into memory at once?',
      'Can you show me in one sentence how I can convert a CSV file with 10,000 rows into YAML using Python 3.10 and pandas.read_csv without loading all of it into memory at once?',
    ],
  ];
}

function* costs(): Generator<Row> {
  const pairs = costPairs();
  const texts = pairs.flat();
  const features = pairs.map(([a, b]) => [featuresOf(a), featuresOf(b)] as const);
  yield { part: 'features of one text', us: round(fastestUs(() => texts.forEach(readOne)) / texts.length, 2) };
  let together = 0;
  for (const name of names) {
    const guard = guards[name];
    const us = fastestUs(() => {
      for (const [a, b] of features) fired += guard(a, b) ? 1 : 0;
    });
    together += us / features.length;
    yield { part: name, us: round(us / features.length, 3) };
  }
  yield { part: 'all guards', us: round(together, 2) };
  const whole = fastestUs(() => {
    for (let i = 0; i < pairs.length; i++) {
      const own = featuresOf(pairs[i]![0]);
      for (const name of names) fired += guards[name](own, features[i]![1]) ? 1 : 0;
    }
  });
  yield { part: 'features of one text and all guards', us: round(whole / pairs.length, 2) };
  // Read, so that no compiler may leave the work out.
  if (fired < 0) throw new Error('guards cannot fire less than never');
}

function readOne(text: string): void {
  fired += featuresOf(text).content.length > 0 ? 1 : 0;
}

/** CPU microseconds of one call, in the fastest of several rounds: other work on the machine only adds. */
function fastestUs(work: () => void): number {
  const rounds = 15;
  const calls = 1_500;
  let best = Infinity;
  for (let at = 0; at < rounds; at++) {
    const startedUs = threadCpuUs();
    for (let i = 0; i < calls; i++) work();
    best = Math.min(best, (threadCpuUs() - startedUs) / calls);
  }
  return best;
}

function* readPairs(from: string): Generator<[string, readonly LabelledPair[]]> {
  if (!existsSync(from)) throw new Error(`${from} does not exist; give a folder with pairs-*.jsonl.gz`);
  for (const file of readdirSync(from).toSorted()) {
    const name = /^pairs-(.+)\.jsonl\.gz$/.exec(file)?.[1];
    if (name === undefined) continue;
    const pairs = readJsonLines<LabelledPair>(join(from, file));
    yield [name, pairs];
    const kinds = new Set(pairs.map(({ kind }) => kind));
    if (kinds.size > 1) for (const kind of kinds) yield [kind, pairs.filter((pair) => pair.kind === kind)];
  }
}

function handWritten(): readonly LabelledPair[] {
  return [
    ...traps.map((pair) => ({ ...pair, label: 0 as const })),
    ...rewrites.map((pair) => ({ ...pair, label: 1 as const })),
  ];
}

function* shares(data: string, pairs: readonly LabelledPair[]): Generator<Row> {
  const known = new Map<string, Features>();
  const read = (text: string): Features => {
    const found = known.get(text) ?? featuresOf(text);
    known.set(text, found);
    return found;
  };
  const compared = pairs.map(({ a, b, label }) => ({ a: read(a), b: read(b), label }));
  const right = compared.filter(({ label }) => label === 1);
  const wrong = compared.filter(({ label }) => label === 0);
  const of = (name: string, vetoes: (a: Features, b: Features) => boolean): Row => {
    const count = (all: typeof compared) => all.filter(({ a, b }) => vetoes(a, b)).length;
    const [inRight, inWrong] = [count(right), count(wrong)];
    const bounds = wilson95(inRight, inRight + inWrong);
    return {
      data,
      guard: name,
      duplicates: right.length,
      vetoedPercent: percent(inRight, right.length),
      others: wrong.length,
      othersVetoedPercent: percent(inWrong, wrong.length),
      vetoedWereDuplicatesPercent: percent(inRight, inRight + inWrong),
      low: round(bounds.low * 100, 1),
      high: round(bounds.high * 100, 1),
    };
  };
  for (const name of names) yield of(name, guards[name]);
  yield of('any hard', (a, b) => hardGuards.some((name) => guards[name](a, b)));
  yield of('any', (a, b) => names.some((name) => guards[name](a, b)));
}

/** null where there is nothing to take a share of. */
function percent(count: number, total: number): number | null {
  return total === 0 ? null : round((100 * count) / total, 2);
}
