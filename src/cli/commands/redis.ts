import type { Command } from 'commander';
import { formatBytes } from '../../core/format.ts';
import type { CheckReport } from '../../redis/check.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { formatTable } from '../format.ts';
import { addRedisProvision } from './redis-provision.ts';

interface CheckOptions extends GlobalOptions {
  readonly config?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly servername?: string;
  readonly sentinel?: string;
  readonly entries?: string;
}

export function addRedis(program: Command, context: CliContext): void {
  const redis = program
    .command('redis')
    .description('The store that gateways share. These commands need no running gateway.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host redis check redis://127.0.0.1:6379', 'what can this server do?'],
        ['llm-self-host redis provision --dry-run --size 1GB', 'what would one at Redis Cloud cost?'],
      ]),
    );
  redis
    .command('check')
    .argument('[url]', 'redis:// or rediss:// URL (default: redis.url of the configuration, or SELFHOST_REDIS_URL)')
    .description('What a server can do, what is missing, what it will cost in memory, and which backend `auto` takes.')
    .option('--config <file>', 'configuration file (SELFHOST_CONFIG)')
    .option('--username <name>', 'ACL user')
    .option('--password-file <file>', 'file with the password')
    .option('--ca-file <file>', 'PEM bundle to trust')
    .option('--servername <name>', 'name in the certificate, where it is not the host')
    .option('--sentinel <name>', 'the hosts are sentinels of the master group of this name')
    .option('--entries <n>', 'answers you want to keep (default: cache.entriesMax)')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host redis check rediss://db.example:6380 --password-file redis-password', 'a database with TLS'],
        ['llm-self-host redis check --json | jq .choice', 'which backend, and why'],
      ]),
    )
    .action(async (url: string | undefined, _: unknown, command: Command) =>
      check(url, command.optsWithGlobals<CheckOptions>(), context),
    );
  addRedisProvision(redis, context);
}

async function check(url: string | undefined, options: CheckOptions, context: CliContext): Promise<void> {
  const [{ loadConfig }, { checkServer }, { systemClock }, { systemRandom }, { silentLogger }] = await Promise.all([
    import('../../config/load.ts'),
    import('../../redis/check-server.ts'),
    import('../../core/clock.ts'),
    import('../../core/random.ts'),
    import('../../telemetry/logger.ts'),
  ]);
  const config = await loadConfig(context.environment, { config: options.config });
  const target = url ?? config.redis.url;
  if (target === undefined)
    throw new CliError('no Redis is configured; give a URL, or set redis.url or SELFHOST_REDIS_URL');
  const entriesMax = options.entries === undefined ? config.cache.entriesMax : Number(options.entries);
  if (!(Number.isInteger(entriesMax) && entriesMax > 0))
    throw new CliError(`--entries is ${options.entries}; expected a whole number`);
  const own = url === undefined ? config.redis : undefined;
  const report = await checkServer(
    {
      url: target,
      username: options.username ?? own?.username,
      passwordFile: options.passwordFile ?? own?.passwordFile,
      tls: {
        ...own?.tls,
        ...(options.caFile && { caFile: options.caFile }),
        ...(options.servername && { servername: options.servername }),
      },
      sentinel: options.sentinel === undefined ? own?.sentinel : { name: options.sentinel },
    },
    { clock: systemClock, random: systemRandom, logger: silentLogger },
    { prefix: config.redis.prefix, wish: { wanted: config.redis.backend, entriesMax } },
  );
  if (options.json) printJson(context, report);
  else context.out(render(report));
  if (report.choice.backend === undefined) context.setExitCode(1);
}

function render(report: CheckReport): string {
  const signs = { ok: 'ok', warning: 'WARNING', problem: 'PROBLEM' } as const;
  const { per10kEntriesBytes: per10k, entriesThatFit } = report.memory;
  const rows = report.findings.map(({ level, what, found }) => [what, signs[level], found]);
  const remedies = report.findings.flatMap(({ what, remedy }) =>
    remedy === undefined ? [] : [`  ${what}: ${remedy}`],
  );
  const backends = Object.entries(report.backends).map(
    ([name, missing]) =>
      `  ${name.padEnd(5)}${missing.length === 0 ? 'can run' : `lacks ${missing.join(', ').toUpperCase()}`}`,
  );
  return [
    `${report.address}: ${report.engine} ${report.version ?? ''}`,
    formatTable(['WHAT', 'RESULT', 'FOUND'], rows, 160).trimEnd(),
    '',
    'backends',
    ...backends,
    '',
    'memory for 10,000 answers of 800 bytes',
    `  log  ${formatBytes(per10k.log)}   ft   ${formatBytes(per10k.ft)}   vset ${formatBytes(per10k.vset)}`,
    ...(entriesThatFit === undefined
      ? []
      : [`  what is free here holds about ${entriesThatFit.toLocaleString('en-US')} entries`]),
    ...(remedies.length === 0 ? [] : ['', 'what to do', ...remedies]),
    '',
  ].join('\n');
}
