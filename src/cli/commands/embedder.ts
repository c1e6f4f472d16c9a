import { join } from 'node:path';
import type { Command } from 'commander';
import { formatBytes, formatMs } from '../../core/format.ts';
import { CliError, printJson, type CliContext } from '../context.ts';
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

/** Lowest cosine with the vectors of the original model: int8 weights differ by rounding, fp32 ones hardly. */
const referenceCosineMin = { int8: 0.97, fp32: 0.999, unknown: 0.97 } as const;

async function checkFolder(options: CheckOptions, context: CliContext): Promise<void> {
  const { folder } = await settings(options, context);
  const [{ createMiniLmEmbedding }, { measureMeaning }, { systemClock }, { silentLogger }] = await Promise.all([
    import('../../cache/embedding-model/minilm.ts'),
    import('../../cache/embedding-model/minilm/check.ts'),
    import('../../core/clock.ts'),
    import('../../telemetry/logger.ts'),
  ]);
  const reference = options.reference === undefined ? undefined : await readReference(options.reference);
  // The published hashes are required: weights nobody vouches for would give wrong hits.
  const embedding = await createMiniLmEmbedding({
    folder,
    clock: systemClock,
    logger: silentLogger,
    meaningCheck: 'skip',
  });
  try {
    const { facts } = embedding;
    const meaning = await measureMeaning(embedding);
    const compared = reference && (await compare(embedding, reference));
    const passed = meaning.passed && (!compared || compared.cosineMin >= referenceCosineMin[facts.precision]);
    if (options.json) printJson(context, { passed, folder, facts, meaning, reference: compared ?? null });
    else {
      context.out(
        [
          `files      ${facts.modelFile} (${facts.precision}, ${formatBytes(facts.modelBytes)}), sha256 as published`,
          `space      ${embedding.id}, ${embedding.dimensions} dimensions, loaded in ${formatMs(facts.loadMs)}`,
          `norm       within ${meaning.normError.toExponential(1)} of 1`,
          `meaning    paraphrases ${cosines(meaning.paraphrases)}; unrelated ${cosines(meaning.unrelated)}; ${verdict(meaning.passed)}`,
          ...(compared
            ? [
                `reference  ${compared.texts} texts, ${compared.skipped} too long; cosine at least ${compared.cosineMin.toFixed(4)}, mean ${compared.cosineMean.toFixed(4)} (${referenceCosineMin[facts.precision]} expected)`,
              ]
            : []),
          passed ? 'passed' : 'FAILED: fetch the files again with `llm-self-host embedder fetch`',
          '',
        ].join('\n'),
      );
    }
    if (!passed) context.setExitCode(1);
  } finally {
    await embedding.close();
  }
}

const cosines = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join(' ');
const verdict = (passed: boolean): string => (passed ? 'told apart' : 'NOT told apart');

interface ReferenceRow {
  readonly text: string;
  readonly embedding: readonly number[];
}

async function readReference(path: string): Promise<readonly ReferenceRow[]> {
  const { readFile } = await import('node:fs/promises');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new CliError(`--reference: cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  const rows = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => referenceRow(line, `${path} line ${index + 1}`));
  if (rows.length === 0) throw new CliError(`--reference: ${path} is empty; expected lines of {"text", "embedding"}`);
  return rows;
}

function referenceRow(line: string, where: string): ReferenceRow {
  try {
    const { text, embedding } = JSON.parse(line) as Partial<ReferenceRow>;
    if (typeof text === 'string' && Array.isArray(embedding)) return { text, embedding };
  } catch {
    // Said below, with what was expected.
  }
  throw new CliError(`--reference: ${where} is not {"text": "…", "embedding": [numbers]}`);
}

interface Comparison {
  readonly texts: number;
  readonly skipped: number;
  readonly cosineMin: number;
  readonly cosineMean: number;
}

interface Embedder {
  fits(text: string): boolean;
  embed(texts: readonly string[], options: { readonly signal: AbortSignal }): Promise<readonly Float32Array[]>;
}

async function compare(embedding: Embedder, rows: readonly ReferenceRow[]): Promise<Comparison> {
  const short = rows.filter(({ text }) => embedding.fits(text));
  if (short.length === 0) throw new CliError('--reference: every text is longer than the window of the model');
  const { signal } = new AbortController();
  const found: number[] = [];
  for (const { text, embedding: wanted } of short) {
    const [vector] = await embedding.embed([text], { signal });
    if (vector!.length !== wanted.length) {
      throw new CliError(`--reference: vectors of ${wanted.length} dimensions, the model gives ${vector!.length}`);
    }
    const norm = Math.hypot(...wanted) || 1;
    found.push(vector!.reduce((sum, value, i) => sum + (value * wanted[i]!) / norm, 0));
  }
  return {
    texts: short.length,
    skipped: rows.length - short.length,
    cosineMin: Math.min(...found),
    cosineMean: found.reduce((sum, value) => sum + value, 0) / found.length,
  };
}
