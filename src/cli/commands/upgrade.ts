import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { systemClock } from '../../core/clock.ts';
import { backUp } from '../backup-folder.ts';
import { commandName } from '../command-name.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { installationOf, isNewer, stepsFor, type Installation } from '../installation.ts';
import { readRuntime } from '../runtime-file.ts';

interface UpgradeOptions extends GlobalOptions {
  readonly check?: boolean;
  readonly yes?: boolean;
  readonly dataDir?: string;
  readonly config?: string;
}

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
/** A registry that does not answer must not hold a script for npm's own ten minutes. */
const lookMaxMs = 60_000;

export function addUpgrade(program: Command, context: CliContext): void {
  program
    .command('upgrade')
    .description(
      'Is there a newer version, and how does it come here? With --yes: backs the data folder up, then installs it where npm can.',
    )
    .option('--check', 'only say whether there is one')
    .option('--yes', 'do it')
    .option('--data-dir <folder>', 'data folder to back up (SELFHOST_DATA_DIR)')
    .option('--config <file>', 'its configuration (SELFHOST_CONFIG)')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host upgrade', 'what there is, and what would be done'],
        ['llm-self-host upgrade --check --json | jq .isNewer', 'for a script'],
        ['llm-self-host upgrade --yes', 'back up, then upgrade'],
      ]),
    )
    .action(async (_: unknown, command: Command) => upgrade(command.optsWithGlobals<UpgradeOptions>(), context));
}

const ownInstallation = (): Installation =>
  installationOf({
    root,
    hasGit: existsSync(`${root}/.git`),
    isContainer: ['/.dockerenv', '/run/.containerenv'].some((path) => existsSync(path)),
  });

export async function upgrade(
  options: UpgradeOptions,
  context: CliContext,
  installation: Installation = ownInstallation(),
): Promise<void> {
  const newest = await newestVersion(context);
  const current = context.version;
  const { how, commands, npm } = stepsFor(installation, newest);
  const isNew = isNewer(newest, current);
  const facts = { current, newest, isNewer: isNew, installation, commands };
  if (!isNew || options.check || !options.yes) {
    if (options.json) return printJson(context, facts);
    if (!isNew) return context.out(`${current} is the newest version (the registry has ${newest})\n`);
    context.out(`${newest} is out; this is ${current}, installed by ${how}\n`);
    if (!options.check)
      context.out(
        `nothing was done. \`${commandName()} upgrade --yes\` backs up the data folder${npm === undefined ? '; then type' : ' and runs'}:\n${listed(commands)}`,
      );
    return;
  }
  const { loadConfig } = await import('../../config/load.ts');
  const { dataDir } = await loadConfig(context.environment, options);
  const backup = existsSync(dataDir) ? await keep(dataDir, options, context) : undefined;
  const running = readRuntime(dataDir);
  if (npm !== undefined) await runNpm(npm, context, 'show');
  if (options.json) return printJson(context, { ...facts, backup, installed: npm !== undefined });
  context.out(
    npm === undefined
      ? `installed by ${how}, which npm does not touch; type:\n${listed(commands)}`
      : `${newest} is installed\n`,
  );
  if (running !== undefined)
    context.out(`the gateway (pid ${running.pid}) is still ${running.version}; restart it: \`down\`, then \`up\`\n`);
}

const listed = (commands: readonly string[]): string => commands.map((each) => `  ${each}\n`).join('');

async function keep(dataDir: string, options: UpgradeOptions, context: CliContext): Promise<string> {
  const at = new Date(systemClock.now()).toISOString();
  const folder = `${dataDir}.backup-${at.replace(/[:.]/g, '-')}`;
  await backUp(dataDir, folder, { version: context.version, at, onFile: () => {} });
  if (!options.json) context.out(`backed up to ${folder}; \`${commandName()} restore ${folder}\` brings it back\n`);
  return folder;
}

/** By npm itself: it knows which registry this computer uses, and how to reach it. */
async function newestVersion(context: CliContext): Promise<string> {
  const said = await runNpm(['view', 'llm-self-host', 'version', '--json'], context, 'keep');
  let version: unknown;
  try {
    version = JSON.parse(said) as unknown;
  } catch {
    version = undefined;
  }
  if (typeof version !== 'string' || !/^\d+\.\d+\.\d+/.test(version))
    throw new CliError(`npm did not say a version of llm-self-host, but \`${said.trim().slice(0, 200)}\``);
  return version;
}

async function runNpm(words: readonly string[], context: CliContext, output: 'keep' | 'show'): Promise<string> {
  const child = spawn('npm', [...words, '--no-update-notifier', '--no-fund'], {
    env: { ...context.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(output === 'keep' && { timeout: lookMaxMs }),
    shell: process.platform === 'win32',
  });
  const code = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve).once('error', (error) => {
      reject(new CliError(`cannot run npm: ${error.message}`, { cause: error }));
    });
  });
  const [out, err, exit] = await Promise.all([readAll(child.stdout), readAll(child.stderr), code]);
  if (output === 'show') context.err(out + err);
  if (exit === 0) return out;
  const why = /npm (?:error|ERR!) (?!code|errno|network )(.+)/.exec(err)?.[1] ?? err.trim().slice(-300);
  throw new CliError(
    err.includes('E404')
      ? 'the registry of npm knows no llm-self-host; is `npm config get registry` the one you mean?'
      : `\`npm ${words.join(' ')}\` failed: ${why || `exit code ${exit}`}`,
  );
}
