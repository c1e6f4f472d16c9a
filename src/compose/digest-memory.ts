/**
 * Model digests are part of every cache key. The last ones seen are kept, so that stored answers are
 * found also while no thinker is up, and right after a restart.
 */
import type { CacheStore } from '../cache/cache-store.ts';
import type { ModelName } from '../core/ids.ts';
import { isJsonObject } from '../core/json.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ModelInfo, ThinkerPool } from '../thinkers/thinker.ts';

/** More models than any set of thinkers holds; names beyond are not remembered. */
const modelsMax = 2000;
const metaKey = 'model.digests';

export interface DigestMemory {
  digestOf(model: ModelName): string;
  follow(pool: ThinkerPool): void;
  save(): Promise<void>;
}

/** @param onReplaced told of the digest that a model had before */
export async function createDigestMemory(
  store: CacheStore,
  logger: Logger,
  onReplaced?: (digest: string) => void,
): Promise<DigestMemory> {
  const known = new Map<string, string>(await readKnown(store, logger));
  let pool: ThinkerPool | undefined;
  let changed = false;

  async function save(): Promise<void> {
    if (!changed) return;
    changed = false;
    try {
      await store.putMeta(metaKey, JSON.stringify(Object.fromEntries(known)));
    } catch (error) {
      logger.warn({ err: error }, 'model digests were not saved; answers are found again once a thinker is up');
    }
  }

  return {
    digestOf: (model) => pool?.digestOf(model) || known.get(model) || '',
    follow(followed) {
      pool = followed;
      let noted: readonly ModelInfo[] | undefined;
      const note = (): void => {
        const models = followed.models();
        // Capacity is told after every answer, and the list is made anew when a thinker has told its own.
        if (models === noted) return;
        noted = models;
        for (const model of models) {
          const digest = followed.digestOf(model.name);
          if (digest === '' || known.get(model.name) === digest || (known.size >= modelsMax && !known.has(model.name)))
            continue;
          const before = known.get(model.name);
          known.set(model.name, digest);
          if (before !== undefined) onReplaced?.(before);
          changed = true;
        }
        if (changed) void save();
      };
      followed.onCapacity(note);
      note();
    },
    save,
  };
}

async function readKnown(store: CacheStore, logger: Logger): Promise<[string, string][]> {
  try {
    const text = await store.getMeta(metaKey);
    const stored: unknown = text === undefined ? {} : JSON.parse(text);
    if (!isJsonObject(stored)) return [];
    return Object.entries(stored).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  } catch (error) {
    logger.warn({ err: error }, 'remembered model digests cannot be read and are learnt anew');
    return [];
  }
}
