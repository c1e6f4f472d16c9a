import type { Command } from 'commander';
import { CliError, printJson, type CliContext } from '../context.ts';
import { examples } from '../examples.ts';
import { numberIn, untilStopped, whole } from './sim-options.ts';

interface VastOptions {
  readonly port: number;
  readonly host: string;
  readonly seed: number;
  readonly timeScale: number;
  readonly bootScale: number;
  readonly machines: number;
  readonly badShare: number;
  readonly balance: number;
  readonly mtbfHours: number;
  readonly rateLimits: boolean;
  readonly control?: boolean;
  readonly json?: boolean;
}

export function addSimVast(sim: Command, context: CliContext): void {
  sim
    .command('vast')
    .description('Serve the API of a made-up market of GPU machines; what is rented there answers as an Ollama.')
    .option('--port <port>', 'port to listen on; 0 picks a free one', whole(0), 0)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--seed <n>', 'seed of machines, prices and misfortunes', whole(0), 1)
    .option('--time-scale <n>', 'how many times as fast as real time it lives', numberIn(0.01, 10_000), 1)
    .option('--boot-scale <n>', 'starts take this share of their usual time', numberIn(0.001, 100), 1)
    .option('--machines <n>', 'machines in the market', whole(1), 64)
    .option('--bad-share <n>', 'share of machines with something wrong', numberIn(0, 1), 0.08)
    .option('--balance <usd>', 'money on the account', numberIn(0, 1e6), 100)
    .option('--mtbf-hours <n>', 'mean time to the loss of a machine', numberIn(0.01, 1e9), 300)
    .option('--no-rate-limits', 'never refuse a call for its frequency')
    .option('--control', 'serve /sim/…, where a test makes things go wrong')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host sim vast --port 11500', 'prints its URL and the key of its account'],
        ['llm-self-host sim vast --time-scale 60 --seed 7', 'an hour a minute, the same world each time'],
      ]),
    )
    .action(async (_: unknown, command: Command) => simVast(command.optsWithGlobals<VastOptions>(), context));
}

async function simVast(options: VastOptions, context: CliContext): Promise<void> {
  const { startVastWorld } = await import('../../sim/world.ts');
  const { port, host, seed, timeScale, bootScale, machines, badShare, mtbfHours } = options;
  const world = await startVastWorld({
    port,
    host,
    seed,
    timeScale,
    bootScale,
    machines,
    badShare,
    mtbfHours,
    balanceUsd: options.balance,
    rateLimits: options.rateLimits ? 'on' : 'off',
    control: options.control ?? false,
  }).catch((error: unknown) => {
    throw new CliError(`cannot listen on ${host}:${port}: ${(error as Error).message}; choose another with --port`, {
      cause: error,
    });
  });
  const { url, key } = world;
  if (options.json) printJson(context, { url, key, seed, timeScale });
  else context.out(`simulated GPU market on ${url}, key ${key}: nothing there exists or costs money\n`);
  await untilStopped();
  await world.close();
}
