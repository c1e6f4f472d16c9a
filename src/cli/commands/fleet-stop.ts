import type { Command } from 'commander';
import type { FleetReport } from '../../admin/admin-types.ts';
import { adminTarget, getJson } from '../client.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';

interface StopOptions extends GlobalOptions {
  readonly now?: boolean;
  readonly config?: string;
  readonly dataDir?: string;
}

/** A drain of 120 s, and a market that takes its time. */
const stopMaxMs = 10 * 60_000;
const pollMs = 500;

export function addFleetStop(fleet: Command, context: CliContext): void {
  fleet
    .command('stop')
    .description(
      'Give every rented machine back and rent none until `fleet start`. Works when the gateway is down: then the market itself is asked.',
    )
    .option('--now', 'cut running answers instead of letting them end')
    .option('--config <file>', 'configuration of a gateway that is down (SELFHOST_CONFIG)')
    .option('--data-dir <folder>', 'its data folder (SELFHOST_DATA_DIR)')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host fleet stop', 'running answers may end'],
        ['llm-self-host fleet stop --now --config gateway.yaml', 'at once, gateway or not'],
      ]),
    )
    .action(async (_: unknown, command: Command) => stop(command.optsWithGlobals<StopOptions>(), context));
}

async function stop(options: StopOptions, context: CliContext): Promise<void> {
  const target = adminTarget(context, options);
  let report: FleetReport;
  try {
    report = await getJson<FleetReport>(target, {
      method: 'POST',
      path: '/api/fleet/stop',
      body: { how: options.now ? 'now' : 'drain' },
    });
  } catch (error) {
    if (!(error instanceof CliError) || !error.message.startsWith('cannot reach')) throw error;
    context.err('no gateway answers; the market is asked directly\n');
    return stopDirectly(options, context);
  }
  const endMs = performance.now() + stopMaxMs;
  while (report.machines.length > 0) {
    if (performance.now() > endMs)
      throw new CliError(
        `${report.machines.length} machines are still there after ${stopMaxMs / 60_000} minutes; look at https://cloud.vast.ai/instances/`,
      );
    if (context.errIsTerminal) context.err(`\r${report.machines.length} machines left\u001B[K`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    report = await getJson<FleetReport>(target, { path: '/api/fleet' });
  }
  if (context.errIsTerminal) context.err('\r\u001B[K');
  if (options.json) printJson(context, { stopped: true, via: 'gateway', left: [] });
  else context.out('nothing is rented, and nothing will be until `llm-self-host fleet start`\n');
}

async function stopDirectly(options: StopOptions, context: CliContext): Promise<void> {
  const [{ loadConfig }, { stopFleetDirectly }] = await Promise.all([
    import('../../config/load.ts'),
    import('../../compose/fleet-stop.ts'),
  ]);
  const config = await loadConfig(context.environment, { ...options, changedAtRunTime: 'ignored' });
  const { destroyed, left } = await stopFleetDirectly(config, (says) => {
    if (!options.json) context.err(`${says}\n`);
  });
  if (options.json) printJson(context, { stopped: left.length === 0, via: 'market', destroyed, left });
  else if (left.length === 0)
    context.out(`${destroyed.length} machines destroyed; the market lists none of ours any more\n`);
  if (left.length > 0) throw new CliError(`still listed: ${left.join(', ')}; look at https://cloud.vast.ai/instances/`);
}
