import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entryId, exactKey, localTenant, modelName, requestId, scope } from '../../core/ids.ts';
import type { Message } from '../../core/chat.ts';
import { epochMs } from '../../core/units.ts';
import { dot, toUnitVector } from '../../core/vector.ts';
import { aChatRequest, anAnswer } from '../../testing/builders.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import type { CacheEntry } from '../cache-store.ts';
import { exactKeyOf, semanticScopeOf } from '../scope.ts';
import { createDecisionEngine } from '../decision/engine.ts';
import { createLexicalEmbedding } from '../embedding-model/lexical.ts';
import { createFixedThresholdPolicy } from '../hit-policy/fixed-threshold.ts';
import { guards, hardGuards } from '../hit-policy/guards/guards.ts';
import { featuresOf } from '../hit-policy/text/features.ts';
import { followUps, rewrites, traps, type Pair } from './traps.ts';

const random = testRandom('traps');
const clock = new FakeClock();
const embedder = createLexicalEmbedding();
const owner = { epoch: 1, tenant: localTenant, digest: 'd' };

/** An entry as close as can be: no embedder has a say in what is served. */
function anEntry(text: string): CacheEntry {
  return {
    id: entryId(text),
    exactKey: exactKey(text),
    tenant: localTenant,
    model: modelName('m'),
    digest: 'd',
    semantic: { scope: scope('s'), text, embeddingModel: 'e', vector: toUnitVector(new Float32Array([1])) },
    answer: anAnswer(),
    storedAt: epochMs(0),
    expiresAt: epochMs(1),
    origin: requestId('r'),
    gpuMs: 1,
  };
}

const policy = createFixedThresholdPolicy({ similarityMin: embedder.similarityMin });
const servesFixed = (asked: string, stored: string): boolean =>
  policy.decide(asked, [{ entry: anEntry(stored), similarity: 1 }], random).kind === 'reuse';

const engine = createDecisionEngine({ embeddingModelId: 'e', clock, random });
const servesNearDuplicate = (asked: string, stored: string): boolean =>
  engine.decide({ text: asked }, [{ entryId: stored, text: stored, similarity: 1, storedAt: clock.now() }]).kind ===
  'reuse';

const bothWays = (pairs: readonly Pair[], serves: (asked: string, stored: string) => boolean): Pair[] =>
  pairs.filter(({ a, b }) => serves(a, b) || serves(b, a));

describe('traps', () => {
  it('are at least 400 pairs of different texts, none twice', () => {
    assert.ok(traps.length >= 400, String(traps.length));
    assert.equal(new Set(traps.map(({ a, b }) => `${a}|${b}`)).size, traps.length);
    assert.deepEqual(
      traps.filter(({ a, b }) => a === b),
      [],
    );
  });

  it('of a hard kind are refused by a hard guard', () => {
    const passed = traps
      .filter(({ kind }) => hardGuards.includes(kind))
      .filter(({ a, b }) => !hardGuards.some((name) => guards[name](featuresOf(a), featuresOf(b))));
    assert.deepEqual(passed, []);
  });

  it('are never served by the fixed threshold, however close an embedder finds them', () => {
    assert.deepEqual(bothWays(traps, servesFixed), []);
  });

  it('are never served as near duplicates, however close an embedder finds them', () => {
    assert.deepEqual(bothWays(traps, servesNearDuplicate), []);
  });
});

describe('rewordings', () => {
  it('are at least 200 pairs, none twice', () => {
    assert.ok(rewrites.length >= 200, String(rewrites.length));
    assert.equal(new Set(rewrites.map(({ a, b }) => `${a}|${b}`)).size, rewrites.length);
  });

  // Typos change a content word: only a learned score may take "captial" for "capital".
  const leastFixed = (kind: string): number => (kind === 'typo' ? 0 : 0.9);
  // Where a request is no question in one of the two wordings, the class is stricter.
  const leastNear = (kind: string): number =>
    ({ typo: 0, asking: 0.65, polite: 0.6, filler: 0.75, wordOrder: 0.8 })[kind] ?? 0.9;

  for (const kind of new Set(rewrites.map((each) => each.kind))) {
    const own = rewrites.filter((each) => each.kind === kind);

    it(`${kind}: at least ${leastFixed(kind) * 100} % pass the fixed threshold where the embedder finds them`, (t) => {
      const served = own.filter(({ a, b }) => servesFixed(a, b) && servesFixed(b, a)).length;
      t.diagnostic(`${served} of ${own.length}`);
      assert.ok(served >= leastFixed(kind) * own.length, `${served} of ${own.length}`);
    });

    it(`${kind}: at least ${leastNear(kind) * 100} % are near duplicates`, (t) => {
      const served = own.filter(({ a, b }) => servesNearDuplicate(a, b) && servesNearDuplicate(b, a)).length;
      t.diagnostic(`${served} of ${own.length}`);
      assert.ok(served >= leastNear(kind) * own.length, `${served} of ${own.length}`);
    });
  }

  it('how many the lexical embedder finds', async (t) => {
    const signal = new AbortController().signal;
    const lines = new Map<string, { all: number; near: number; found: number }>();
    for (const { kind, a, b } of rewrites) {
      const [x, y] = await embedder.embed([a, b], { signal });
      const line = lines.get(kind) ?? { all: 0, near: 0, found: 0 };
      const similarity = dot(x!, y!);
      line.all += 1;
      if (similarity >= 0.5) line.near += 1;
      if (similarity >= embedder.similarityMin) line.found += 1;
      lines.set(kind, line);
    }
    for (const [kind, { all, near, found }] of lines) {
      t.diagnostic(`${kind}: of ${all}, ${found} at ${embedder.similarityMin}, ${near} at 0.5`);
    }
  });
});

describe('follow-ups', () => {
  const turns = (history: readonly string[], last: string): readonly Message[] => [
    ...history.map((content, i): Message => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })),
    { role: 'user', content: last },
  ];

  it('are at least 30, each with an even number of turns before it', () => {
    assert.ok(followUps.length >= 30, String(followUps.length));
    for (const { histories } of followUps) for (const each of histories) assert.equal(each.length % 2, 0, each.join());
  });

  it('after different histories share neither a scope nor a key', () => {
    for (const { histories, last } of followUps) {
      const requests = histories.map((history) => aChatRequest({ messages: turns(history, last) }));
      const alone = aChatRequest({ text: last });
      const scopes = [...requests, alone].map((request) => semanticScopeOf(owner, request, 'secret'));
      assert.equal(new Set(scopes).size, 3, last);
      assert.equal(new Set([...requests, alone].map((request) => exactKeyOf(owner, request))).size, 3, last);
    }
  });

  it('after the same history share the scope of its other last turns', () => {
    const scopes = followUps.map(({ histories: [history], last }) =>
      [last, 'and then?'].map((text) => semanticScopeOf(owner, aChatRequest({ messages: turns(history, text) }), 's')),
    );
    for (const [one, other] of scopes) assert.equal(one, other);
    assert.equal(new Set(scopes.flat()).size, followUps.length);
  });
});
