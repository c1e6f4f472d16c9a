/** `cache migrate`: from one store to another, while gateways go on. */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { MigrationSource } from '../../cache/migration/migrate.ts';
import type { CacheStore } from '../../cache/cache-store.ts';
import type { Config } from '../../config/schema.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { createProgressBar } from '../progress-bar.ts';
import { examples } from '../examples.ts';

interface MigrateOptions extends GlobalOptions {
  readonly from: string;
  readonly to: string;
  readonly fromPrefix?: string;
  readonly toPrefix?: string;
  readonly reembed?: boolean;
  readonly dryRun?: boolean;
  readonly restart?: boolean;
  readonly config?: string;
  readonly dataDir?: string;
}

/** A server far away, that is being filled. */
const connectDeadlineMs = 15_000;
const callDeadlineMs = { min: 2_000, max: 10_000 };

export function addCacheMigrate(cache: Command, context: CliContext): void {
  cache
    .command('migrate')
    .description(
      'Move stored answers between this machine and Redis, between two Redis, or to another embedder. Gateways may go on; broken off, it goes on where it was.',
    )
    .requiredOption(
      '--from <store>',
      'data folder, or redis:// URL, that has the answers; `embedded` is the data folder',
    )
    .requiredOption('--to <store>', 'data folder or redis:// URL that gets them. A data folder must not be in use')
    .option('--from-prefix <word>', 'first word of the keys there (default: redis.prefix)')
    .option('--to-prefix <word>', 'first word of the keys there (default: redis.prefix)')
    .option('--reembed', 'give answers of another embedder a vector of the configured one')
    .option('--dry-run', 'count what would be moved, and move nothing')
    .option('--restart', 'begin at the beginning, whatever was done before')
    .option('--config <file>', 'configuration file (SELFHOST_CONFIG)')
    .option('--data-dir <folder>', 'data folder (SELFHOST_DATA_DIR)')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host cache migrate --from embedded --to redis://127.0.0.1:6379 --dry-run', 'what would be moved?'],
        ['llm-self-host cache migrate --from embedded --to rediss://db.example:6380', 'then set redis.url and restart'],
        ['llm-self-host cache migrate --from redis://old --to redis://new', 'to another server'],
      ]),
    )
    .action(async (_: unknown, command: Command) => run(command.optsWithGlobals<MigrateOptions>(), context));
}

async function run(options: MigrateOptions, context: CliContext): Promise<void> {
  if (options.from === options.to && options.fromPrefix === options.toPrefix && !options.reembed) {
    throw new CliError('--from and --to are the same store; nothing would move');
  }
  const [{ loadConfig }, { migrate }, { openJournal }, { systemClock }] = await Promise.all([
    import('../../config/load.ts'),
    import('../../cache/migration/migrate.ts'),
    import('../../cache/migration/journal.ts'),
    import('../../core/clock.ts'),
  ]);
  const config = await loadConfig(context.environment, { config: options.config, dataDir: options.dataDir });
  const closers: (() => Promise<void>)[] = [];
  const bar = createProgressBar(context);
  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort(new CliError('stopped; run it again to go on from here'));
  process.once('SIGINT', onSignal);
  try {
    const source = await openSource(options, config, closers);
    const target = await openTarget(options, config, closers);
    const reembed = options.reembed ? await openEmbedder(config, closers) : undefined;
    const what = [options.from, options.fromPrefix, options.to, options.toPrefix, reembed?.id]
      .map((each) => each ?? '')
      .join('\n');
    const id = hash('sha256', what, 'hex').slice(0, 12);
    const journal = openJournal(join(config.dataDir, 'migrations', `${id}.json`), id, {
      restart: options.restart === true,
    });
    if (journal.cursor !== undefined) context.err(`going on after ${journal.counts.read} entries\n`);
    const report = await migrate(
      {
        source,
        target,
        journal,
        clock: systemClock,
        reembed,
        dryRun: options.dryRun === true,
        onProgress: (done, total, step) =>
          bar.show(done, total, `${done} of ${total} entries ${step === 'moving' ? 'read' : 'checked'}`),
      },
      { signal: interrupted.signal },
    );
    bar.end();
    if (options.json) return printJson(context, report);
    const { moved, newer, expired, exactOnly, reembedded, withdrawn } = report;
    const verb = report.dryRun ? 'would be moved' : 'are moved';
    context.out(`${moved} of ${report.read} entries ${verb} from ${source.name} to ${target.name}\n`);
    const notes = [
      [newer, 'are there already'],
      [expired, 'have expired'],
      [exactOnly, 'serve their exact wording only'],
      [reembedded, 'have a vector of the new embedder'],
      [withdrawn, 'were removed at the source meanwhile, and are gone here too'],
    ] as const;
    for (const [count, note] of notes) if (count > 0) context.out(`  ${count} ${note}\n`);
  } finally {
    bar.end();
    process.off('SIGINT', onSignal);
    for (const close of closers.toReversed()) await close();
  }
}

const isRedis = (place: string): boolean => /^rediss?:\/\//.test(place);
const folderOf = (place: string, config: Config): string => (place === 'embedded' ? config.dataDir : place);

async function openSource(
  options: MigrateOptions,
  config: Config,
  closers: (() => Promise<void>)[],
): Promise<MigrationSource> {
  const prefix = options.fromPrefix ?? config.redis.prefix;
  if (!isRedis(options.from)) {
    const { openEmbeddedSource } = await import('../../cache/migration/embedded-source.ts');
    const source = openEmbeddedSource(folderOf(options.from, config));
    closers.push(() => source.close());
    return source;
  }
  const { openRedisSource } = await import('../../cache/migration/redis-source.ts');
  const { connection, store } = await openRedisStore(options.from, prefix, config, closers);
  return openRedisSource(connection, prefix, store);
}

async function openTarget(
  options: MigrateOptions,
  config: Config,
  closers: (() => Promise<void>)[],
): Promise<CacheStore> {
  if (isRedis(options.to))
    return (await openRedisStore(options.to, options.toPrefix ?? config.redis.prefix, config, closers)).store;
  const [{ createEmbeddedStore }, { systemClock }, { systemRandom }, { silentLogger }] = await Promise.all([
    import('../../cache/cache-store/embedded.ts'),
    import('../../core/clock.ts'),
    import('../../core/random.ts'),
    import('../../telemetry/logger.ts'),
  ]);
  const store = await createEmbeddedStore({
    dataDir: folderOf(options.to, config),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    options: { entriesMax: config.cache.entriesMax, bytesMax: config.cache.bytesMax },
  });
  if (store.name !== 'embedded') throw new CliError(`nothing can be written to ${folderOf(options.to, config)}`);
  closers.push(() => store.close());
  await store.ready();
  return store;
}

async function openRedisStore(url: string, prefix: string, config: Config, closers: (() => Promise<void>)[]) {
  const [{ createRedisConnection }, { createRedisLogStore }, { systemClock }, { systemRandom }, { silentLogger }] =
    await Promise.all([
      import('../../redis/connect.ts'),
      import('../../cache/cache-store/redis-log.ts'),
      import('../../core/clock.ts'),
      import('../../core/random.ts'),
      import('../../telemetry/logger.ts'),
    ]);
  const base = { clock: systemClock, random: systemRandom, logger: silentLogger };
  const own = url === config.redis.url ? config.redis : undefined;
  const connection = createRedisConnection(
    {
      url,
      username: own?.username,
      passwordFile: own?.passwordFile,
      tls: config.redis.tls,
      sentinel: own?.sentinel,
      deadlineMinMs: callDeadlineMs.min,
      deadlineMaxMs: callDeadlineMs.max,
    },
    base,
  );
  closers.push(() => connection.close());
  await connection.ready(connectDeadlineMs);
  const store = createRedisLogStore({
    ...base,
    redis: connection,
    prefix,
    journalPath: undefined,
    why: 'migration',
    options: { entriesMax: config.cache.entriesMax, bytesMax: config.cache.bytesMax },
  });
  closers.push(() => store.close());
  await store.ready();
  return { connection, store };
}

async function openEmbedder(config: Config, closers: (() => Promise<void>)[]) {
  const [{ chooseEmbedding }, { systemClock }, { systemRandom }, { silentLogger }] = await Promise.all([
    import('../../cache/embedding-model/select.ts'),
    import('../../core/clock.ts'),
    import('../../core/random.ts'),
    import('../../telemetry/logger.ts'),
  ]);
  const { embedding } = await chooseEmbedding(
    {
      ...config.embedding,
      folder: config.embedding.folder ?? join(config.dataDir, 'models', 'all-MiniLM-L6-v2'),
      bearers: config.bearers,
    },
    { clock: systemClock, random: systemRandom, logger: silentLogger },
  );
  closers.push(() => embedding.close());
  return embedding;
}
