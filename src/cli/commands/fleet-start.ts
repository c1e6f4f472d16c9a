import { createInterface } from 'node:readline/promises';
import { InvalidArgumentError, type Command } from 'commander';
import type { FleetMachine, FleetOffers, FleetReport } from '../../admin/admin-types.ts';
import { formatDuration } from '../../core/format.ts';
import { adminTarget, getJson, type Target } from '../client.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { usd } from '../fleet-text.ts';
import { parseDuration } from '../format.ts';
import { statusLine } from '../status-line.ts';

interface StartOptions extends GlobalOptions {
  readonly workers: number;
  /** Seconds. */
  readonly for: number;
  readonly yes?: boolean;
  readonly wait: boolean;
}

/** Longer than every phase of a start together. */
const startMaxMs = 30 * 60_000;
const pollMs = 500;

export function addFleetStart(fleet: Command, context: CliContext): void {
  fleet
    .command('start')
    .description(
      'Rent machines now, before anybody asks, and allow renting again after a stop. Shows what it costs, asks, and then follows the start.',
    )
    .option('--workers <n>', 'machines to have at least; 0 only ends a stop', workers, 1)
    .option('--for <time>', 'how long to keep them, such as 30m or 2h; afterwards they follow demand', duration, 3600)
    .option('--yes', 'do not ask')
    .option('--no-wait', 'do not follow the start')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host fleet start', 'one machine for an hour; asks first'],
        ['llm-self-host fleet start --workers 2 --for 8h --yes', 'from a script'],
        ['llm-self-host fleet start --workers 0', 'renting is allowed again, when somebody asks'],
      ]),
    )
    .action(async (_: unknown, command: Command) => start(command.optsWithGlobals<StartOptions>(), context));
}

async function start(options: StartOptions, context: CliContext): Promise<void> {
  const target = adminTarget(context, options);
  if (options.workers > 0 && !options.yes && !(await confirmed(target, options, context))) {
    context.err('nothing was rented\n');
    return context.setExitCode(1);
  }
  const startedMs = performance.now();
  let report = await getJson<FleetReport>(target, {
    method: 'POST',
    path: '/api/fleet/start',
    body: { workers: options.workers, hours: options.for / 3600 },
  });
  if (options.workers > 0 && options.wait) {
    const onSignal = () => leave(context);
    process.once('SIGINT', onSignal);
    report = await follow(target, options, context, startedMs).finally(() => process.off('SIGINT', onSignal));
  }
  if (options.json) printJson(context, report);
  else if (options.workers === 0) context.out('renting is allowed again; the next question starts a machine\n');
}

async function confirmed(target: Target, options: StartOptions, context: CliContext): Promise<boolean> {
  if (!context.stdin.isTTY)
    throw new CliError('this would rent machines, and there is no terminal to ask on; add --yes');
  const [report, offers] = await Promise.all([
    getJson<FleetReport>(target, { path: '/api/fleet' }),
    getJson<FleetOffers>(target, { path: '/api/fleet/offers' }),
  ]);
  const best = offers.ranked.slice(0, options.workers);
  if (best.length === 0) throw new CliError('no offer of the market can be taken; see `llm-self-host fleet offers`');
  context.err(describeCost(report, best, options));
  const lines = createInterface({ input: context.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question('Rent? [y/N] ')).trim());
  } finally {
    lines.close();
  }
}

/** What is about to be paid, before it is. */
export function describeCost(
  report: FleetReport,
  best: FleetOffers['ranked'],
  options: Pick<StartOptions, 'workers' | 'for'>,
): string {
  const perHour = (best.reduce((sum, { pricePerHourUsd }) => sum + pricePerHourUsd, 0) / best.length) * options.workers;
  const { caps, dayUsd } = report.spend;
  return [
    `${options.workers} ${options.workers === 1 ? 'machine' : 'machines'} for ${formatDuration(options.for)}: about ${usd(perHour)} an hour, ${usd((perHour * options.for) / 3600)} in all`,
    ...best.map(
      ({ gpu, country, pricePerHourUsd, readyInS, chanceOfReady }) =>
        `  ${gpu} in ${country || 'an unknown place'}, ${usd(pricePerHourUsd)} an hour, ready in about ${Math.round(readyInS)} s, ${Math.round(chanceOfReady * 100)} % of starts succeed`,
    ),
    `Spent today: ${usd(dayUsd)}${caps.perDayUsd === undefined ? '' : ` of ${usd(caps.perDayUsd)}`}; at most ${caps.perHourUsd === undefined ? 'no cap' : usd(caps.perHourUsd)} an hour. After that time machines follow demand.`,
    '',
  ].join('\n');
}

/** Whoever presses Ctrl-C here may think that it ends the rental as well. */
function leave(context: CliContext): never {
  context.err(
    '\nno longer shown, and it goes on within the caps; `llm-self-host fleet stop` gives back what is rented\n',
  );
  process.exit(130);
}

/** Prints each step of each machine as it comes, with the seconds since the order and what is billed. */
async function follow(
  target: Target,
  options: StartOptions,
  context: CliContext,
  startedMs: number,
): Promise<FleetReport> {
  const told = new Set<string>();
  const orderedAt = (await getJson<FleetReport>(target, { path: '/api/fleet' })).at ?? 0;
  for (;;) {
    const report = await getJson<FleetReport>(target, { path: '/api/fleet' });
    for (const machine of report.machines) tell(machine, told, orderedAt, options, context);
    const ready = report.machines.filter(({ phase }) => phase === 'ready').length;
    const elapsed = Math.round((performance.now() - startedMs) / 1000);
    if (ready >= options.workers) {
      if (!options.json) context.out(`${ready} serving after ${elapsed} s, ${usd(report.spend.perHourUsd)} an hour\n`);
      return report;
    }
    if (report.state === 'stopped' || report.state === 'exhausted' || report.state === 'refused')
      throw new CliError(`the fleet does not start: ${report.says}`);
    if (performance.now() - startedMs > startMaxMs)
      throw new CliError(`no machine is ready after ${elapsed} s: ${report.says}; see \`llm-self-host fleet history\``);
    if (context.errIsTerminal && !options.json) context.err(statusLine(context, `${elapsed} s: ${report.says}`));
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function tell(
  machine: FleetMachine,
  told: Set<string>,
  orderedAt: number,
  options: StartOptions,
  context: CliContext,
): void {
  for (const { at, phase, says } of machine.timeline) {
    // What a stopped machine did before is not this start's.
    if (at < orderedAt) continue;
    const key = `${machine.label} ${at} ${phase}`;
    if (told.has(key)) continue;
    told.add(key);
    if (options.json) continue;
    if (context.errIsTerminal) context.err('\r\u001B[K');
    const seconds = String(Math.max(0, Math.round((at - orderedAt) / 1000))).padStart(4);
    context.out(
      `${seconds} s  ${machine.gpu.padEnd(12)} ${phase.padEnd(11)} bills ${machine.billing.padEnd(8)} ${usd(machine.spentUsd)} so far  ${says}\n`,
    );
  }
}

function workers(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 100)
    throw new InvalidArgumentError('expected a whole number from 0 to 100');
  return value;
}

function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds < 60) throw new InvalidArgumentError('expected a time such as 30m, 2h or 1d');
  return seconds;
}
