import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { aCache, digest, never } from '../../test/support/started-cache.ts';
import { until } from '../../test/support/until.ts';
import type { AnswerRequest, Asker } from '../core/chat.ts';
import { modelName, requestId, tenantId } from '../core/ids.ts';
import { aChatRequest, aGenerateRequest, anAnswer, anAsker } from '../testing/builders.ts';
import { createSemanticCache } from './semantic-cache.ts';

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
    assert.partialDeepStrictEqual(await cache.semantic(plan(request), request, never), {
      kind: 'miss',
      reason: 'no-neighbour',
    });
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
      anAnswer({ end: { ...end, reasonMissing: true } }),
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

  it('keeps the first answer of a model that nobody had seen, under the digest that its thinker told', async () => {
    const { cache } = await aCache();
    const unknown = cache.plan(aChatRequest(), anAsker(), '');
    assert.ok(unknown.kind === 'cacheable');
    cache.keep(unknown, anAnswer(), { digest, requestId: requestId('r'), tenant: anAsker().tenant });
    const later = cache.plan(aChatRequest(), anAsker(), digest);
    assert.ok(later.kind === 'cacheable');
    await until('it is stored', async () => (await cache.exact(later, aChatRequest(), never)).kind === 'hit');
    assert.equal((await cache.exact(unknown, aChatRequest(), never)).kind, 'miss', 'it belongs to that digest alone');
  });

  it('fixes a lifetime within ten per cent of the TTL at write', async () => {
    const { store, clock, keep } = await aCache({ ttlMs: 1_000_000 });
    for (let i = 0; i < 50; i++) await keep(aChatRequest({ text: `question ${i}` }));
    const lifetimes = [...store.entries.values()].map((entry) => entry.expiresAt - clock.now());
    assert.ok(Math.min(...lifetimes) >= 900_000 && Math.max(...lifetimes) <= 1_100_000);
    assert.ok(new Set(lifetimes).size > 25);
  });

  it('keeps an answer about now for minutes, and reuses no older one for it', async () => {
    const day = 86_400_000;
    const { cache, store, clock, plan, keep } = await aCache({ ttlMs: day, volatileTtlMs: 300_000 });
    await keep(aChatRequest({ text: 'what is the weather in oslo' }));
    await keep(aChatRequest({ text: 'who leads the company as chief' }));
    const [weather, chief] = [...store.entries.values()].map((entry) => entry.expiresAt - clock.now());
    assert.ok(weather! >= 270_000 && weather! <= 330_000, `${weather}`);
    assert.ok(chief! >= 0.9 * day);
    const now = aChatRequest({ text: 'who currently leads the company as chief' });
    assert.equal((await cache.semantic(plan(now), now, never)).kind, 'hit');
    await clock.advance(300_001);
    assert.equal((await cache.semantic(plan(now), now, never)).kind, 'miss');
    const lasting = aChatRequest({ text: 'who leads the company as chief please' });
    assert.equal((await cache.semantic(plan(lasting), lasting, never)).kind, 'hit');
  });

  it('keeps for minutes what follows a question about now, though its own words do not say so', async () => {
    const day = 86_400_000;
    const { store, clock, keep } = await aCache({ ttlMs: day, volatileTtlMs: 300_000 });
    const messages = [
      { role: 'user', content: 'what is the weather in oslo' },
      { role: 'assistant', content: 'rain' },
      { role: 'user', content: 'and in paris?' },
    ] as const;
    await keep({ ...aChatRequest(), messages });
    const [entry] = store.entries.values();
    assert.ok(entry!.expiresAt - clock.now() <= 330_000, `${entry!.expiresAt - clock.now()}`);
  });

  it('compares no wordings of questions about now when told so, and treats them as others when told that', async () => {
    const text = 'what is the weather in oslo';
    const bypassing = await aCache({ volatile: 'bypass' });
    assert.equal(bypassing.plan(aChatRequest({ text })).semantic, undefined);
    await bypassing.keep(aChatRequest({ text }));
    const [brief] = bypassing.store.entries.values();
    assert.ok(brief!.semantic === undefined && brief!.expiresAt - bypassing.clock.now() <= 330_000);
    const off = await aCache({ volatile: 'off' });
    await off.keep(aChatRequest({ text }));
    const [kept] = off.store.entries.values();
    assert.ok(kept!.semantic !== undefined && kept!.expiresAt - off.clock.now() > 3_600_000);
  });

  it('notes the thinker time that a hit saves, from what the thinker reported', async () => {
    const { store, keep } = await aCache();
    await keep(aChatRequest());
    const { promptEvalNs, evalNs } = anAnswer().end.timings;
    assert.equal([...store.entries.values()][0]!.gpuMs, (promptEvalNs + evalNs) / 1e6);
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
