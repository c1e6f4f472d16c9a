/**
 * How often the cache answers, and how often wrongly: replays of labelled streams (P2), labelled pairs (P1) and
 * constructed traps (P3), for each embedder and policy.
 *
 *   npm run bench:quality -- DATA_FOLDER [--json FILE] [--streams qqp,mqp,banking77] [--shuffles 20] [--seed 1]
 *     [--quick] [--floor 0.5] [--noise 0] [--minilm FOLDER]
 */
import { parseArgs } from 'node:util';
import { armsOf, rowOf } from './quality/arms.ts';
import { driftRows } from './quality/drift.ts';
import { openEmbedders, type NamedEmbedder } from './quality/embedders.ts';
import { pairRows, readPairs, handWrittenPairs, trapRows } from './quality/pairs.ts';
import { oracle, replayEngine, type ReplayInput } from './quality/replay.ts';
import { neighboursOf, orderOf, readStreams, type Stream } from './quality/streams.ts';
import { createDecisionEngine } from '../src/cache/decision/engine.ts';
import type { DecisionEngine } from '../src/cache/decision/engine-types.ts';
import { systemClock } from '../src/core/clock.ts';
import { seededRandom } from '../src/core/random.ts';
import { writeRows, type Row } from './lib/rows.ts';
import { mean } from './lib/stats.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    streams: { type: 'string', default: 'qqp,mqp,banking77' },
    shuffles: { type: 'string' },
    seed: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    floor: { type: 'string', default: '0.5' },
    noise: { type: 'string', default: '0' },
    minilm: { type: 'string' },
  },
});
const [folder] = positionals;
if (folder === undefined) {
  throw new Error(
    'where are the labelled streams? npm run bench:quality -- DATA_FOLDER (with stream-qqp.jsonl.gz and others)',
  );
}
const seed = whole('seed', values.seed);
const shuffles = whole('shuffles', values.shuffles ?? (values.quick ? '2' : '20'));
const sideShuffles = Math.min(shuffles, values.quick ? 1 : 6);
const floor = share('floor', values.floor);
const noise = share('noise', values.noise);
const streams = readStreams(folder, values.streams.split(','));
if (streams.length === 0) throw new Error(`no stream-{${values.streams}}.jsonl.gz in ${folder}`);
const say = (line: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
};
const rows: Row[] = [];

for (const embedder of await openEmbedders(values.minilm)) {
  for (const stream of streams) rows.push(...(await streamRows(stream, embedder)));
  for (const name of ['qqp', 'mqp']) {
    say(`${embedder.name}: pairs-${name}`);
    const pairs = await readPairs(folder, name, embedder);
    if (pairs.length > 0) rows.push(...pairRows(name, embedder, pairs));
  }
  rows.push(...(await traps(embedder)));
  await embedder.close();
}
rows.push(...driftRows(seed));
writeRows(rows, values.json);

/** P2: every arm on the same orders. */
async function streamRows(stream: Stream, embedder: NamedEmbedder): Promise<Row[]> {
  const neighbours = await neighboursOf(stream, embedder, floor);
  const inputs = Array.from({ length: shuffles }, (_, i): ReplayInput => ({
    stream,
    neighbours,
    order: orderOf(stream.queries.length, i, seededRandom(seed * 1_000 + i)),
  }));
  const ceilings = inputs.map(oracle);
  const perfect = mean(ceilings.map((each) => each.perfect));
  const arms = armsOf({ embeddingModelId: embedder.id, shuffles, sideShuffles, noise });
  const made = arms.map((arm, at) => {
    say(`${embedder.name}: stream-${stream.name}, ${arm.arm} ${arm.target ?? ''} (${at + 1} of ${arms.length})`);
    const outcomes = inputs.slice(0, arm.shuffles).map((input, i) => arm.run(input, seed * 1_000 + i));
    return rowOf(arm, outcomes, { dataset: stream.name, embedder: embedder.name, seed, oracle: perfect });
  });
  const ceiling: Row = {
    dataset: stream.name,
    embedder: embedder.name,
    queries: stream.queries.length,
    floor,
    repeatsShare: mean(ceilings.map((each) => each.repeats)) / stream.queries.length,
    perfectOnCandidates: perfect / stream.queries.length,
    perfectLate: (2 * mean(ceilings.map((each) => each.perfectLate))) / stream.queries.length,
  };
  return [ceiling, ...made];
}

/** P3, on an engine that knows nothing and on one that a stream has taught. */
async function traps(embedder: NamedEmbedder): Promise<Row[]> {
  const generated = await readPairs(folder!, 'generated', embedder);
  const fresh = createDecisionEngine({ embeddingModelId: embedder.id, clock: systemClock, random: seededRandom(seed) });
  const engines: { name: string; engine: DecisionEngine }[] = [{ name: 'untaught', engine: fresh }];
  for (const stream of streams) {
    say(`${embedder.name}: traps after stream-${stream.name}`);
    const neighbours = await neighboursOf(stream, embedder, floor);
    const order = orderOf(stream.queries.length, 0, seededRandom(seed));
    replayEngine(
      { stream, neighbours, order },
      { missRate: 1, noise },
      {
        embeddingModelId: embedder.id,
        seed,
        options: { target: 0.1 },
        inspect: (engine) => engines.push({ name: `taught by ${stream.name}`, engine }),
      },
    );
  }
  return [
    ...trapRows('traps by hand', embedder, await handWrittenPairs(embedder), engines),
    ...trapRows('pairs-generated', embedder, generated, engines),
  ];
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`--${name} is ${text}; expected a whole number from 1`);
}

function share(name: string, text: string): number {
  const value = Number(text);
  if (value >= 0 && value < 1) return value;
  throw new Error(`--${name} is ${text}; expected a number in [0, 1)`);
}
