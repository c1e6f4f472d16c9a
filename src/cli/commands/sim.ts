import type { Command } from 'commander';
import { CliError, printJson, type CliContext } from '../context.ts';
import { examples } from '../examples.ts';
import { addSimRedisCloud } from './sim-redis-cloud.ts';
import { addSimVast } from './sim-vast.ts';
import { untilStopped, whole } from './sim-options.ts';

interface ThinkerOptions {
  readonly port: number;
  readonly host: string;
  readonly profile: string;
  readonly models?: string;
  readonly seed: number;
  readonly slots?: number;
  readonly maxQueue?: number;
  readonly faults?: boolean;
  readonly control?: boolean;
  readonly json?: boolean;
}

export function addSim(program: Command, context: CliContext): void {
  const sim = program
    .command('sim')
    .description('Play the outside world on this machine, for trials without a GPU.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host sim thinker --port 11434', 'a simulated Ollama server'],
        ['llm-self-host sim vast --port 11500', 'a simulated market of GPU machines'],
      ]),
    );
  sim
    .command('thinker')
    .description('Serve Ollama’s API with made-up answers at a believable pace. It says that it is simulated.')
    .option('--port <port>', 'port to listen on; 0 picks a free one', whole(0), 0)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--profile <name>', 'pace: demo, instant, or a GPU', 'demo')
    .option('--models <names>', 'models it has, separated by commas')
    .option('--seed <n>', 'seed of its words and waits', whole(0), 1)
    .option('--slots <n>', 'answers at a time', whole(1))
    .option('--max-queue <n>', 'requests waiting before it says that it is busy', whole(0))
    .option('--faults', 'models whose names ask for a fault are listed and work')
    .option('--control', 'serve /__sim/…, where a test changes it while it runs')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host sim thinker --port 11434', 'where `serve` looks for an Ollama'],
        ['llm-self-host sim thinker --profile instant --models llama3.2,qwen3:8b', 'as fast as it can'],
      ]),
    )
    .action(async (_: unknown, command: Command) => simThinker(command.optsWithGlobals<ThinkerOptions>(), context));
  addSimVast(sim, context);
  addSimRedisCloud(sim, context);
}

async function simThinker(options: ThinkerOptions, context: CliContext): Promise<void> {
  const [{ createSimulatedThinker }, { isThinkerProfileName, thinkerProfiles }, { isValidModelName, modelFromName }] =
    await Promise.all([
      import('../../sim/thinker-server/server.ts'),
      import('../../sim/profiles.ts'),
      import('../../sim/thinker-server/models.ts'),
    ]);
  const { profile, port, host, seed, slots, maxQueue, faults = false, control = false } = options;
  if (!isThinkerProfileName(profile)) {
    throw new CliError(`--profile is \`${profile}\`; expected ${Object.keys(thinkerProfiles).join(', ')}`);
  }
  const names = options.models?.split(',').map((name) => name.trim());
  const wrong = names?.find((name) => !isValidModelName(name));
  if (wrong !== undefined) throw new CliError(`--models has \`${wrong}\`; expected names such as llama3.2 or qwen3:8b`);
  const thinker = createSimulatedThinker({
    profile,
    seed,
    faults,
    control,
    ...(names && { models: names.map(modelFromName) }),
    ...(slots !== undefined && { slots }),
    ...(maxQueue !== undefined && { maxQueue }),
  });
  let url: string;
  try {
    url = await thinker.listen(port, host);
  } catch (error) {
    throw new CliError(`cannot listen on ${host}:${port}: ${(error as Error).message}; choose another with --port`, {
      cause: error,
    });
  }
  if (options.json) printJson(context, { url, profile, seed });
  else context.out(`simulated thinker on ${url}, profile ${profile}: its answers are made up\n`);
  await untilStopped();
  await thinker.close();
}
