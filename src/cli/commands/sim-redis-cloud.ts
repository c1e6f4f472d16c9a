import type { Command } from 'commander';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { untilStopped, whole } from './sim-options.ts';

interface RedisCloudOptions extends GlobalOptions {
  readonly port: number;
  readonly host: string;
  readonly polls: number;
  readonly endpoint?: string;
}

export function addSimRedisCloud(sim: Command, context: CliContext): void {
  sim
    .command('redis-cloud')
    .description(
      'Serve the management API of Redis Cloud, where nothing costs anything. Its keys are `key` and `secret`.',
    )
    .option('--port <port>', 'port to listen on; 0 picks a free one', whole(0), 0)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--polls <n>', 'looks at a task before it is done', whole(0), 3)
    .option('--endpoint <host:port>', 'given out as the endpoint of every database')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host sim redis-cloud --port 9443', 'and then, in another terminal, with both keys set:'],
        ['llm-self-host redis provision --api-url http://127.0.0.1:9443/v1 --yes', 'the whole way, for nothing'],
      ]),
    )
    .action(async (_: unknown, command: Command) =>
      simRedisCloud(command.optsWithGlobals<RedisCloudOptions>(), context),
    );
}

async function simRedisCloud(options: RedisCloudOptions, context: CliContext): Promise<void> {
  const { createRedisCloudServer } = await import('../../sim/redis-cloud-server/server.ts');
  const server = createRedisCloudServer({
    pollsPerTask: options.polls,
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
  });
  let url: string;
  try {
    url = await server.listen(options.port, options.host);
  } catch (error) {
    throw new CliError(`cannot listen on ${options.host}:${options.port}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (options.json) printJson(context, { url, apiKey: 'key', secretKey: 'secret' });
  else context.out(`simulated Redis Cloud API on ${url}: nothing it makes exists\n`);
  await untilStopped();
  await server.close();
}
