/** Rounds of load on a server and on its baseline, in turns, so that both see the same moods of the machine. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { percentile, round } from '../lib/stats.ts';
import type { Row } from '../lib/rows.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import type { Started } from './processes.ts';

/** What is asked of a server; the rest of an order is the same for both sides. */
export type Side = { readonly server: Started } & Pick<LoadOrder, 'questions' | 'entries' | 'stream' | 'noStore'>;

export interface Cell {
  readonly name: string;
  readonly side: Side;
  /** `x-selfhost-cache` of every answer. */
  readonly expect: string;
  readonly baselineName: string;
  readonly baseline: Side;
}

export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** Enough for the fastest cell at the longest run; latencies are kept in an array of this size. */
const requestsMax = 1_000_000;
/** No two orders of new questions overlap. */
let newNext = 0;

interface Sample {
  readonly requestsPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUs: number;
}

/** Runs both sides until their code is compiled: the first seconds of a process cost twice what the later ones do. */
export async function warmUp(generator: LoadGenerator, cell: Cell, seconds: number): Promise<void> {
  for (const side of [cell.side, cell.baseline]) await sample(generator, side, warmUpConcurrency, seconds);
}

const warmUpConcurrency = 16;

export async function measureCell(
  generator: LoadGenerator,
  cell: Cell,
  concurrency: number,
  effort: Effort,
): Promise<Row> {
  const ours: Sample[] = [];
  const bases: Sample[] = [];
  let unexpected = 0;
  let requests = 0;
  for (let turn = 0; turn < effort.rounds; turn++) {
    const mine = await sample(generator, cell.side, concurrency, effort.seconds);
    const base = await sample(generator, cell.baseline, concurrency, effort.seconds);
    ours.push(mine.sample);
    bases.push(base.sample);
    requests += mine.result.requests;
    unexpected += mine.result.requests - (mine.result.kinds[cell.expect] ?? 0) + mine.result.refused;
    if (base.result.refused > 0) throw new Error(`${cell.baselineName} refused ${base.result.refused} requests`);
  }
  const { rssBytes } = await cell.side.server.usage();
  const cpuRatio = median(ours.map(({ cpuUs }, i) => cpuUs / bases[i]!.cpuUs));
  return {
    cell: cell.name,
    concurrency,
    requestsPerS: Math.round(median(ours.map((one) => one.requestsPerS))),
    p50Ms: round(median(ours.map((one) => one.p50Ms))),
    p99Ms: round(median(ours.map((one) => one.p99Ms))),
    cpuUsPerRequest: round(median(ours.map((one) => one.cpuUs)), 1),
    baseline: cell.baselineName,
    baseRequestsPerS: Math.round(median(bases.map((one) => one.requestsPerS))),
    baseP50Ms: round(median(bases.map((one) => one.p50Ms))),
    baseP99Ms: round(median(bases.map((one) => one.p99Ms))),
    baseCpuUsPerRequest: round(median(bases.map((one) => one.cpuUs)), 1),
    cpuRatio: round(cpuRatio, 2),
    // Hits that were misses, and the other way round: a cell with many of them measures something else.
    unexpectedShare: round(unexpected / requests, 4),
    rssMib: Math.round(rssBytes / 2 ** 20),
  };
}

async function sample(
  generator: LoadGenerator,
  { server, ...asked }: Side,
  concurrency: number,
  seconds: number,
): Promise<{ sample: Sample; result: LoadResult }> {
  const before = await server.usage();
  const result = await generator.run({
    ...asked,
    url: server.url,
    newFrom: newNext,
    concurrency,
    seconds,
    requestsMax,
  });
  const after = await server.usage();
  newNext = Math.max(newNext, result.newNext);
  return {
    result,
    sample: {
      requestsPerS: result.requests / result.seconds,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      cpuUs: (after.cpuUs - before.cpuUs) / result.requests,
    },
  };
}

const median = (values: readonly number[]): number => percentile(values, 0.5);

export interface LoadGenerator {
  run(order: LoadOrder): Promise<LoadResult>;
  close(): void;
}

export async function startLoadGenerator(): Promise<LoadGenerator> {
  const child: ChildProcess = fork(fileURLToPath(new URL('load.ts', import.meta.url)), { execArgv: [] });
  const next = () =>
    new Promise<{ type: string; result: LoadResult; message: string }>((resolve, reject) => {
      child.once('message', (message) => resolve(message as never));
      child.once('exit', (code) => reject(new Error(`the load generator ended with code ${code}`)));
    });
  await next();
  return {
    async run(order) {
      const answer = next();
      child.send(order);
      const { type, result, message } = await answer;
      child.removeAllListeners('exit');
      if (type === 'failed') throw new Error(`load on ${order.url} failed: ${message}`);
      return result;
    },
    close: () => void child.kill('SIGTERM'),
  };
}
