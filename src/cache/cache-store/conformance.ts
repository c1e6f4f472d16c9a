/** What every cache store promises; each driver runs this suite. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CacheEntry, CacheStore, EntrySummary } from '../cache-store.ts';
import { entryId, exactKey, modelName, requestId, scope, tenantId } from '../../core/ids.ts';
import { addMs, epochMs } from '../../core/units.ts';
import { dot, toUnitVector } from '../../core/vector.ts';
import { recordRemovals, tolerance, withVectorsOf } from '../../testing/store-assertions.ts';
import { FakeClock } from '../../testing/fake-clock.ts';

export interface StoreUnderTest {
  readonly store: CacheStore;
  /** Removes what the driver left outside the process. The suite has closed the store. */
  readonly dispose: () => Promise<void>;
}

export interface StoreSetup {
  readonly clock: FakeClock;
  readonly entriesMax: number;
  readonly bytesMax: number;
}

const ttlMs = 60_000;
const startedAt = new FakeClock().now();

/** An entry with everything set; equal arguments give equal entries. */
export function anEntry(name: string, changes: Partial<CacheEntry> = {}): CacheEntry {
  return {
    id: entryId(`entry-${name}`),
    exactKey: exactKey(`key-${name}`),
    tenant: tenantId('acme'),
    model: modelName('qwen3:8b'),
    digest: 'sha256:500a1f067a9f',
    semantic: {
      scope: scope('scope-a'),
      text: `What is ${name}?`,
      embeddingModel: 'lexical-1',
      vector: aVector(name),
    },
    answer: {
      model: 'qwen3:8b',
      createdAt: startedAt,
      thinking: '',
      text: `${name} is “well known” — zażółć 🦜`,
      toolCalls: [],
      end: {
        type: 'end',
        finishReason: 'stop',
        usage: { promptTokens: 12, completionTokens: 7 },
        timings: { totalNs: 5e8, loadNs: 1e6, promptEvalNs: 1e8, evalNs: 3e8 },
      },
    },
    storedAt: startedAt,
    expiresAt: addMs(startedAt, ttlMs),
    origin: requestId(`request-${name}`),
    gpuMs: 500,
    ...changes,
  };
}

export function aVector(name: string): ReturnType<typeof toUnitVector> {
  const values = new Float32Array(16);
  for (let i = 0; i < 64; i++) values[i % 16]! += Math.sin((name.charCodeAt(i % name.length) + 1) * (i + 1));
  return toUnitVector(values);
}

/** @param vectors `rounded`: the driver keeps them within what `VectorIndex` allows of their cosines. */
export function cacheStoreConformance(
  name: string,
  create: (setup: StoreSetup) => Promise<StoreUnderTest>,
  { vectors = 'exact' }: { readonly vectors?: 'exact' | 'rounded' } = {},
): void {
  const sameEntry = (actual: CacheEntry | undefined, expected: CacheEntry): void =>
    assert.deepEqual(vectors === 'exact' ? actual : withVectorsOf(expected, actual), expected);
  const withStore = async (
    run: (store: CacheStore, clock: FakeClock) => Promise<void>,
    limits: Partial<StoreSetup> = {},
  ): Promise<void> => {
    const clock = new FakeClock();
    const { store, dispose } = await create({ clock, entriesMax: 1000, bytesMax: 10_000_000, ...limits });
    try {
      await store.ready();
      await run(store, clock);
    } finally {
      await store.close();
      await dispose();
    }
  };

  describe(`${name} cache store`, () => {
    it('gives back the whole entry by key and by id, before and after a flush', () =>
      withStore(async (store) => {
        const entry = anEntry('water');
        const { semantic: _, ...exactOnly } = anEntry('exact-only');
        await store.put(entry);
        await store.put(exactOnly);
        sameEntry(await store.getByKey(entry.exactKey), entry);
        sameEntry(await store.get(entry.id), entry);
        await store.flush();
        sameEntry(await store.getByKey(entry.exactKey), entry);
        sameEntry(await store.get(exactOnly.id), exactOnly);
        assert.equal(await store.getByKey(exactKey('key-absent')), undefined);
        assert.equal(await store.get(entryId('entry-absent')), undefined);
        assert.equal(store.stats().entries, 2);
        assert.ok(store.stats().bytes > 100);
      }));

    it('serves an entry until it expires, and hits do not move that', () =>
      withStore(async (store, clock) => {
        const removed = recordRemovals(store);
        await store.put(anEntry('water'));
        await clock.advance(ttlMs - 1);
        store.touch(entryId('entry-water'));
        assert.ok(await store.getByKey(exactKey('key-water')));
        await clock.advance(1);
        assert.equal(await store.getByKey(exactKey('key-water')), undefined);
        assert.equal(await store.get(entryId('entry-water')), undefined);
        assert.deepEqual(removed, [['entry-water', 'scope-a', 'ttl']]);
      }));

    it('sweeps out expired entries that nobody reads', () =>
      withStore(async (store, clock) => {
        const removed = recordRemovals(store);
        for (let i = 0; i < 50; i++) await store.put(anEntry(`short${i}`));
        await store.put(anEntry('long', { expiresAt: addMs(startedAt, 10 * ttlMs) }));
        await clock.advance(ttlMs + 5000);
        assert.equal(store.stats().entries, 1);
        assert.equal(removed.length, 50);
      }));

    it('replaces the entry of the same key and says so', () =>
      withStore(async (store) => {
        const removed = recordRemovals(store);
        const fresh = anEntry('fresh', { exactKey: exactKey('key-old') });
        await store.put(anEntry('old'));
        await store.put(fresh);
        sameEntry(await store.getByKey(exactKey('key-old')), fresh);
        assert.equal(await store.get(entryId('entry-old')), undefined);
        assert.deepEqual(removed, [['entry-old', 'scope-a', 'replaced']]);
        assert.equal(store.stats().entries, 1);
      }));

    it('replaces the entry of the same id under another key', () =>
      withStore(async (store) => {
        await store.put(anEntry('one'));
        await store.flush();
        await store.put(anEntry('one', { exactKey: exactKey('key-two') }));
        await store.flush();
        assert.equal(await store.getByKey(exactKey('key-one')), undefined);
        assert.equal((await store.getByKey(exactKey('key-two')))?.id, 'entry-one');
        assert.equal(store.stats().entries, 1);
      }));

    it('stays under its entry cap and keeps what saves most thinker time', () =>
      withStore(
        async (store) => {
          const removed = recordRemovals(store);
          await store.put(anEntry('dear', { gpuMs: 1e6 }));
          await store.put(anEntry('liked'));
          for (let i = 0; i < 10_000; i++) store.touch(entryId('entry-liked'));
          for (let i = 0; i < 40; i++) await store.put(anEntry(`cheap${i}`, { gpuMs: 10 }));
          assert.equal(store.stats().entries, 10);
          assert.ok(await store.get(entryId('entry-dear')));
          assert.ok(await store.get(entryId('entry-liked')));
          assert.ok(await store.get(entryId('entry-cheap39')), 'what has just been put stays');
          assert.equal(removed.length, 32);
          assert.ok(removed.every(([, , reason]) => reason === 'lru'));
        },
        { entriesMax: 10 },
      ));

    it('stays under its byte cap and refuses what is larger than all of it', () =>
      withStore(
        async (store) => {
          const text = 'x'.repeat(5000);
          for (let i = 0; i < 10; i++) await store.put(withText(`large${i}`, text));
          assert.ok(store.stats().bytes <= 20_000);
          assert.ok(store.stats().entries >= 2 && store.stats().entries <= 4);
          await assert.rejects(store.put(withText('huge', 'x'.repeat(30_000))), { code: 'cache_unavailable' });
          assert.equal(await store.get(entryId('entry-huge')), undefined);
        },
        { bytesMax: 20_000 },
      ));

    it('evicts an expired entry before a live one', () =>
      withStore(
        async (store, clock) => {
          await store.put(anEntry('stale', { expiresAt: addMs(startedAt, 10), gpuMs: 1e9 }));
          await store.put(anEntry('live', { gpuMs: 1 }));
          await clock.advance(20);
          await store.put(anEntry('new', { gpuMs: 1 }));
          assert.ok(await store.get(entryId('entry-live')));
          assert.ok(await store.get(entryId('entry-new')));
        },
        { entriesMax: 2 },
      ));

    it('removes one entry, once', () =>
      withStore(async (store) => {
        const removed = recordRemovals(store);
        await store.put(anEntry('water'));
        await store.flush();
        assert.equal(await store.remove(entryId('entry-water'), 'disputed'), true);
        assert.equal(await store.remove(entryId('entry-water'), 'disputed'), false);
        assert.equal(await store.getByKey(exactKey('key-water')), undefined);
        assert.deepEqual(removed, [['entry-water', 'scope-a', 'disputed']]);
        assert.deepEqual(store.stats(), { entries: 0, bytes: 0 });
      }));

    it('lists newest first, in pages, with hits and sizes', () =>
      withStore(async (store) => {
        for (let i = 0; i < 5; i++) await store.put(anEntry(`e${i}`, { storedAt: addMs(startedAt, i) }));
        store.touch(entryId('entry-e3'));
        store.touch(entryId('entry-e3'));
        const first = await store.list({}, { limit: 2 });
        assert.deepEqual(names(first), ['entry-e4', 'entry-e3']);
        const { bytes, ...rest } = first[1]!;
        assert.ok(bytes > 100);
        assert.deepEqual(rest, {
          id: 'entry-e3',
          tenant: 'acme',
          model: 'qwen3:8b',
          digest: 'sha256:500a1f067a9f',
          text: 'What is e3?',
          scope: 'scope-a',
          embeddingModel: 'lexical-1',
          storedAt: startedAt + 3,
          expiresAt: startedAt + ttlMs,
          hits: 2,
        });
        assert.deepEqual(names(await store.list({}, { limit: 2, before: first[1]!.storedAt })), [
          'entry-e2',
          'entry-e1',
        ]);
        assert.deepEqual(await store.list({}, { limit: 0 }), []);
      }));

    it('filters by tenant, model, text in any case, and age', () =>
      withStore(async (store, clock) => {
        await store.put(anEntry('Łódź', { tenant: tenantId('other') }));
        await store.put(anEntry('water', { model: modelName('llama3') }));
        await store.put(anEntry('100%_sure', { storedAt: addMs(startedAt, 50) }));
        await store.put(anEntry('gone', { expiresAt: addMs(startedAt, 10) }));
        await clock.advance(20);
        const found = async (filter: Parameters<CacheStore['list']>[0]) =>
          names(await store.list(filter, { limit: 10 })).sort();
        assert.deepEqual(await found({ tenant: tenantId('other') }), ['entry-Łódź']);
        assert.deepEqual(await found({ model: modelName('llama3:latest') }), ['entry-water']);
        assert.deepEqual(await found({ contains: 'łÓDŹ' }), ['entry-Łódź']);
        assert.deepEqual(await found({ contains: '0%_S' }), ['entry-100%_sure']);
        assert.deepEqual(await found({ contains: '%' }), ['entry-100%_sure']);
        assert.deepEqual(await found({ olderThan: addMs(startedAt, 50) }), ['entry-water', 'entry-Łódź'].sort());
        assert.deepEqual(await found({}), ['entry-100%_sure', 'entry-water', 'entry-Łódź'].sort());
      }));

    it('purges what a filter finds, and only that', () =>
      withStore(async (store) => {
        const removed = recordRemovals(store);
        for (let i = 0; i < 30; i++)
          await store.put(anEntry(`e${i}`, { tenant: tenantId(i % 3 === 0 ? 'acme' : 'other') }));
        assert.equal(await store.purge({ tenant: tenantId('acme') }), 10);
        assert.equal(store.stats().entries, 20);
        assert.equal(removed.filter(([, , reason]) => reason === 'manual').length, 10);
        assert.equal(await store.getByKey(exactKey('key-e0')), undefined);
        assert.ok(await store.getByKey(exactKey('key-e1')));
        assert.equal(await store.purge({}), 20);
        assert.deepEqual(store.stats(), { entries: 0, bytes: 0 });
      }));

    it('purges the answers of one model digest, and says why', () =>
      withStore(async (store) => {
        const removed = recordRemovals(store);
        for (let i = 0; i < 600; i++)
          await store.put(anEntry(`e${i}`, { digest: i % 2 === 0 ? 'sha256:old' : 'sha256:new' }));
        assert.equal(await store.purge({ digest: 'sha256:old' }, 'model_changed'), 300);
        assert.ok(removed.every(([, , reason]) => reason === 'model_changed'));
        assert.ok((await store.list({}, { limit: 600 })).every(({ digest }) => digest === 'sha256:new'));
        assert.equal(await store.purge({ digest: 'sha256:old' }, 'model_changed'), 0);
      }));

    it('keeps the context of a conversation, until the entry moves to another vector space', () =>
      withStore(async (store) => {
        const plain = anEntry('turn').semantic!;
        const entry = anEntry('turn', { semantic: { ...plain, context: aVector('earlier') } });
        await store.put(entry);
        sameEntry(await store.get(entry.id), entry);
        await store.flush();
        sameEntry(await store.get(entry.id), entry);
        const bytes = store.stats().bytes;
        await store.setVector(entry.id, 'minilm-1', aVector('other'));
        for (let round = 0; round < 2; round++) {
          const moved = { ...entry, semantic: { ...plain, embeddingModel: 'minilm-1', vector: aVector('other') } };
          sameEntry(await store.get(entry.id), moved);
          await store.flush();
        }
        assert.equal(bytes - store.stats().bytes, aVector('earlier').byteLength);
      }));

    it('walks every live entry with a semantic part', () =>
      withStore(async (store, clock) => {
        const wanted = new Set<string>();
        for (let i = 0; i < 700; i++) {
          await store.put(anEntry(`e${i}`));
          wanted.add(`entry-e${i}`);
        }
        await store.flush();
        const { semantic: _, ...exactOnly } = anEntry('exact-only');
        await store.put(exactOnly);
        await store.put(anEntry('gone', { expiresAt: addMs(startedAt, 10) }));
        await store.put(anEntry('late'));
        wanted.add('entry-late');
        await store.remove(entryId('entry-e5'), 'manual');
        wanted.delete('entry-e5');
        await clock.advance(20);
        const seen: string[] = [];
        for await (const batch of store.semanticEntries()) {
          for (const { id, vector, text, embeddingModel } of batch) {
            seen.push(id);
            assert.ok(dot(vector, aVector(id.slice('entry-'.length))) > 1 - tolerance);
            assert.equal(text, `What is ${id.slice('entry-'.length)}?`);
            assert.equal(embeddingModel, 'lexical-1');
          }
        }
        assert.deepEqual(seen.sort(), [...wanted].sort());
      }));

    it('moves an entry to another vector space', () =>
      withStore(async (store) => {
        await store.put(anEntry('flushed'));
        await store.flush();
        await store.put(anEntry('waiting'));
        for (const name of ['flushed', 'waiting'])
          await store.setVector(entryId(`entry-${name}`), 'minilm-1', aVector('other'));
        await store.setVector(entryId('entry-absent'), 'minilm-1', aVector('other'));
        for (let round = 0; round < 2; round++) {
          for (const name of ['flushed', 'waiting']) {
            const entry = await store.get(entryId(`entry-${name}`));
            sameEntry(entry, {
              ...anEntry(name),
              semantic: { ...anEntry(name).semantic!, embeddingModel: 'minilm-1', vector: aVector('other') },
            });
          }
          await store.flush();
        }
        for await (const batch of store.semanticEntries())
          for (const { embeddingModel } of batch) assert.equal(embeddingModel, 'minilm-1');
      }));

    it('keeps small facts', () =>
      withStore(async (store) => {
        await store.putMeta('digest:qwen3:8b', 'sha256:1');
        await store.putMeta('digest:qwen3:8b', 'sha256:2');
        assert.equal(await store.getMeta('digest:qwen3:8b'), 'sha256:2');
        assert.equal(await store.getMeta('absent'), undefined);
      }));

    it('keeps every other promise when a removal listener throws', () =>
      withStore(async (store) => {
        store.onRemoved(() => {
          throw new Error('listener is broken');
        });
        const removed = recordRemovals(store);
        await store.put(anEntry('water'));
        assert.equal(await store.remove(entryId('entry-water'), 'manual'), true);
        assert.equal(removed.length, 1);
      }));

    it('puts, reads, removes and flushes at once without losing count', () =>
      withStore(async (store) => {
        await Promise.all(
          Array.from({ length: 300 }, async (_, i) => {
            await store.put(anEntry(`e${i}`));
            if (i % 50 === 0) await store.flush();
            assert.equal((await store.getByKey(exactKey(`key-e${i}`)))?.id, `entry-e${i}`);
            if (i % 3 === 0) await store.remove(entryId(`entry-e${i}`), 'manual');
          }),
        );
        assert.equal(store.stats().entries, 200);
        assert.equal((await store.list({}, { limit: 1000 })).length, 200);
      }));

    it('closes twice without harm', () =>
      withStore(async (store) => {
        await store.put(anEntry('water'));
        await store.close();
      }));
  });
}

const names = (summaries: readonly EntrySummary[]): string[] => summaries.map(({ id }) => id);

function withText(name: string, text: string): CacheEntry {
  const entry = anEntry(name);
  return { ...entry, answer: { ...entry.answer, text, createdAt: epochMs(startedAt) } };
}
