import { InvalidArgumentError, type Command } from 'commander';
import type { WhatIfChange, WhatIfReply, WhatIfReport, WhatIfRequest, WhatIfSide } from '../../admin/admin-types.ts';
import { adminTarget, getJson } from '../client.ts';
import { printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { formatPercent, formatTable, formatUsd, parseDuration } from '../format.ts';

interface WhatIfOptions extends GlobalOptions {
  readonly days?: number;
  readonly threshold?: number;
  readonly target?: number;
  /** Seconds. */
  readonly ttl?: number;
  /** Seconds. */
  readonly idle?: number;
  readonly gpuPrice?: number;
  readonly gpuSpeed?: number;
  readonly machines?: number;
  readonly spares?: number;
}

export function addWhatIf(program: Command, context: CliContext): void {
  program
    .command('whatif')
    .description('Replay the recorded traffic under other settings: cost, hits, wrong hits, waits. Changes nothing.')
    .option('--days <n>', 'of traffic (7)', numberIn(1, 3660))
    .option('--threshold <score>', 'smallest score that is served, 0 to 1', numberIn(0, 1))
    .option('--target <share>', 'largest wrong share of hits: 0.01, 0.02, 0.05, 0.1 or 0.2', numberIn(0.001, 0.5))
    .option('--ttl <time>', 'how long answers live, such as 1h', duration)
    .option('--idle <time>', 'a rented machine is given back after this long without work; 0s: never', duration)
    .option('--gpu-price <usd>', 'an hour of a GPU', numberIn(0, 1000))
    .option('--gpu-speed <factor>', 'tokens a second over those of now: another GPU', numberIn(0.01, 100))
    .option('--machines <n>', 'most machines rented at a time', numberIn(1, 64))
    .option('--spares <n>', 'most machines stopped rather than given back', numberIn(0, 64))
    .addHelpText(
      'after',
      examples([
        ['llm-self-host whatif', 'how well a replay reproduces what happened'],
        ['llm-self-host whatif --ttl 1h --days 30', 'answers that live an hour'],
        ['llm-self-host whatif --gpu-price 0.31 --idle 10m', 'a cheaper GPU that sleeps sooner'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<WhatIfOptions>();
      const { days, threshold, target, ttl, idle, gpuPrice, gpuSpeed, machines, spares } = options;
      const change: WhatIfChange = {
        threshold,
        target,
        ttlMs: ttl === undefined ? undefined : ttl * 1000,
        idleS: idle,
        gpuUsdPerHour: gpuPrice,
        gpuSpeed,
        machinesMax: machines,
        sparesMax: spares,
      };
      const body: WhatIfRequest = { days, changes: [change] };
      const reply = await getJson<WhatIfReply>(adminTarget(context, options), {
        method: 'POST',
        path: '/api/money/whatif',
        body,
      });
      if (options.json) printJson(context, reply);
      else context.out(describeWhatIf(reply.reports[0]!));
    });
}

const numberIn = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max))
    throw new InvalidArgumentError(`expected a number from ${min} to ${max}`);
  return value;
};

function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('expected a time such as 90s, 15m, 1h or 2d');
  return seconds;
}

export function describeWhatIf(report: WhatIfReport): string {
  const row = (name: string, of: (side: WhatIfSide) => string) => [name, of(report.recorded), of(report.scenario)];
  const usd = (value: number | undefined) => (value === undefined ? 'unpriced' : formatUsd(value));
  const table = formatTable(
    ['', 'RECORDED', 'SCENARIO'],
    [
      row('answers', (side) => String(side.queries)),
      row('hits', (side) => (side.hitShare === undefined ? '–' : `${side.hits} (${formatPercent(side.hitShare)})`)),
      row('exact, semantic, shared', (side) => `${side.exact}, ${side.semantic}, ${side.coalesced}`),
      row('wrong hits in other words', ({ falseHits }) =>
        falseHits === undefined
          ? 'not known'
          : `${formatPercent(falseHits.estimate)}, at most ${formatPercent(falseHits.high)}`,
      ),
      row('cost', (side) => usd(side.costUsd)),
      row('GPU hours', (side) => (side.gpuHours === undefined ? '–' : side.gpuHours.toFixed(2))),
      row('first token of misses, p95', (side) =>
        side.missP95Ms === undefined ? '–' : `${(side.missP95Ms / 1000).toFixed(2)} s`,
      ),
      row('waited for a start', (side) => String(side.coldWaits)),
    ],
  );
  const model =
    report.fleetModelError === undefined
      ? ''
      : `; the modelled fleet costs ${formatPercent(report.fleetModelError)} more than the real one`;
  return [
    table,
    `a replay at the recorded settings agrees on ${formatPercent(report.agreement, 2)} of ${report.asks} answers${model}`,
    ...report.reach.map((line) => `- ${line}`),
    '',
  ].join('\n');
}
