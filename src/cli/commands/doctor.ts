import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { CheckResult, CheckStatus, DoctorReport } from '../../doctor/check.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { readRuntime } from '../runtime-file.ts';

interface DoctorOptions extends GlobalOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly port?: string;
  readonly adminPort?: string;
  readonly fix?: boolean;
  readonly bundle?: string;
}

/** A download of the embedder or a slow market, mending included. */
const checkMaxMs = 60_000;
const exitCodes: Readonly<Record<CheckStatus, number>> = { ok: 0, skipped: 0, warn: 1, fail: 2 };
const marks: Readonly<Record<CheckStatus, string>> = {
  ok: '✓ ok  ',
  warn: '! warn',
  fail: '✗ FAIL',
  skipped: '– skip',
};

export function addDoctor(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description(
      'Look for what is wrong: machine, stores, embedder, market and what it bills, thinkers, a question asked twice, alerts, secrets. Exit code 0: well; 1: warnings; 2: failures.',
    )
    .option('--config <file>', 'configuration, as of `serve`')
    .option('--data-dir <folder>', 'data folder, as of `serve`')
    .option('--port <port>', 'gateway port, as of `serve`')
    .option('--admin-port <port>', 'operator port, as of `serve`')
    .option(
      '--fix',
      'mend what a program can mend: modes of files, machines that bill for nothing, files of the embedder',
    )
    .option('--bundle <file>', 'also write a report for others to read: findings, settings, last log lines, no secrets')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host doctor', 'before anything else, when something is odd'],
        ['llm-self-host doctor --fix', 'and mend it'],
        ['llm-self-host doctor --json | jq -r ".checks[] | select(.status == \\"fail\\") | .fix"', 'for a script'],
        ['llm-self-host doctor --bundle doctor.json', 'to attach to a question'],
      ]),
    )
    .action(async (_: unknown, command: Command) => doctor(command.optsWithGlobals<DoctorOptions>(), context));
}

async function doctor(options: DoctorOptions, context: CliContext): Promise<void> {
  const [
    { loadConfig },
    { createChecks },
    { runChecks },
    { systemClock },
    { systemRandom },
    { silentLogger },
    { createSettings, withoutSecrets },
    { createRunTimeSettings },
  ] = await Promise.all([
    import('../../config/load.ts'),
    import('../../compose/doctor.ts'),
    import('../../doctor/run-checks.ts'),
    import('../../core/clock.ts'),
    import('../../core/random.ts'),
    import('../../telemetry/logger.ts'),
    import('../../compose/settings.ts'),
    import('../../compose/run-time-settings.ts'),
  ]);
  const { environment, version } = context;
  const config = await loadConfig(environment, options).catch((error: unknown) => {
    throw new CliError(`the configuration is refused, so nothing can be looked at yet: ${(error as Error).message}`, {
      cause: error,
    });
  });
  const running = readRuntime(config.dataDir);
  const checks = createChecks(config, {
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    version,
    running: () => running,
    apiKey: environment['SELFHOST_API_KEY'] || undefined,
    adminKey: environment['SELFHOST_ADMIN_KEY'] || undefined,
  });
  const report = await runChecks(checks, {
    clock: systemClock,
    version,
    fix: options.fix ?? false,
    deadlineMs: checkMaxMs,
    onResult: ({ id, title, status }) => context.errIsTerminal && context.err(`${id} ${title}: ${status}\n`),
  });
  if (options.bundle !== undefined)
    writeFileSync(
      options.bundle,
      `${JSON.stringify({ report, settings: createSettings(config, createRunTimeSettings(config, { clock: systemClock, logger: silentLogger }))(), log: lastLines(config.dataDir, withoutSecrets) }, null, 2)}\n`,
      { mode: 0o600 },
    );
  if (options.json) printJson(context, report);
  else context.out(render(report));
  context.setExitCode(exitCodes[report.worst]);
}

function render({ checks, worst }: DoctorReport): string {
  const lines = checks.flatMap((check) => linesOf(check));
  const fixable = checks.some(({ status, mendable, mended }) => mendable && mended === undefined && status !== 'ok');
  const bad = checks.filter(({ status }) => status === 'fail').length;
  const odd = checks.filter(({ status }) => status === 'warn').length;
  const verdict = {
    ok: 'all is well',
    skipped: 'nothing to look at',
    warn: `${odd} to look after`,
    fail: `${bad} failed, ${odd} to look after`,
  };
  return `${lines.join('\n')}\n\n${verdict[worst]}${fixable ? '; `llm-self-host doctor --fix` mends some of it' : ''}\n`;
}

const linesOf = ({ id, title, status, evidence, fix, mended, anchor }: CheckResult): string[] => [
  `${marks[status]}  ${id} ${title}: ${evidence}`,
  ...(mended === undefined ? [] : [`          done: ${mended}`]),
  ...(fix === undefined ? [] : [`          ${status === 'ok' ? 'better' : 'do'}: ${fix}`]),
  ...(status === 'fail' || status === 'warn' ? [`          see ${anchor}`] : []),
];

const logLinesMax = 200;

/** Lines of the log name no secret; what looks like one is taken out all the same. */
function lastLines(dataDir: string, withoutSecrets: (text: string) => string): string[] {
  const path = join(dataDir, 'gateway.log');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-logLinesMax)
    .map((line) => withoutSecrets(line).replace(/\b(shk_|sk-|Bearer )[\w-]{8,}/g, '$1[redacted]'));
}
