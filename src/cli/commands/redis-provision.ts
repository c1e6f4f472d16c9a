/** `redis provision`: a database at Redis Cloud, every step confirmed. */
import { createInterface } from 'node:readline/promises';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';

interface ProvisionOptions extends GlobalOptions {
  readonly name: string;
  readonly provider: string;
  readonly region: string;
  readonly size: number;
  readonly pro?: boolean;
  readonly opsPerSecond: number;
  readonly replication?: boolean;
  readonly persistence?: boolean;
  readonly allow?: readonly string[];
  readonly paymentMethod?: number;
  readonly apiUrl?: string;
  readonly apiKeyFile?: string;
  readonly apiSecretFile?: string;
  readonly out: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function addRedisProvision(redis: Command, context: CliContext): void {
  redis
    .command('provision')
    .description(
      'Make a database at Redis Cloud. Says what it costs first, asks before each step, and makes nothing twice: run it again after a break.',
    )
    .option('--name <name>', 'of the subscription and the database', 'llm-self-host')
    .option('--provider <name>', 'AWS, GCP or Azure', 'AWS')
    .option('--region <name>', 'close to your gateways: each lookup waits for the way there and back', 'us-east-1')
    .option('--size <size>', 'memory: 250MB, 1GB, …', sizeBytes, 250e6)
    .option('--pro', 'a Pro subscription, with the Query Engine and any size, instead of a fixed plan')
    .option('--ops-per-second <n>', 'with --pro: commands it must bear', whole, 1_000)
    .option('--replication', 'a replica that takes over; plans count it into their size')
    .option('--persistence', 'keep the answers over a restart (append-only file, each second)')
    .option('--allow <cidr...>', 'addresses that may connect (default: all; the password protects it)')
    .option('--payment-method <id>', 'of the account (default: its first)', whole)
    .option('--api-url <url>', 'management API (REDIS_CLOUD_API_URL; default: the real one)')
    .option('--api-key-file <file>', 'file with the API key; or REDIS_CLOUD_API_KEY')
    .option('--api-secret-file <file>', 'file with the secret key; or REDIS_CLOUD_API_SECRET_KEY')
    .option('--out <folder>', 'where the certificate and the password are put', '.')
    .option('--dry-run', 'say what it would make and cost, and stop')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host redis provision --dry-run --size 1GB --region eu-west-1', 'what would it cost?'],
        ['llm-self-host redis provision --size 1GB --replication', 'make it, step by step'],
        ['llm-self-host sim redis-cloud --port 9443', 'try it against a simulator: --api-url http://127.0.0.1:9443/v1'],
      ]),
    )
    .action(async (_: unknown, command: Command) => run(command.optsWithGlobals<ProvisionOptions>(), context));
}

async function run(options: ProvisionOptions, context: CliContext): Promise<void> {
  const [{ createRedisCloudApi }, { planProvision, provision }, { systemClock }] = await Promise.all([
    import('../../redis/cloud/api.ts'),
    import('../../redis/cloud/provision.ts'),
    import('../../core/clock.ts'),
  ]);
  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort(new CliError('stopped'));
  process.once('SIGINT', onSignal);
  const { signal } = interrupted;
  let said = '';
  const say = (line: string) => context.err(`${line}\n`);
  const api = createRedisCloudApi({
    baseUrl: options.apiUrl ?? context.environment['REDIS_CLOUD_API_URL'],
    apiKey: secret(context, 'REDIS_CLOUD_API_KEY', options.apiKeyFile, '--api-key-file'),
    secretKey: secret(context, 'REDIS_CLOUD_API_SECRET_KEY', options.apiSecretFile, '--api-secret-file'),
    fetch,
    clock: systemClock,
    onWaiting: (what, status) => {
      if (said !== `${what} ${status}`) say(`${what}: ${status} …`);
      said = `${what} ${status}`;
    },
  });
  const wish = {
    name: options.name,
    provider: options.provider,
    region: options.region,
    size: options.pro
      ? ({ kind: 'pro', gib: options.size / 1e9, opsPerSecond: options.opsPerSecond } as const)
      : ({ kind: 'essentials', bytes: options.size } as const),
    replication: options.replication === true,
    persistence: options.persistence ? ('aof-every-1-second' as const) : ('none' as const),
    sourceIps: options.allow,
    paymentMethodId: options.paymentMethod,
  };
  let made = false;
  try {
    const prepared = await planProvision(api, wish, signal);
    const { steps, monthlyUsd, entries } = prepared.plan;
    if (options.dryRun) {
      if (options.json) return printJson(context, { dryRun: true, steps, monthlyUsd, entries });
      for (const step of steps) context.out(`would make ${step.what}\n`);
      context.out(
        `cost: $${monthlyUsd.toFixed(2)} a month; room for about ${thousands(entries.log)} entries (log) or ${thousands(entries.ft)} (ft)\n`,
      );
      return context.out('nothing was made\n');
    }
    const result = await provision(
      {
        api,
        say,
        confirm: async ({ what, monthlyUsd: cost }) => {
          const price = cost > 0 ? ` for $${cost.toFixed(2)} a month` : '';
          if (options.yes) say(`making ${what}${price}`);
          const agreed = options.yes === true || (await confirmed(`Make ${what}${price}?`, context, signal));
          if (agreed) made = true;
          return agreed;
        },
      },
      wish,
      prepared,
      signal,
    );
    if (result === undefined) {
      if (!made) context.err('nothing was made\n');
      return context.setExitCode(1);
    }
    const files = keep(options.out, result);
    const url = `${result.tls ? 'rediss' : 'redis'}://${result.endpoint}`;
    if (options.json) {
      return printJson(context, {
        url,
        ...files,
        monthlyUsd,
        subscription: result.place.id,
        database: result.databaseId,
      });
    }
    context.out(
      [
        `database ${result.databaseId} is ready at ${url}, for $${monthlyUsd.toFixed(2)} a month`,
        'put this into your configuration:',
        '',
        'redis:',
        `  url: ${url}`,
        ...(files.passwordFile ? [`  passwordFile: ${files.passwordFile}`] : []),
        ...(files.caFile ? ['  tls:', `    caFile: ${files.caFile}`] : []),
        '',
        'and see what it can do: llm-self-host redis check',
        '',
      ].join('\n'),
    );
  } catch (error) {
    if (signal.aborted) {
      throw new CliError(made ? 'stopped; what was made stays: run this again to go on' : 'stopped; nothing was made', {
        cause: error,
      });
    }
    throw error;
  } finally {
    process.off('SIGINT', onSignal);
  }
}

function keep(
  folder: string,
  { password, certificate }: { readonly password: string | undefined; readonly certificate: string | undefined },
): { readonly passwordFile?: string; readonly caFile?: string } {
  mkdirSync(folder, { recursive: true });
  const passwordFile = join(folder, 'redis-password');
  const caFile = join(folder, 'redis-ca.pem');
  if (password !== undefined) writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (certificate !== undefined) writeFileSync(caFile, certificate);
  return { ...(password !== undefined && { passwordFile }), ...(certificate !== undefined && { caFile }) };
}

async function confirmed(question: string, context: CliContext, signal: AbortSignal): Promise<boolean> {
  if (!context.stdin.isTTY) throw new CliError(`${question} There is no terminal to ask on; add --yes`);
  const lines = createInterface({ input: context.stdin, output: process.stderr });
  // A terminal in this mode sends Ctrl-C to the question, not to the process.
  const stopped = new AbortController();
  lines.once('SIGINT', () => stopped.abort()).once('close', () => stopped.abort());
  try {
    const reply = await lines.question(`${question} [y/N] `, { signal: AbortSignal.any([signal, stopped.signal]) });
    return /^y(es)?$/i.test(reply.trim());
  } catch (error) {
    if (stopped.signal.aborted) return false;
    throw error;
  } finally {
    lines.close();
  }
}

function secret(context: CliContext, variable: string, file: string | undefined, option: string): string {
  const fromFile = file === undefined ? undefined : readSecret(file, option);
  const value = fromFile ?? context.environment[variable];
  if (value === undefined || value === '') {
    throw new CliError(
      `no ${variable}; make a key in the console of Redis Cloud (Access Management, API Keys) and set it, or ${option}`,
    );
  }
  return value;
}

function readSecret(file: string, option: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new CliError(`${option}: cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

const thousands = (count: number): string => count.toLocaleString('en-US');

function sizeBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(MB|GB)$/i.exec(text);
  if (match === null) throw new InvalidArgumentError('expected a size such as 250MB or 5GB');
  return Number(match[1]) * (match[2]!.toUpperCase() === 'GB' ? 1e9 : 1e6);
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number of at least 1');
  return value;
}
