/**
 * Answers of a model that has been pulled anew cannot be found any more, because the digest is part of
 * every key. Once no thinker reports the old digest, they are removed.
 */
import type { CacheStore } from '../cache/cache-store.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ThinkerPool } from '../thinkers/thinker.ts';

export interface RetiredDigests {
  /** A model has another digest than before. */
  retire(digest: string): void;
  /** Looks now and then whether a retired digest is out of use; removes the answers of one at a time. */
  follow(pool: Pick<ThinkerPool, 'views'>): void;
  /** One look. Never throws. */
  look(): Promise<void>;
  close(): void;
}

export interface RetiredDigestsDeps {
  readonly store: Pick<CacheStore, 'getMeta' | 'putMeta' | 'purge'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const metaKey = 'model.retired-digests';
/** Waiting to go out of use; the answers of those beyond expire by themselves. */
const retiredMax = 200;
const everyMs = 30_000;
/** Looks in a row that must find a digest unused: thinkers are updated one after the other, and restart. */
const unusedLooks = 2;

export async function createRetiredDigests({ store, clock, logger }: RetiredDigestsDeps): Promise<RetiredDigests> {
  /** → looks in a row that found it unused. */
  const retired = new Map((await readRetired(store, logger)).map((digest) => [digest, 0]));
  let pool: Pick<ThinkerPool, 'views'> | undefined;
  let looking = false;
  let timer: { clear(): void } | undefined;

  const save = async (): Promise<void> => {
    try {
      await store.putMeta(metaKey, JSON.stringify([...retired.keys()]));
    } catch (error) {
      logger.warn({ err: error }, 'retired model digests were not saved; answers under them expire by themselves');
    }
  };

  async function look(): Promise<void> {
    if (looking || pool === undefined || retired.size === 0) return;
    looking = true;
    try {
      const used = digestsInUse(pool);
      for (const [digest, looks] of retired)
        retired.set(digest, used === 'unknown' || used.has(digest) ? 0 : looks + 1);
      const next = [...retired].find(([, looks]) => looks >= unusedLooks);
      if (next !== undefined) await remove(next[0]);
    } catch (error) {
      logger.warn({ err: error }, 'answers of a replaced model are not removed yet; the next look tries again');
    } finally {
      looking = false;
    }
  }

  async function remove(digest: string): Promise<void> {
    const removed = await store.purge({ digest }, 'model_changed');
    if (removed > 0) logger.info({ digest, removed }, 'answers of a replaced model are removed');
    // An answer that was on its way may have come since; the look that finds none is the last.
    if (removed > 0) return;
    retired.delete(digest);
    await save();
  }

  return {
    retire(digest) {
      if (digest === '' || retired.has(digest)) return;
      if (retired.size >= retiredMax) retired.delete(retired.keys().next().value!);
      retired.set(digest, 0);
      void save();
    },
    follow(followed) {
      pool = followed;
      timer ??= clock.every(everyMs, () => void look());
    },
    look,
    close: () => timer?.clear(),
  };
}

/** 'unknown' while some thinker has not told yet what it has. */
function digestsInUse(pool: Pick<ThinkerPool, 'views'>): ReadonlySet<string> | 'unknown' {
  const views = pool.views();
  if (views.length === 0) return 'unknown';
  const used = new Set<string>();
  for (const { state, models } of views) {
    if (models.size === 0 && state !== 'ready') return 'unknown';
    for (const { digest } of models.values()) used.add(digest);
  }
  return used;
}

async function readRetired(store: Pick<CacheStore, 'getMeta'>, logger: Logger): Promise<readonly string[]> {
  try {
    const stored: unknown = JSON.parse((await store.getMeta(metaKey)) ?? '[]');
    if (!Array.isArray(stored)) return [];
    return stored.filter((digest) => typeof digest === 'string').slice(0, retiredMax);
  } catch (error) {
    logger.warn({ err: error }, 'retired model digests cannot be read; answers under them expire by themselves');
    return [];
  }
}
