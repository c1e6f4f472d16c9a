/**
 * What the gateway costs: CPU per request and latency of hits and misses, each in turns with the least
 * that could do the same job. See bench/README.md.
 *
 *   node bench/gateway.ts [--json FILE] [--seconds 2] [--rounds 3] [--quick] [--cells exact,miss] [--concurrency 1,16,64]
 *                         [--entries 100k] [--cpu-prof DIR]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spawnSimulatedThinker } from '../src/sim/spawn-thinker.ts';
import { measureStart } from './gateway/cold.ts';
import type { GatewayServerOptions } from './gateway/gateway-server.ts';
import { measureCell, startLoadGenerator, warmUp, type Cell, type Effort, type Side } from './gateway/measure.ts';
import { runChild, startChild, type Started } from './gateway/processes.ts';
import { formatCount, parseCount } from './lib/args.ts';
import { startProgress } from './lib/progress.ts';
import { writeRows, type Row } from './lib/rows.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    cells: { type: 'string', default: '' },
    concurrency: { type: 'string', default: '1,16,64' },
    entries: { type: 'string', default: '100k' },
    'cpu-prof': { type: 'string' },
  },
});
const effort: Effort = {
  rounds: positive('rounds', values.rounds, values.quick ? 1 : 3),
  seconds: positive('seconds', values.seconds, values.quick ? 0.5 : 2),
  warmUpSeconds: values.quick ? 1 : 4,
};
const wanted = values.cells.split(',').filter((word) => word !== '');
const isWanted = (name: string) => wanted.length === 0 || wanted.some((word) => name.includes(word));
const concurrencies = values.concurrency.split(',').map((text) => positive('concurrency', text, 1));
const few = 1_000;
const many = parseCount(values.entries);

const closers: (() => Promise<void> | void)[] = [];
const folder = await mkdtemp(join(tmpdir(), 'selfhost-bench-gateway-'));
closers.push(() => rm(folder, { recursive: true, force: true }));
process.on('SIGINT', () => void closeAll().then(() => process.exit(130)));

const rows: Row[] = [];
try {
  const thinker = await spawnSimulatedThinker({ profile: 'instant' });
  closers.push(() => thinker.close());
  if (isWanted('start')) {
    for (const url of [thinker.url, undefined]) rows.push(await measureStart(url, values.quick ? 1 : 5));
  }
  const generator = await startLoadGenerator();
  closers.push(() => generator.close());
  const cells = cellsOf(thinker.url).filter(({ name }) => isWanted(name));
  const progress = startProgress('cells', cells.length * concurrencies.length);
  let done = 0;
  for (const { make } of cells) {
    const { cell, close } = await make();
    await warmUp(generator, cell, effort.warmUpSeconds);
    for (const concurrency of concurrencies) {
      rows.push(await measureCell(generator, cell, concurrency, effort));
      progress.update(++done);
    }
    await close();
  }
  progress.end();
  writeRows(rows, values.json);
} finally {
  await closeAll();
}

interface PlannedCell {
  readonly name: string;
  /** Servers live only while their cell runs: idle ones would still probe and take memory. */
  readonly make: () => Promise<{ readonly cell: Cell; readonly close: () => Promise<void> }>;
}

function cellsOf(thinkerUrl: string): PlannedCell[] {
  const hit = (name: string, entries: number, questions: 'stored' | 'other'): PlannedCell => ({
    name,
    async make() {
      const map = await startChild('map-server.ts', { thinkerUrl, entries: few });
      const server = await gatewayWith(thinkerUrl, entries, {});
      const side = { stream: false, noStore: false };
      return {
        cell: {
          name,
          side: { server, questions, entries, ...side },
          expect: questions === 'stored' ? 'exact' : 'semantic',
          baselineName: 'node:http and a Map',
          baseline: { server: map, questions: 'stored', entries: few, ...side },
        },
        close: () => closeBoth(server, map),
      };
    },
  });
  /** What the ledger and the metrics cost, on the path where everything else costs least. */
  const counted = (): PlannedCell => ({
    name: 'exact hit, ledger and metrics',
    async make() {
      const server = await gatewayWith(thinkerUrl, few, {}, { costPerHourUsd: 0.5 });
      const without = await gatewayWith(thinkerUrl, few, {}, { counting: 'off' });
      const side = { questions: 'stored', entries: few, stream: false, noStore: false } as const;
      return {
        cell: {
          name: 'exact hit, ledger and metrics',
          side: { server, ...side },
          expect: 'exact',
          baselineName: 'the same gateway without them',
          baseline: { server: without, ...side },
        },
        close: async () => {
          await assertNothingLost(server);
          await closeBoth(server, without);
        },
      };
    },
  });
  const miss = (name: string, options: Pick<Side, 'stream' | 'noStore'>, cache: object = {}): PlannedCell => ({
    name,
    async make() {
      const proxy = await startChild('bare-proxy.ts', { thinkerUrl });
      const server = await gatewayWith(thinkerUrl, 0, cache);
      const side = { questions: 'new', entries: 0, ...options } as const;
      return {
        cell: {
          name,
          side: { server, ...side },
          expect: options.noStore ? 'bypass' : 'miss',
          baselineName: 'undici Pool.dispatch proxy',
          baseline: { server: proxy, ...side },
        },
        close: () => closeBoth(server, proxy),
      };
    },
  });
  return [
    hit('exact hit', few, 'stored'),
    counted(),
    hit(`semantic hit, ${formatCount(few)} entries`, few, 'other'),
    hit(`semantic hit, ${formatCount(many)} entries`, many, 'other'),
    miss('miss, no-store', { stream: false, noStore: true }),
    miss('miss streamed, no-store', { stream: true, noStore: true }),
    miss('miss kept, exact tier, in memory', { stream: false, noStore: false }, { mode: 'exact-only', persist: false }),
    miss('miss kept, exact tier, on disk', { stream: false, noStore: false }, { mode: 'exact-only' }),
    miss('miss kept, both tiers, on disk', { stream: false, noStore: false }),
    miss('miss streamed kept, both tiers, on disk', { stream: true, noStore: false }),
  ];
}

async function gatewayWith(
  thinkerUrl: string,
  entries: number,
  cache: object,
  counting: Pick<GatewayServerOptions, 'counting' | 'costPerHourUsd'> = {},
): Promise<Started> {
  const dataDir = await mkdtemp(join(folder, 'data-'));
  if (entries > 0) await runChild('preload.ts', { thinkerUrl, dataDir, entries });
  const options: GatewayServerOptions = { thinkerUrl, dataDir, cache: { ...cache }, vectors: entries, ...counting };
  const profile = values['cpu-prof'];
  return startChild(
    'gateway-server.ts',
    options,
    profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`],
  );
}

/** A ledger that drops what it cannot write would look cheap. */
async function assertNothingLost({ adminUrl }: Started): Promise<void> {
  const reply = await fetch(`${adminUrl}/api/ledger/totals`);
  const { lost } = (await reply.json()) as { readonly lost: number };
  if (lost > 0) throw new Error(`${lost} entries of the ledger were lost`);
}

async function closeBoth(...servers: Started[]): Promise<void> {
  await Promise.all(servers.map((server) => server.close()));
}

async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).toReversed()) await close();
}

function positive(name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!(value > 0)) throw new Error(`--${name} is "${text}"; expected a number above 0`);
  return value;
}
