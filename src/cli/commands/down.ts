import type { Command } from 'commander';
import type { FleetReport, StatusReport } from '../../admin/admin-types.ts';
import { adminTarget, getJson } from '../client.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { isAlive, readRuntime } from '../runtime-file.ts';

interface DownOptions extends GlobalOptions {
  readonly dataDir?: string;
  readonly config?: string;
}

/** Running answers may finish, and rented machines are given back, which takes the market a while. */
const stopMaxMs = 120_000;
const pollMs = 50;

export function addDown(program: Command, context: CliContext): void {
  program
    .command('down')
    .description('Stop the gateway that `up` or `serve` started on this data folder. Running answers may finish.')
    .option('--data-dir <folder>', 'its data folder (SELFHOST_DATA_DIR)')
    .option('--config <file>', 'its configuration (SELFHOST_CONFIG)')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host down', 'stop it'],
        ['llm-self-host down --data-dir /srv/answers', 'the one on that folder'],
      ]),
    )
    .action(async (_: unknown, command: Command) => down(command.optsWithGlobals<DownOptions>(), context));
}

async function down(options: DownOptions, context: CliContext): Promise<void> {
  const { loadConfig } = await import('../../config/load.ts');
  const config = await loadConfig(context.environment, { ...options, changedAtRunTime: 'ignored' });
  const { dataDir, fleet } = config;
  const running = readRuntime(dataDir);
  if (running === undefined) {
    if (options.json) return printJson(context, { stopped: false });
    return context.out(`no gateway runs on ${dataDir}\n`);
  }
  const { pid, adminUrl } = running;
  const open = await openAnswers(adminUrl, context);
  if (open > 0 && !options.json)
    context.err(`${open === 1 ? '1 answer is' : `${open} answers are`} still running and may finish\n`);
  const billing = fleet.provider === 'off' ? undefined : await whatBills(adminUrl, context);
  if (billing !== undefined && !options.json)
    context.err(
      `${billing}; ${fleet.onStop === 'destroy' ? 'given back first' : 'left as they are (fleet.onStop: keep)'}\n`,
    );
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    throw new CliError(`cannot stop the gateway (pid ${pid}): ${(error as Error).message}`, { cause: error });
  }
  const endMs = performance.now() + stopMaxMs;
  while (isAlive(pid)) {
    if (performance.now() > endMs)
      throw new CliError(
        `the gateway (pid ${pid}) is still stopping after ${stopMaxMs / 1000} s; \`kill -9 ${pid}\` ends it at once`,
      );
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  const { machinesLeft } = await import('../../compose/fleet-stop.ts');
  const left = fleet.provider === 'off' ? [] : machinesLeft(config);
  if (options.json) printJson(context, { stopped: true, pid, stillBilling: left });
  else context.out(`stopped (pid ${pid}); the stored answers stay in ${dataDir}\n`);
  if (left.length === 0) return;
  const words = `still rented and billing: ${left.join(', ')}; give back with \`llm-self-host fleet stop\``;
  if (fleet.onStop === 'keep') context.err(`${words}\n`);
  else throw new CliError(words);
}

/** What is paid for now, in one phrase; undefined when nothing is. */
async function whatBills(adminUrl: string, context: CliContext): Promise<string | undefined> {
  try {
    const { machines, spend } = await getJson<FleetReport>(adminTarget(context, { adminUrl }), { path: '/api/fleet' });
    const billing = machines.filter((machine) => machine.billing !== 'nothing');
    if (billing.length === 0) return undefined;
    return `${billing.length === 1 ? '1 rented machine bills' : `${billing.length} rented machines bill`} $${spend.perHourUsd.toFixed(3)} an hour`;
  } catch {
    // It does not answer, or wants a key that was not given; what is left is looked at when it has stopped.
    return undefined;
  }
}

async function openAnswers(adminUrl: string, context: CliContext): Promise<number> {
  try {
    const status = await getJson<StatusReport>(adminTarget(context, { adminUrl }), { path: '/api/status' });
    return status.traffic.open;
  } catch {
    // A gateway that does not answer is stopped all the same.
    return 0;
  }
}
