/**
 * Moves stored answers from one store to another while gateways go on: a bounded batch at a time, from a cursor that
 * outlives the process. Entries keep their ids and keys, so that doing a part twice changes nothing.
 */
import type { CallOptions } from '../../core/chat.ts';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { EntryId, ExactKey } from '../../core/ids.ts';
import type { CacheEntry, CacheStore } from '../cache-store.ts';
import type { EmbeddingModel } from '../embedding-model.ts';

/** Where entries are read from: by a cursor, without being in the way of whoever writes there. */
export interface MigrationSource {
  readonly name: string;
  /** About how many there are. */
  count(): Promise<number>;
  /** @param after a cursor from before, also of another process; undefined begins at the beginning */
  batches(
    after: string | undefined,
  ): AsyncIterable<{ readonly cursor: string; readonly entries: readonly CacheEntry[] }>;
  /** Which of these are still there. */
  has(entries: readonly MovedEntry[]): Promise<readonly boolean[]>;
  getMeta(key: string): Promise<string | undefined>;
  close(): Promise<void>;
}

export interface MovedEntry {
  readonly id: EntryId;
  readonly key: ExactKey;
}

/** What outlives the process: where it was, and what it has moved. */
export interface MigrationJournal {
  readonly cursor: string | undefined;
  moved(): AsyncIterable<readonly MovedEntry[]>;
  /** On disk when it resolves. */
  advance(cursor: string, moved: readonly MovedEntry[], counts: MigrationCounts): Promise<void>;
  /** What was counted before. */
  readonly counts: MigrationCounts;
  /** It is done; nothing is left behind. */
  finish(): Promise<void>;
}

export interface MigrationCounts {
  readonly read: number;
  readonly moved: number;
  /** The target has an answer to the same question that is as new. */
  readonly newer: number;
  readonly expired: number;
  /** Moved for their exact wording alone. */
  readonly exactOnly: number;
  readonly reembedded: number;
}

export const noCounts: MigrationCounts = { read: 0, moved: 0, newer: 0, expired: 0, exactOnly: 0, reembedded: 0 };

export interface MigrationReport extends MigrationCounts {
  /** Moved, and removed at the source meanwhile: removed again. */
  readonly withdrawn: number;
  readonly dryRun: boolean;
}

export interface MigrationDeps {
  readonly source: MigrationSource;
  readonly target: CacheStore;
  readonly journal: MigrationJournal;
  readonly clock: Clock;
  /** Entries of another embedder get a vector of this one; undefined leaves vectors as they are. */
  readonly reembed: EmbeddingModel | undefined;
  readonly dryRun: boolean;
  readonly onProgress: (done: number, total: number, step: 'moving' | 'checking') => void;
}

export const secretKey = 'cache.scope-secret';
export const epochKey = 'cache.epoch';
/** Puts under way at a time. */
const putsAtOnce = 64;

/** @throws cache_unavailable when a store fails: what is done stays done, and it can be run again | config_invalid */
export async function migrate(deps: MigrationDeps, { signal }: CallOptions): Promise<MigrationReport> {
  const { source, target, journal, clock, dryRun } = deps;
  const walls = await sameWalls(deps);
  const total = await source.count();
  let counts: MigrationCounts = journal.counts;
  const add = (more: Partial<MigrationCounts>): void => {
    counts = Object.fromEntries(
      Object.entries(counts).map(([name, value]) => [name, value + (more[name as keyof MigrationCounts] ?? 0)]),
    ) as unknown as MigrationCounts;
  };
  deps.onProgress(counts.read, total, 'moving');
  for await (const { cursor, entries } of source.batches(journal.cursor)) {
    signal.throwIfAborted();
    add({ read: entries.length });
    const moved: MovedEntry[] = [];
    for (let at = 0; at < entries.length; at += putsAtOnce) {
      const outcomes = await Promise.all((await prepared(entries.slice(at, at + putsAtOnce))).map(move));
      moved.push(...outcomes.flatMap((outcome) => outcome ?? []));
    }
    if (!dryRun) await journal.advance(cursor, moved, counts);
    deps.onProgress(Math.min(counts.read, total), Math.max(counts.read, total), 'moving');
  }
  if (dryRun) return { ...counts, withdrawn: 0, dryRun };
  await target.flush();
  const withdrawn = await withdraw();
  await journal.finish();
  return { ...counts, withdrawn, dryRun };

  async function move(entry: CacheEntry): Promise<MovedEntry | undefined> {
    if (entry.expiresAt <= clock.now()) {
      add({ expired: 1 });
      return undefined;
    }
    const there = await target.getByKey(entry.exactKey);
    if (there !== undefined && (there.id === entry.id ? isSame(there, entry) : there.storedAt >= entry.storedAt)) {
      add({ newer: 1 });
      return undefined;
    }
    const { semantic: _, ...exact } = entry;
    const kept: CacheEntry = walls === 'same' ? entry : exact;
    if (kept.semantic === undefined) add({ exactOnly: 1 });
    add({ moved: 1 });
    if (!dryRun) await target.put(kept);
    return { id: entry.id, key: entry.exactKey };
  }

  /** With vectors of the wanted embedder, where they are of another. */
  async function prepared(entries: readonly CacheEntry[]): Promise<readonly CacheEntry[]> {
    const model = deps.reembed;
    if (model === undefined || dryRun) return entries;
    const waiting = entries.filter(({ semantic }) => semantic !== undefined && semantic.embeddingModel !== model.id);
    // A conversation's context is of the old space and only its last turn is stored: such an answer keeps to its wording.
    const fit = waiting.filter(({ semantic }) => semantic!.context === undefined && model.fits(semantic!.text));
    const vectors = new Map<EntryId, NonNullable<CacheEntry['semantic']>['vector']>();
    for (let at = 0; at < fit.length; at += model.maxBatch) {
      const batch = fit.slice(at, at + model.maxBatch);
      const embedded = await model.embed(
        batch.map(({ semantic }) => semantic!.text),
        { signal },
      );
      for (const [i, { id }] of batch.entries()) vectors.set(id, embedded[i]!);
    }
    add({ reembedded: vectors.size });
    const unfit = new Set(waiting.filter(({ id }) => !vectors.has(id)).map(({ id }) => id));
    return entries.map((entry) => {
      const vector = vectors.get(entry.id);
      if (vector !== undefined) {
        const { scope, text } = entry.semantic!;
        return { ...entry, semantic: { scope, text, embeddingModel: model.id, vector } };
      }
      if (!unfit.has(entry.id)) return entry;
      const { semantic: _, ...exact } = entry;
      return exact;
    });
  }

  /** What was removed at the source while it was moved must not live on in the target. */
  async function withdraw(): Promise<number> {
    let withdrawn = 0;
    let checked = 0;
    for await (const batch of journal.moved()) {
      signal.throwIfAborted();
      const there = await source.has(batch);
      for (const [at, { id }] of batch.entries()) {
        if (there[at] === true) continue;
        if (await target.remove(id, 'manual')) withdrawn += 1;
      }
      checked += batch.length;
      deps.onProgress(checked, Math.max(checked, counts.moved), 'checking');
    }
    return withdrawn;
  }
}

/**
 * Keys and scopes are made with a number and a secret of the store: entries are found in the target only under the
 * same ones. An empty target takes them over.
 */
async function sameWalls({ source, target, dryRun }: MigrationDeps): Promise<'same' | 'other-secret'> {
  const epoch = (await source.getMeta(epochKey)) ?? '0';
  const secret = await source.getMeta(secretKey);
  const epochThere = await takenOver(target, epochKey, epoch, dryRun);
  if (epochThere !== epoch) {
    throw new AppError(
      'config_invalid',
      `the target counts its flushes to ${epochThere} and the source to ${epoch}, so that no moved answer would ever be found; move into a store that has not been used`,
    );
  }
  if (secret === undefined) return 'same';
  return (await takenOver(target, secretKey, secret, dryRun)) === secret ? 'same' : 'other-secret';
}

async function takenOver(target: CacheStore, key: string, value: string, dryRun: boolean): Promise<string> {
  const there = await target.getMeta(key);
  if (there !== undefined || dryRun) return there ?? value;
  if (target.shared) return target.shared.putMetaOnce(key, value);
  await target.putMeta(key, value);
  return value;
}

/** Moved before, with the same vector space. */
const isSame = (there: CacheEntry, entry: CacheEntry): boolean =>
  there.storedAt === entry.storedAt && there.semantic?.embeddingModel === entry.semantic?.embeddingModel;
