import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { LoginLinkReply, StatusReport } from '../../admin/admin-types.ts';
import type { Config } from '../../config/schema.ts';
import { adminTarget, getJson } from '../client.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { isAlive, readRuntime, type RuntimeFacts } from '../runtime-file.ts';
import { installUnit, unitText } from '../systemd.ts';

interface UpOptions extends GlobalOptions {
  readonly port?: string;
  readonly adminPort?: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly systemd?: boolean;
  readonly print?: boolean;
}

/** A first start may re-embed or download; without a sign of life for this long it has failed. */
const startMaxMs = 60_000;
const pollMs = 50;
const logTailChars = 2_000;

export function addUp(program: Command, context: CliContext): void {
  program
    .command('up')
    .description('Start the gateway in the background, wait until it is healthy, and print where it is.')
    .option('--port <port>', 'gateway port, as of `serve`')
    .option('--admin-port <port>', 'operator port, as of `serve`')
    .option('--data-dir <folder>', 'where answers are kept, as of `serve`')
    .option('--config <file>', 'YAML file of options, as of `serve`')
    .option('--systemd', 'run it as a systemd service of this user (of the machine, for root) that starts with it')
    .option('--print', 'with --systemd: print the unit and do nothing')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host up', 'in the background; `llm-self-host down` stops it'],
        ['llm-self-host up --config gateway.yaml', 'with options'],
        ['llm-self-host up --systemd', 'also after a restart of the machine'],
        ['llm-self-host up --systemd --print > llm-self-host.service', 'the unit, for your own hands'],
      ]),
    )
    .action(async (_: unknown, command: Command) => up(command.optsWithGlobals<UpOptions>(), context));
}

async function up(options: UpOptions, context: CliContext): Promise<void> {
  const { loadConfig } = await import('../../config/load.ts');
  const words = serveWords(options);
  if (options.print) return context.out(unitText(words));
  // Said here, where a person reads it, and not in a log.
  const config = await loadConfig(context.environment, options);
  const running = readRuntime(config.dataDir);
  if (running !== undefined) {
    if (options.json) return printJson(context, running);
    context.out(`it runs already (pid ${running.pid}, since ${running.startedAt})\n${places(running)}`);
    return;
  }
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const logFile = join(config.dataDir, 'gateway.log');
  const log = [...words, '--log-file', logFile];
  const facts = options.systemd
    ? await startUnit(config.dataDir, log, context)
    : await startProcess(config.dataDir, log, context);
  if (options.json) return printJson(context, facts);
  const target = { ...adminTarget(context, { adminUrl: facts.adminUrl }), bearer: operatorKey(config, context) };
  const { thinkers } = await getJson<StatusReport>(target, { path: '/api/status' });
  const login =
    config.adminKeySha256 === undefined
      ? undefined
      : await getJson<LoginLinkReply>(target, { method: 'POST', path: '/api/session/link' });
  const from = thinkers.map(({ name, kind, state }) => `${name} (${kind === 'simulated' ? 'simulated' : state})`);
  context.out(
    `answers come from ${from.join(', ') || 'nowhere yet'}; log in ${logFile}\n` +
      `it runs in the background (pid ${facts.pid}); \`llm-self-host down\` stops it\n${places(facts, login)}`,
  );
}

/** Last of all, where the eye ends. */
const places = ({ gatewayUrl, adminUrl }: RuntimeFacts, login?: LoginLinkReply): string =>
  `operator  ${adminUrl}\n${login === undefined ? '' : `log in    ${adminUrl}${login.path}  (once, within an hour)\n`}gateway   ${gatewayUrl}\n`;

/** As the gateway that was started got it. */
function operatorKey({ admin }: Config, { environment }: CliContext): string | undefined {
  const key = environment['SELFHOST_ADMIN_KEY'];
  return key ?? (admin.keyFile === undefined ? undefined : readFileSync(admin.keyFile, 'utf8').trim());
}

function serveWords({ port, adminPort, dataDir, config }: UpOptions): string[] {
  return [
    'serve',
    ...(port === undefined ? [] : ['--port', port]),
    ...(adminPort === undefined ? [] : ['--admin-port', adminPort]),
    ...(dataDir === undefined ? [] : ['--data-dir', dataDir]),
    ...(config === undefined ? [] : ['--config', config]),
  ];
}

async function startProcess(dataDir: string, words: readonly string[], context: CliContext): Promise<RuntimeFacts> {
  // What it says before its log begins, a refused configuration say, is told when it ends too early.
  const sayings = join(dataDir, 'gateway.start');
  const fd = openSync(sayings, 'w', 0o600);
  const child = spawn(process.execPath, [process.argv[1]!, ...words], {
    detached: true,
    stdio: ['ignore', fd, fd],
    env: context.environment,
  });
  closeSync(fd);
  const { pid } = child;
  if (pid === undefined) throw new CliError(`cannot start ${process.execPath}`);
  child.unref();
  return healthy(
    dataDir,
    (facts) => facts.pid === pid,
    () => isAlive(pid) && child.exitCode === null,
    () => `the gateway ended at once:\n${tail(sayings)}`,
  );
}

async function startUnit(dataDir: string, words: readonly string[], context: CliContext): Promise<RuntimeFacts> {
  const { status } = installUnit(words, context);
  return healthy(
    dataDir,
    () => true,
    () => true,
    () => `the service did not become healthy; \`${status}\` says why`,
  );
}

async function healthy(
  dataDir: string,
  isIt: (facts: RuntimeFacts) => boolean,
  goesOn: () => boolean,
  failure: () => string,
): Promise<RuntimeFacts> {
  const endMs = performance.now() + startMaxMs;
  while (goesOn() && performance.now() < endMs) {
    const facts = readRuntime(dataDir);
    if (facts !== undefined && isIt(facts) && (await answers(facts.adminUrl))) return facts;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new CliError(failure());
}

async function answers(adminUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${adminUrl}/healthz`)).ok;
  } catch {
    // Not yet.
    return false;
  }
}

const tail = (path: string): string =>
  existsSync(path)
    ? readFileSync(path, 'utf8').trim().slice(-logTailChars) || '(it said nothing)'
    : '(it said nothing)';
