import { join } from 'node:path';
import type { Command } from 'commander';
import { formatBytes } from '../../core/format.ts';
import { CliError, printJson, type CliContext } from '../context.ts';
import { formatTable } from '../format.ts';
import { createProgressBar } from '../progress-bar.ts';
import { examples } from '../examples.ts';

interface FolderOptions {
  readonly folder?: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly json?: boolean;
}

interface FetchOptions extends FolderOptions {
  readonly mirror?: string;
}

interface CheckOptions extends FolderOptions {
  readonly reference?: string;
}

export function addEmbedder(program: Command, context: CliContext): void {
  const embedder = program
    .command('embedder')
    .description('The model that tells whether two questions mean the same. These commands need no running gateway.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host embedder fetch', 'download all-MiniLM-L6-v2 once (23 MB)'],
        ['llm-self-host embedder check', 'is it whole, and does it know English?'],
      ]),
    );
  withFolder(
    embedder
      .command('fetch')
      .description('Download all-MiniLM-L6-v2, check its sha256, and keep it. A broken download is resumed.')
      .option('--mirror <url>', 'folder of the files on another server (default: embedding.downloadUrl, else the hub)'),
  )
    .addHelpText(
      'after',
      examples([
        ['llm-self-host embedder fetch', 'from the hub'],
        ['llm-self-host embedder fetch --mirror https://files.example/minilm/', 'from a server of yours'],
      ]),
    )
    .action(async (_: unknown, command: Command) => fetchFiles(command.optsWithGlobals<FetchOptions>(), context));
  withFolder(
    embedder
      .command('check')
      .description('Load the MiniLM files and check them: sha256, dimensions, norm, and meaning.')
      .option('--reference <file>', 'JSON lines of {text, embedding} made by the original model, to compare with'),
  )
    .addHelpText(
      'after',
      examples([
        ['llm-self-host embedder check', 'hashes and our own sentence pairs'],
        ['llm-self-host embedder check --reference vectors.jsonl', 'and the vectors of the original'],
      ]),
    )
    .action(async (_: unknown, command: Command) => checkFolder(command.optsWithGlobals<CheckOptions>(), context));
}

const withFolder = (command: Command): Command =>
  command
    .option('--folder <folder>', 'where the files are (default: embedding.folder, else models/ in the data folder)')
    .option('--data-dir <folder>', 'data folder (SELFHOST_DATA_DIR)')
    .option('--config <file>', 'configuration file (SELFHOST_CONFIG)');

async function settings(options: FolderOptions, context: CliContext) {
  const { loadConfig } = await import('../../config/load.ts');
  const { dataDir, embedding } = await loadConfig(context.environment, {
    config: options.config,
    dataDir: options.dataDir,
  });
  return {
    folder: options.folder ?? embedding.folder ?? join(dataDir, 'models', 'all-MiniLM-L6-v2'),
    downloadUrl: embedding.downloadUrl,
  };
}

async function fetchFiles(options: FetchOptions, context: CliContext): Promise<void> {
  const { folder, downloadUrl } = await settings(options, context);
  const baseUrl = options.mirror ?? downloadUrl;
  const [{ fetchMiniLm }, { systemClock }, { systemRandom }] = await Promise.all([
    import('../../cache/embedding-model/minilm/fetch.ts'),
    import('../../core/clock.ts'),
    import('../../core/random.ts'),
  ]);
  const bar = createProgressBar(context);
  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort(new CliError('stopped; the next `embedder fetch` goes on from here'));
  process.once('SIGINT', onSignal);
  try {
    const result = await fetchMiniLm({
      folder,
      clock: systemClock,
      random: systemRandom,
      signal: interrupted.signal,
      ...(baseUrl !== undefined && { baseUrl }),
      onProgress: ({ file, bytes, bytesTotal }) =>
        bar.show(bytes, bytesTotal, `${formatBytes(bytes)} of ${formatBytes(bytesTotal)}, ${file}`),
    });
    bar.end();
    if (options.json) return printJson(context, { folder, ...result });
    const what =
      result.fetched.length === 0 ? 'already there and whole' : `fetched (${formatBytes(result.receivedBytes)})`;
    context.out(`all-MiniLM-L6-v2 is ${what} in ${folder}\na gateway uses it from its next start\n`);
  } finally {
    bar.end();
    process.off('SIGINT', onSignal);
  }
}

async function checkFolder(options: CheckOptions, context: CliContext): Promise<void> {
  const { folder } = await settings(options, context);
  const [{ checkMiniLm }, { systemClock }, { silentLogger }] = await Promise.all([
    import('../../cache/embedding-model/minilm/check-folder.ts'),
    import('../../core/clock.ts'),
    import('../../telemetry/logger.ts'),
  ]);
  const bar = createProgressBar(context);
  const report = await checkMiniLm({
    folder,
    clock: systemClock,
    logger: silentLogger,
    ...(options.reference !== undefined && { referenceFile: options.reference }),
    onProgress: (done, total) => bar.show(done, total, `${done} of ${total} texts compared`),
  }).finally(() => bar.end());
  if (options.json) printJson(context, report);
  else {
    const verdict = report.passed
      ? `passed: ${report.id}`
      : 'FAILED: fetch the files again with `llm-self-host embedder fetch`';
    const rows = report.checks.map(({ name, passed, detail }) => [name, passed ? 'ok' : 'FAILED', detail]);
    context.out(`${folder}\n${formatTable(['CHECK', 'RESULT', 'FOUND'], rows, 200)}${verdict}\n`);
  }
  if (!report.passed) context.setExitCode(1);
}
