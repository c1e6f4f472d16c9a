import { copyFileSync, chmodSync, existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../../core/clock.ts';
import { formatBytes } from '../../core/format.ts';
import { backUp, checkBackup } from '../backup-folder.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { readRuntime } from '../runtime-file.ts';

interface BackupOptions extends GlobalOptions {
  readonly dataDir?: string;
  readonly config?: string;
}

interface RestoreOptions extends BackupOptions {
  readonly check?: boolean;
}

export function addBackup(program: Command, context: CliContext): void {
  program
    .command('backup')
    .argument('<folder>', 'where to; a new or empty folder')
    .description('Copy stored answers, ledger, keys and what was learned, also while the gateway runs.')
    .option('--data-dir <folder>', 'its data folder (SELFHOST_DATA_DIR)')
    .option('--config <file>', 'its configuration (SELFHOST_CONFIG)')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host backup /backups/2026-11-28', 'a folder with a list of checksums'],
        ['llm-self-host restore --check /backups/2026-11-28', 'whether it is whole'],
      ]),
    )
    .action(async (folder: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<BackupOptions>();
      const dataDir = await dataDirOf(options, context);
      const at = timeOf(systemClock.now());
      const manifest = await backUp(dataDir, folder, {
        version: context.version,
        at,
        onFile: (name) => !options.json && context.err(`copying ${name}\n`),
      });
      if (options.json) return printJson(context, manifest);
      const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
      context.out(`${manifest.files.length} files, ${formatBytes(bytes)}, in ${folder}\n`);
    });
}

export function addRestore(program: Command, context: CliContext): void {
  program
    .command('restore')
    .argument('<folder>', 'a folder that `backup` made')
    .description('Put a backup in place. What is there now is moved aside, not deleted. The gateway must not run.')
    .option('--check', 'only say whether the backup is whole')
    .option('--data-dir <folder>', 'data folder to fill (SELFHOST_DATA_DIR)')
    .option('--config <file>', 'its configuration (SELFHOST_CONFIG)')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host restore /backups/2026-11-28', 'after `llm-self-host down`'],
        ['llm-self-host restore --check /backups/2026-11-28', 'changes nothing'],
      ]),
    )
    .action(async (folder: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<RestoreOptions>();
      const manifest = await checkBackup(folder);
      const about = `${manifest.files.length} files of ${manifest.at}, made by ${manifest.madeBy}`;
      if (options.check) {
        if (options.json) printJson(context, { whole: true, ...manifest });
        else context.out(`whole: ${about}\n`);
        return;
      }
      const dataDir = await dataDirOf(options, context);
      const running = readRuntime(dataDir);
      if (running !== undefined)
        throw new CliError(`a gateway runs on ${dataDir} (pid ${running.pid}); stop it first: llm-self-host down`);
      const aside = putInPlace(
        folder,
        dataDir,
        manifest.files.map(({ name }) => name),
      );
      if (options.json) return printJson(context, { dataDir, aside, ...manifest });
      context.out(`restored ${about}, to ${dataDir}\n${aside === undefined ? '' : `what was there is in ${aside}\n`}`);
    });
}

const timeOf = (at: number): string => new Date(at).toISOString();

/** @returns where the old folder is now; undefined when there was nothing in it */
function putInPlace(from: string, dataDir: string, names: readonly string[]): string | undefined {
  const fresh = `${dataDir}.restoring`;
  if (existsSync(fresh))
    throw new CliError(`${fresh} is there: a restore was interrupted, or another one runs; remove it if none does`);
  mkdirSync(fresh, { recursive: true, mode: 0o700 });
  for (const name of names) {
    copyFileSync(join(from, name), join(fresh, name));
    chmodSync(join(fresh, name), 0o600);
  }
  let aside: string | undefined;
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
    aside = `${dataDir}.before-${timeOf(systemClock.now()).replace(/[:.]/g, '-')}`;
    renameSync(dataDir, aside);
    // Embedder files are in no backup, and are the same whatever is stored.
    const models = join(aside, 'models');
    if (existsSync(models)) renameSync(models, join(fresh, 'models'));
  }
  renameSync(fresh, dataDir);
  return aside;
}

async function dataDirOf(options: BackupOptions, context: CliContext): Promise<string> {
  const { loadConfig } = await import('../../config/load.ts');
  return (await loadConfig(context.environment, options)).dataDir;
}
