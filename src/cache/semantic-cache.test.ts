import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { AnswerRequest, Asker } from '../core/chat.ts';
import { modelName, requestId, tenantId } from '../core/ids.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { aChatRequest, aGenerateRequest, anAnswer, anAsker } from '../testing/builders.ts';
import { FakeCacheStore, storeDown } from '../testing/fake-cache-store.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakeEmbeddingModel } from '../testing/fake-embedding-model.ts';
import { FakeVectorIndex } from '../testing/fake-vector-index.ts';
import { testRandom } from '../testing/seeded-random.ts';
import type { CacheablePlan } from './cache-types.ts';
import type { HitPolicy } from './hit-policy.ts';
import { createSemanticCache, type SemanticCacheDeps, type SemanticCacheOptions } from './semantic-cache.ts';

const digest = 'sha256:1';
const never = { signal: new AbortController().signal };
const random = testRandom('semantic-cache');

/** Serves the nearest candidate at or above the embedder's threshold. */
const nearestPolicy: HitPolicy = {
  name: 'nearest',
  decide: (_text, [best]) =>
    best === undefined
      ? { kind: 'ask', reason: 'no-neighbour' }
      : best.similarity >= 0.8
        ? { kind: 'reuse', candidate: best }
        : { kind: 'ask', reason: 'below-threshold', best },
};

async function aCache(options: Partial<SemanticCacheOptions> = {}, parts: Partial<SemanticCacheDeps> = {}) {
  const clock = new FakeClock();
  const store = new FakeCacheStore(clock);
  const embedding = new FakeEmbeddingModel();
  const index = new FakeVectorIndex(embedding.dimensions);
  const metrics = createMetrics();
  const deps = { store, index, embedding, policy: nearestPolicy, clock, random, logger: silentLogger, metrics };
  const cache = createSemanticCache({ ...deps, ...parts, options });
  const { warmed } = await cache.start();
  await warmed;
  const plan = (request: AnswerRequest, asker: Asker = anAsker(), by = digest): CacheablePlan => {
    const made = cache.plan(request, asker, by);
    assert.equal(made.kind, 'cacheable');
    return made;
  };
  const keep = async (request: AnswerRequest, answer = anAnswer(), by = digest) => {
    cache.keep(plan(request), answer, { digest: by, requestId: requestId('r'), tenant: anAsker().tenant });
    await clock.advance(0);
  };
  const lookups = async () => {
    const { values } = await metrics.cacheLookups.get();
    return Object.fromEntries(values.filter(({ value }) => value > 0).map((each) => [each.labels.result, each.value]));
  };
  return { ...deps, cache, plan, keep, lookups };
}

describe('semantic cache', () => {
  it('bypasses everything until it has started, and when it is off', async () => {
    const off = await aCache({ mode: 'off' });
    assert.deepEqual(off.cache.plan(aChatRequest(), anAsker(), digest), { kind: 'bypass', reason: 'disabled' });
    const deps = await aCache();
    const idle = createSemanticCache(deps);
    assert.equal(idle.plan(aChatRequest(), anAsker(), digest).kind, 'bypass');
  });

  it('serves a kept answer for the same request, and for another wording', async () => {
    const { cache, store, plan, keep, lookups } = await aCache();
    const request = aChatRequest({ text: 'what is the capital of france' });
    assert.equal((await cache.exact(plan(request), request, never)).kind, 'miss');
    assert.deepEqual(await cache.semantic(plan(request), request, never), { kind: 'miss', reason: 'no-neighbour' });
    await keep(request);
    const hit = await cache.exact(plan(request), request, never);
    assert.equal(hit.kind, 'hit');
    const other = aChatRequest({ text: 'what is the capital of france please' });
    assert.equal((await cache.exact(plan(other), other, never)).kind, 'miss');
    const near = await cache.semantic(plan(other), other, never);
    assert.ok(near.kind === 'hit' && near.similarity > 0.9 && near.similarity < 1);
    assert.deepEqual(near.entry.answer, anAnswer());
    assert.equal(store.touched.length, 2);
    assert.deepEqual(await lookups(), { hit_exact: 1, hit_semantic: 1, miss: 1 });
  });

  it('has an answer in the store before the turn that kept it ends, when its lookup has embedded the text', async () => {
    const { cache, store, plan } = await aCache();
    const request = aChatRequest();
    const planned = plan(request);
    await cache.semantic(planned, request, never);
    cache.keep(planned, anAnswer(), { digest, requestId: requestId('r'), tenant: anAsker().tenant });
    assert.equal(store.calls.at(-1), 'put');
  });

  it('embeds a text once between lookup and keep, and identical texts in flight once', async () => {
    const { cache, embedding, clock, plan, keep } = await aCache();
    const request = aChatRequest();
    await Promise.all([0, 1, 2].map(() => cache.semantic(plan(request), request, never)));
    await keep(request);
    await clock.advance(0);
    assert.equal(embedding.calls.length, 1);
  });

  it('works no scope out for an exact hit', async () => {
    const { cache, embedding, plan, keep } = await aCache();
    const request = aChatRequest();
    await keep(request);
    let asked = 0;
    embedding.fits = () => {
      asked += 1;
      return true;
    };
    assert.equal((await cache.exact(plan(request), request, never)).kind, 'hit');
    assert.equal(asked, 0);
  });

  it('keeps only whole answers of the planned model', async () => {
    const { store, keep } = await aCache({ entryBytesMax: 100 });
    const end = anAnswer().end;
    for (const answer of [
      anAnswer({ end: { ...end, finishReason: 'length' } }),
      anAnswer({ end: { ...end, finishReason: 'tool-calls' } }),
      anAnswer({ toolCalls: [{ name: 'f', argumentsJson: '{}' }] }),
      anAnswer({ text: ' \n' }),
      anAnswer({ text: 'é'.repeat(51) }),
    ]) {
      await keep(aChatRequest(), answer);
    }
    await keep(aChatRequest(), anAnswer(), 'sha256:2');
    assert.equal(store.entries.size, 0);
    await keep(aChatRequest());
    assert.equal(store.entries.size, 1);
  });

  it('fixes a lifetime within ten per cent of the TTL at write', async () => {
    const { store, clock, keep } = await aCache({ ttlMs: 1_000_000 });
    for (let i = 0; i < 50; i++) await keep(aChatRequest({ text: `question ${i}` }));
    const lifetimes = [...store.entries.values()].map((entry) => entry.expiresAt - clock.now());
    assert.ok(Math.min(...lifetimes) >= 900_000 && Math.max(...lifetimes) <= 1_100_000);
    assert.ok(new Set(lifetimes).size > 25);
  });

  it('serves no expired entry, none older than the asker wants, none above the output limit', async () => {
    const { cache, clock, plan, keep } = await aCache();
    const text = 'what is the capital of france';
    await keep(aChatRequest({ text }), anAnswer({ completionTokens: 10 }));
    await clock.advance(60_000);
    const other = aChatRequest({ text: `${text} please` });
    const ask = async (request: AnswerRequest, maxAgeS?: number) => {
      const planned = plan(request, anAsker({ cache: { mode: 'default', ...(maxAgeS !== undefined && { maxAgeS }) } }));
      return [(await cache.exact(planned, request, never)).kind, (await cache.semantic(planned, request, never)).kind];
    };
    assert.deepEqual(await ask(aChatRequest({ text }), 60), ['hit', 'hit']);
    assert.deepEqual(await ask(aChatRequest({ text }), 59), ['miss', 'miss']);
    assert.deepEqual(await ask(aChatRequest({ text, outputLimit: 10 })), ['hit', 'hit']);
    assert.deepEqual(await ask(aChatRequest({ text, outputLimit: 9 })), ['miss', 'miss']);
    const stale = await cache.semantic(plan(other), { ...other, outputLimit: 9 }, never);
    assert.ok(stale.kind === 'miss' && stale.reason === 'stale');
    await clock.advance(86_400_000 * 1.11);
    assert.deepEqual(await ask(aChatRequest({ text })), ['miss', 'miss']);
  });

  it('reads nothing on no-cache, and keeps the fresh answer', async () => {
    const { cache, store, keep } = await aCache();
    await keep(aChatRequest());
    const plan = cache.plan(aChatRequest(), anAsker({ cache: { mode: 'no-cache' } }), digest);
    assert.ok(plan.kind === 'cacheable' && !plan.read);
    await keep(aChatRequest(), anAnswer({ text: 'fresh' }));
    assert.deepEqual(
      [...store.entries.values()].map(({ answer }) => answer.text),
      ['fresh'],
    );
  });

  it('offers the exact tier only where wordings must not vary', async () => {
    const { cache, plan, lookups } = await aCache();
    for (const request of [
      aChatRequest({ tools: [{ type: 'function' }] }),
      aGenerateRequest({ raw: true }),
      aChatRequest({ text: 'x'.repeat(201) }),
    ]) {
      const planned = plan(request);
      assert.equal(planned.semantic, undefined);
      await cache.exact(planned, request, never);
      assert.deepEqual(await cache.semantic(planned, request, never), { kind: 'miss', reason: 'not-eligible' });
    }
    assert.deepEqual(await lookups(), { ineligible: 3 });
    const exactOnly = await aCache({ mode: 'exact-only' });
    assert.equal(exactOnly.plan(aChatRequest()).semantic, undefined);
  });

  it('never serves an entry across two scopes, whichever field differs', async () => {
    const { cache, plan, clock } = await aCache();
    const text = 'tell me everything about the moon and the tides';
    const field = fc.record(
      {
        tenant: fc.constantFrom('a', 'b'),
        digest: fc.constantFrom('', 'd1', 'd2'),
        model: fc.constantFrom('m1', 'm2'),
        system: fc.constantFrom('Be brief.', 'Be rude.'),
        history: fc.constantFrom('Hi', 'Hello'),
        temperature: fc.constantFrom(0, 0.5),
        numCtx: fc.constantFrom(2048, 8192),
        format: fc.constantFrom('json' as const, { type: 'object' }),
        think: fc.boolean(),
        kind: fc.constantFrom('chat', 'generate'),
        wording: fc.constantFrom(' ok', ' please'),
      },
      { requiredKeys: ['tenant', 'digest', 'model', 'kind', 'wording'] },
    );
    const build = (parts: typeof field extends fc.Arbitrary<infer T> ? T : never): [AnswerRequest, Asker, string] => {
      const shared = {
        model: modelName(parts.model),
        options: {
          ...(parts.temperature !== undefined && { temperature: parts.temperature }),
          ...(parts.numCtx !== undefined && { num_ctx: parts.numCtx }),
        },
        ...(parts.format !== undefined && { format: parts.format }),
        ...(parts.think !== undefined && { think: parts.think }),
      };
      const content = text + parts.wording;
      const request: AnswerRequest =
        parts.kind === 'generate'
          ? aGenerateRequest({ ...shared, prompt: content, ...(parts.system && { system: parts.system }) })
          : aChatRequest({
              ...shared,
              messages: [
                ...(parts.system ? [{ role: 'system' as const, content: parts.system }] : []),
                ...(parts.history ? [{ role: 'user' as const, content: parts.history }] : []),
                { role: 'user', content },
              ],
            });
      return [request, anAsker({ tenant: tenantId(parts.tenant) }), parts.digest];
    };
    let stored = 0;
    await fc.assert(
      fc.asyncProperty(field, field, async (a, b) => {
        const [askedA, askerA, digestA] = build(a);
        const [askedB, askerB, digestB] = build(b);
        const marker = `answer ${stored++}`;
        const planA = plan(askedA, askerA, digestA);
        cache.keep(planA, anAnswer({ text: marker }), {
          digest: digestA,
          requestId: requestId('r'),
          tenant: askerA.tenant,
        });
        await clock.advance(0);
        const sameWords = { ...a, wording: '' };
        // Fields that do not reach the request do not make a difference.
        const effective = (parts: typeof a) => ({
          ...parts,
          wording: '',
          model: parts.digest === '' ? parts.model : '',
          history: parts.kind === 'chat' ? parts.history : undefined,
        });
        assert.deepEqual(sameWords, { ...a, wording: '' });
        const found = await cache.semantic(plan(askedB, askerB, digestB), askedB, never);
        const same = JSON.stringify(sorted(effective(a))) === JSON.stringify(sorted(effective(b)));
        if (found.kind === 'hit' && found.entry.answer.text === marker) assert.ok(same, JSON.stringify([a, b]));
        if (same) assert.equal(found.kind, 'hit');
      }),
      { numRuns: 300 },
    );
  });

  describe('when something fails', () => {
    it('says unavailable and counts it, for a store, an index, an embedder and a policy', async () => {
      const { cache, store, index, embedding, plan, keep, lookups } = await aCache();
      const request = aChatRequest();
      await keep(request);
      store.failure = storeDown();
      assert.equal((await cache.exact(plan(request), request, never)).kind, 'unavailable');
      assert.equal((await cache.semantic(plan(request), request, never)).kind, 'unavailable');
      store.failure = undefined;
      index.failure = storeDown();
      assert.equal((await cache.semantic(plan(request), request, never)).kind, 'unavailable');
      index.failure = undefined;
      embedding.failure = new Error('no weights');
      const other = aChatRequest({ text: 'something not embedded yet' });
      assert.equal((await cache.semantic(plan(other), other, never)).kind, 'unavailable');
      assert.deepEqual(await lookups(), { error: 4 });
      const broken: HitPolicy = {
        name: 'broken',
        decide() {
          throw new Error('a bug');
        },
      };
      const second = await aCache({}, { policy: broken });
      await second.keep(request);
      assert.equal((await second.cache.semantic(second.plan(request), request, never)).kind, 'unavailable');
    });

    it('gives a lookup up at its deadline, while the embedder hangs', async () => {
      const { cache, embedding, clock, plan } = await aCache();
      embedding.gate = new Promise(() => {});
      const pending = cache.semantic(plan(aChatRequest()), aChatRequest(), never);
      await clock.advance(99);
      await clock.advance(1);
      assert.equal((await pending).kind, 'unavailable');
      assert.equal(clock.pendingTimers, 0);
    });

    it('gives a lookup up at its deadline, while the index or the store hangs', async () => {
      const { cache, index, clock, plan } = await aCache({ exactDeadlineMs: 50 });
      index.gate = new Promise(() => {});
      const pending = cache.semantic(plan(aChatRequest()), aChatRequest(), never);
      await clock.advance(150);
      assert.equal((await pending).kind, 'unavailable');
      const hanging = await aCache({ exactDeadlineMs: 50 });
      hanging.store.gate = new Promise(() => {});
      const exact = hanging.cache.exact(hanging.plan(aChatRequest()), aChatRequest(), never);
      await hanging.clock.advance(50);
      assert.equal((await exact).kind, 'unavailable');
    });

    it('stops asking a dead embedder, and tries one lookup after a rest', async () => {
      const { cache, embedding, clock, plan } = await aCache();
      const ask = async (text: string) =>
        (await cache.semantic(plan(aChatRequest({ text })), aChatRequest(), never)).kind;
      embedding.failure = new Error('gone');
      for (let i = 0; i < 10; i++) assert.equal(await ask(`question ${i}`), 'unavailable');
      assert.equal(embedding.calls.length, 5);
      assert.equal(cache.stats().breaker, 'open');
      await clock.advance(1_000);
      assert.equal(cache.stats().breaker, 'half-open');
      await Promise.all([ask('probe a'), ask('probe b')]);
      assert.equal(embedding.calls.length, 6);
      embedding.failure = undefined;
      await clock.advance(1_999);
      assert.equal(await ask('still resting'), 'unavailable');
      await clock.advance(1);
      assert.equal(await ask('well again'), 'miss');
      assert.equal(cache.stats().breaker, 'closed');
    });

    it('bounds lookups in flight', async () => {
      const { cache, embedding, plan } = await aCache({ lookupsMax: 2 });
      let open = () => {};
      embedding.gate = new Promise((resolve) => (open = resolve));
      const kinds = [0, 1, 2].map((i) => cache.semantic(plan(aChatRequest({ text: `q ${i}` })), aChatRequest(), never));
      assert.equal((await kinds[2]!).kind, 'unavailable');
      open();
      assert.equal((await kinds[0]!).kind, 'miss');
    });

    it('bounds writes in flight and counts what it drops; a failed write harms nobody', async () => {
      const { cache, store, clock, keep } = await aCache({ writesMax: 1 });
      let open = () => {};
      store.gate = new Promise((resolve) => (open = resolve));
      await keep(aChatRequest({ text: 'a' }));
      await keep(aChatRequest({ text: 'b' }));
      assert.equal(cache.stats().dropped, 1);
      store.failure = storeDown();
      open();
      await clock.advance(0);
      assert.deepEqual([cache.stats().writesFailed, cache.stats().kept], [1, 0]);
    });

    it('does not count a caller that left as a fault', async () => {
      const { cache, embedding, clock, plan, lookups } = await aCache();
      embedding.gate = new Promise(() => {});
      const controller = new AbortController();
      const pending = cache.semantic(plan(aChatRequest()), aChatRequest(), controller);
      controller.abort();
      assert.equal((await pending).kind, 'unavailable');
      assert.deepEqual(await lookups(), {});
      await clock.advance(100);
    });
  });

  it('takes a removed entry out of the index, also when it is evicted while being placed', async () => {
    const { index, store, clock, keep } = await aCache();
    await keep(aChatRequest({ text: 'a b' }));
    assert.equal(index.stats().vectors, 1);
    store.drop([...store.entries.keys()][0]!, 'lru');
    await clock.advance(0);
    assert.equal(index.stats().vectors, 0);
    let open = () => {};
    index.gate = new Promise((resolve) => (open = resolve));
    await keep(aChatRequest({ text: 'c d' }));
    store.drop([...store.entries.keys()][0]!, 'lru');
    open();
    await clock.advance(0);
    assert.equal(index.stats().vectors, 0);
  });

  it('drops a neighbour that the store no longer has', async () => {
    const { cache, index, store, plan, keep } = await aCache();
    await keep(aChatRequest());
    store.entries.clear();
    const found = await cache.semantic(plan(aChatRequest()), aChatRequest(), never);
    assert.ok(found.kind === 'miss' && found.reason === 'stale');
    assert.equal(index.stats().vectors, 0);
  });

  it('forgets everything at once when the epoch is raised, also answers on their way', async () => {
    const { cache, store, plan, keep } = await aCache();
    const request = aChatRequest();
    await keep(request);
    const before = plan(request);
    assert.equal(await cache.bumpEpoch(), 1);
    assert.equal((await cache.exact(plan(request), request, never)).kind, 'miss');
    assert.equal((await cache.semantic(plan(request), request, never)).kind, 'miss');
    cache.keep(before, anAnswer(), { digest, requestId: requestId('r'), tenant: anAsker().tenant });
    await cache.close();
    assert.equal(store.entries.size, 1);
    assert.equal(store.meta.get('cache.epoch'), '1');
  });

  describe('after a restart', () => {
    async function restarted(embedding = new FakeEmbeddingModel()) {
      const first = await aCache();
      await first.keep(aChatRequest({ text: 'what is the capital of france' }));
      await first.keep(aChatRequest({ text: 'how tall is the tower' }));
      const index = new FakeVectorIndex(embedding.dimensions);
      const cache = createSemanticCache({ ...first, index, embedding });
      const { warmed } = await cache.start();
      const request = aChatRequest({ text: 'what is the capital of france please' });
      const ask = async () => {
        const plan = cache.plan(request, anAsker(), digest);
        assert.ok(plan.kind === 'cacheable');
        return cache.semantic(plan, request, never);
      };
      return { ...first, cache, index, embedding, report: await warmed, ask };
    }

    it('serves semantic hits from entries stored before', async () => {
      const { report, ask } = await restarted();
      assert.deepEqual(report, { loaded: 2, otherEmbedder: 0 });
      assert.equal((await ask()).kind, 'hit');
    });

    it('lets vectors of two embedders never meet, and serves again once re-embedded', async () => {
      const { cache, index, store, report, ask } = await restarted(new FakeEmbeddingModel('fake-2'));
      assert.deepEqual(report, { loaded: 0, otherEmbedder: 2 });
      assert.equal(index.stats().vectors, 0);
      assert.equal((await ask()).kind, 'miss');
      const progress: string[] = [];
      const done = await cache.reembed({ onProgress: ({ done, total }) => void progress.push(`${done}/${total}`) });
      assert.deepEqual(done, { done: 2, unfit: 0 });
      assert.deepEqual(progress, ['0/2', '2/2']);
      assert.deepEqual(
        new Set([...store.entries.values()].map((each) => each.semantic?.embeddingModel)),
        new Set(['fake-2']),
      );
      assert.equal((await ask()).kind, 'hit');
    });

    it('leaves texts that the new embedder does not take in the exact tier', async () => {
      const embedding = new FakeEmbeddingModel('fake-2');
      embedding.fitsMax = 22;
      const { cache } = await restarted(embedding);
      assert.deepEqual(await cache.reembed(), { done: 1, unfit: 1 });
    });

    it('tries an ill embedder again, a bounded number of times', async () => {
      const embedding = new FakeEmbeddingModel('fake-2');
      const { cache, clock } = await restarted(embedding);
      embedding.failure = new Error('gone');
      const pending = assert.rejects(cache.reembed(), /gone/);
      for (let s = 0; s < 60; s++) await clock.advance(1_000);
      await pending;
      assert.equal(embedding.calls.length, 5);
      embedding.failure = undefined;
      assert.equal((await cache.reembed()).done, 2);
    });

    it('says what was loaded when the index fills up', async () => {
      const first = await aCache();
      await first.keep(aChatRequest());
      const index = new FakeVectorIndex(64);
      index.failure = storeDown();
      const { warmed } = await createSemanticCache({ ...first, index }).start();
      const report = await warmed;
      assert.equal(report.loaded, 0);
      assert.equal(report.failure, index.failure);
    });
  });

  it('lists, shows, removes and purges for operators', async () => {
    const { cache, keep } = await aCache();
    await keep(aChatRequest({ text: 'first question' }));
    await keep(aChatRequest({ text: 'second question' }));
    const [newest] = await cache.list({}, { limit: 1 });
    assert.equal(newest?.text, 'second question');
    assert.equal((await cache.show(newest.id))?.answer.text, 'Paris.');
    assert.equal(await cache.remove(newest.id, 'manual'), true);
    assert.equal(await cache.show(newest.id), undefined);
    assert.equal(await cache.purge({ contains: 'FIRST' }), 1);
    assert.equal(cache.stats().entries, 0);
  });
});

function sorted(record: object): object {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
