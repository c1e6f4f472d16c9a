import { writeFileSync } from 'node:fs';
import { InvalidArgumentError, type Command } from 'commander';
import { formatMs } from '../../core/format.ts';
import { CliError, printJson, type CliContext } from '../context.ts';
import type { DemoSummary, Moment, Scene } from '../demo/play.ts';
import { examples } from '../examples.ts';
import { usd } from '../fleet-text.ts';
import { statusLine } from '../status-line.ts';

interface DemoCommandOptions {
  readonly seed: number;
  readonly json?: boolean;
}

export function addDemo(program: Command, context: CliContext): void {
  program
    .command('demo')
    .description(
      'Watch a fleet grow from zero, lose a host, recover and go back to zero: a simulated market, no account, no cost, under two minutes.',
    )
    .option('--seed <n>', 'of the market, the people and their luck', whole, 1)
    .argument('[file]', 'with --json: where the summary is written; default: to the standard output')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host demo', 'watch it'],
        ['llm-self-host demo --seed 7 --json demo.json', 'another world, figures in a file'],
      ]),
    )
    .action(async (file: string | undefined, _: unknown, command: Command) =>
      demo(command.optsWithGlobals<DemoCommandOptions>(), file, context),
    );
}

async function demo(
  { seed, json = false }: DemoCommandOptions,
  file: string | undefined,
  context: CliContext,
): Promise<void> {
  if (file !== undefined && !json)
    throw new CliError(`what is \`${file}\` for? The summary is written by --json ${file}`);
  const interrupted = new AbortController();
  const onSignal = () => {
    if (interrupted.signal.aborted) process.exit(130);
    context.err('\ngiving everything back; interrupt again to leave at once\n');
    interrupted.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const { playDemo } = await import('../demo/play.ts');
  // What a script reads must be the summary alone.
  const view = createView(
    json && file === undefined
      ? { ...context, out: (text: string) => context.err(text), outIsTerminal: false }
      : context,
  );
  try {
    const summary = await playDemo({ seed, signal: interrupted.signal, onScene: view.scene, onMoment: view.moment });
    view.end();
    if (json && file === undefined) printJson(context, summary);
    else context.out(describeSummary(summary));
    if (file !== undefined) writeFileSync(file, `${JSON.stringify(summary, undefined, 2)}\n`);
    if (summary.leaked > 0) throw new CliError(`${summary.leaked} machines were left behind in the simulated market`);
    if (summary.interrupted) context.setExitCode(130);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    // Connections that are kept alive must not keep the terminal waiting.
    setTimeout(() => process.exit(), lingerMs).unref();
  }
}

const lingerMs = 1_000;

/** A status line that is redrawn on a terminal; a line now and then where there is none. */
function createView(context: CliContext): {
  readonly scene: (scene: Scene) => void;
  readonly moment: (moment: Moment) => void;
  readonly end: () => void;
} {
  const everyMs = 5_000;
  let saidMs = 0;
  const clear = () => context.outIsTerminal && context.out('\r\u001B[K');
  return {
    scene(scene) {
      const line = describeScene(scene);
      if (context.outIsTerminal) return context.out(statusLine(context, line));
      if (performance.now() - saidMs < everyMs) return;
      saidMs = performance.now();
      context.out(`${line}\n`);
    },
    moment({ atS, says }) {
      clear();
      context.out(`${clockOf(atS)}  ${says}\n`);
    },
    end: () => void clear(),
  };
}

function describeScene({ atS, act, tally, fleet, savedUsd }: Scene): string {
  const hits = tally.hits.exact + tally.hits.semantic + tally.hits.coalesced;
  const ready = fleet?.machines.filter(({ phase }) => phase === 'ready').length ?? 0;
  const starting = (fleet?.machines.length ?? 0) - ready;
  return `${clockOf(atS)}  ${act.padEnd(20)} ${tally.answered}/${tally.requests} answered, ${hits} hits, ${ready} thinkers${starting > 0 ? ` +${starting}` : ''}, ${usd(fleet?.spend.perHourUsd ?? 0)}/h, spent ${usd(fleet?.spend.dayUsd ?? 0)}, saved ${usd(savedUsd)}`;
}

export function describeSummary(summary: DemoSummary): string {
  const { hits, latencyMs } = summary;
  const rows = Object.entries(latencyMs).map(
    ([source, { p50, p95, p99 }]) =>
      `  ${source.padEnd(10)} p50 ${formatMs(p50)}, p95 ${formatMs(p95)}, p99 ${formatMs(p99)}`,
  );
  return [
    '',
    `${summary.requests} questions: ${summary.answered} answered (${summary.retried} at the second try), ${summary.failed} failed, ${summary.wrong} wrong`,
    `${hits.exact} exact hits, ${hits.semantic} semantic, ${hits.coalesced} coalesced; thinkers were asked ${summary.upstreamCalls} times`,
    `${summary.rented} machines rented, ${summary.lost} lost, ${summary.leaked} left behind`,
    // Broken off, the last charges are not in the ledger yet.
    `billed ${usd(summary.billedUsd)}${summary.interrupted ? '' : `, our ledger says ${usd(summary.ledgerUsd)}`}; hits saved ${usd(summary.savedUsd)} of GPU time`,
    'latency of a whole answer (real time; simulated machines work at 20 times the pace of real ones):',
    ...rows,
    `took ${Math.round(summary.tookS)} s${summary.interrupted ? '; interrupted, everything was given back' : ''}`,
    '',
  ].join('\n');
}

const clockOf = (seconds: number): string =>
  `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number of at least 0');
  return value;
}
