import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { aCache, digest, never } from '../../test/support/started-cache.ts';
import type { ChatRequest, Message } from '../core/chat.ts';
import { dot, toUnitVector } from '../core/vector.ts';
import { aChatRequest, anAnswer, anAsker } from '../testing/builders.ts';
import { FakeEmbeddingModel } from '../testing/fake-embedding-model.ts';
import { contextFacts, contextVector, earlierTurns, sameContext } from './conversation.ts';
import { createSemanticCache } from './semantic-cache.ts';

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const talk = (...turns: readonly string[]): ChatRequest =>
  aChatRequest({ messages: turns.map((text, i) => (i % 2 === 0 ? user(text) : assistant(text))) });

const garden = 'I want to grow tomatoes on my sunny balcony';
const gardenToo = 'I want to grow tomatoes on my sunny balcony please';
const car = 'My old car makes a strange noise when braking';
const question = 'How often should somebody check the soil and water levels';
const questionToo = 'How often should somebody check the water and soil levels';
const fitsAll = () => true;

describe('contextual history', () => {
  const contextual = { history: 'contextual' } as const;

  it('is off by default: another history never serves', async () => {
    const { cache, plan, keep } = await aCache();
    await keep(talk(garden, 'Good idea.', question));
    const asked = talk(gardenToo, 'Fine.', question);
    assert.equal((await cache.semantic(plan(asked), asked, never)).kind, 'miss');
  });

  it('serves a turn that stands by itself after a conversation about the same, whatever the assistant said', async () => {
    const { cache, plan, keep } = await aCache(contextual);
    await keep(talk(garden, 'Good idea.', question));
    const asked = talk(gardenToo, 'Which sort do you like?', questionToo);
    assert.equal((await cache.exact(plan(asked), asked, never)).kind, 'miss');
    assert.equal((await cache.semantic(plan(asked), asked, never)).kind, 'hit');
  });

  it('serves neither a conversation about something else nor a question without one, and the other way round', async () => {
    const { cache, plan, keep } = await aCache(contextual);
    await keep(talk(garden, 'Good idea.', question));
    const elsewhere = talk(car, 'I see.', question);
    const found = await cache.semantic(plan(elsewhere), elsewhere, never);
    assert.ok(found.kind === 'miss' && found.reason === 'other-context');
    const alone = aChatRequest({ text: questionToo });
    assert.equal((await cache.semantic(plan(alone), alone, never)).kind, 'miss');

    const fresh = await aCache(contextual);
    await fresh.keep(alone);
    const within = talk(garden, 'Good idea.', question);
    assert.equal((await fresh.cache.semantic(fresh.plan(within), within, never)).kind, 'miss');
  });

  it('compares a turn that leans on the earlier ones only under the very same history', async () => {
    const { cache, plan, keep } = await aCache(contextual);
    const leaning = 'and how often should I water them in summer';
    await keep(talk(garden, 'Good idea.', leaning));
    const near = talk(gardenToo, 'Good idea.', leaning);
    assert.equal((await cache.semantic(plan(near), near, never)).kind, 'miss');
    const same = talk(garden, 'Good idea.', `${leaning} please`);
    assert.equal((await cache.semantic(plan(same), same, never)).kind, 'hit');
  });

  it('never lets two conversations meet whose numbers, names or negations differ', async () => {
    const { plan } = await aCache(contextual);
    const scopeOf = (...turns: string[]) => plan(talk(...turns)).semantic!.scope;
    const base = scopeOf('my dog Rex weighs 5 kg and may eat meat', 'ok', question);
    for (const other of [
      'my dog Rex weighs 50 kg and may eat meat',
      'my dog Rex weighs 5 kg and may not eat meat',
      'my dog Max weighs 5 kg and may eat meat',
    ]) {
      assert.notEqual(scopeOf(other, 'ok', question), base, other);
    }
    assert.equal(scopeOf('my dog Rex may eat meat and weighs 5 kg', 'yes', question), base);
  });

  it('keeps to verbatim history beyond four user turns, with tools, and with a system prompt in the middle', () => {
    const many = talk('one fish', 'a', 'two fish', 'b', 'red fish', 'c', 'blue fish', 'd', question);
    assert.equal(earlierTurns(many, question, fitsAll), undefined);
    assert.deepEqual(earlierTurns(talk('a b', 'x', 'c d', 'y', 'e f', 'z', question), question, fitsAll), [
      'a b',
      'c d',
      'e f',
    ]);
    const called: Message = { role: 'assistant', content: '', toolCalls: [{ name: 'f', argumentsJson: '{}' }] };
    const within = (...middle: Message[]) =>
      earlierTurns(aChatRequest({ messages: [user(garden), ...middle, user(question)] }), question, fitsAll);
    assert.deepEqual(within(), [garden]);
    assert.equal(within(called), undefined);
    assert.equal(within({ role: 'tool', content: '5' }), undefined);
    assert.equal(within({ role: 'system', content: 'be brief' }), undefined);
    assert.equal(
      earlierTurns(talk(garden, 'ok', question), question, (text) => text !== garden),
      undefined,
    );
    assert.equal(earlierTurns(aChatRequest({ text: question }), question, fitsAll), undefined);
  });

  it('walls off by system prompt, also without the history', async () => {
    const { plan } = await aCache(contextual);
    const scopeOf = (system: string) =>
      plan(
        aChatRequest({ messages: [{ role: 'system', content: system }, user(garden), assistant('x'), user(question)] }),
      ).semantic!.scope;
    assert.notEqual(scopeOf('Answer as a pirate'), scopeOf('Answer as a judge'));
    assert.equal(scopeOf('Answer as a pirate'), scopeOf('Answer as a  pirate'));
  });

  it('finds entries by context after a restart, and leaves them to the exact tier under another embedder', async () => {
    const first = await aCache(contextual);
    await first.keep(talk(garden, 'Good idea.', question));
    await first.keep(aChatRequest({ text: 'what is the capital of france' }));
    const again = createSemanticCache({ ...first, options: contextual });
    await (
      await again.start()
    ).warmed;
    const asked = talk(gardenToo, 'Fine.', questionToo);
    const planned = () => {
      const plan = again.plan(asked, anAsker(), digest);
      assert.equal(plan.kind, 'cacheable');
      return plan;
    };
    assert.equal((await again.semantic(planned(), asked, never)).kind, 'hit');

    const other = createSemanticCache({ ...first, embedding: new FakeEmbeddingModel('fake-2'), options: contextual });
    await (
      await other.start()
    ).warmed;
    assert.deepEqual(await other.reembed(), { done: 1, unfit: 1 });
    const plan = other.plan(asked, anAsker(), digest);
    assert.ok(plan.kind === 'cacheable');
    assert.equal((await other.semantic(plan, asked, never)).kind, 'miss');
    const same = talk(garden, 'Good idea.', question);
    const exact = other.plan(same, anAsker(), digest);
    assert.ok(exact.kind === 'cacheable');
    assert.equal((await other.exact(exact, same, never)).kind, 'hit');
  });

  it('keeps an answer for the exact tier when its context cannot be embedded', async () => {
    const { store, embedding, keep } = await aCache(contextual);
    embedding.embed = async (texts) => {
      if (texts.includes(garden)) throw new Error('no');
      return texts.map((text) => embedding.vector(text));
    };
    await keep(talk(garden, 'Good idea.', question), anAnswer());
    await keep(talk(car, 'Good idea.', question), anAnswer());
    const kinds = [...store.entries.values()].map((entry) => entry.semantic?.context !== undefined);
    assert.deepEqual(kinds, [false, true]);
  });
});

describe('context vector', () => {
  const aUnit = fc
    .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 })
    .filter((values) => values.some((value) => Math.abs(value) > 1e-3))
    .map((values) => toUnitVector(Float32Array.from(values)));

  it('has norm 1 for any turns, also opposite ones, and the newest turn weighs most', () => {
    fc.assert(
      fc.property(fc.array(aUnit, { minLength: 1, maxLength: 3 }), (vectors) => {
        const context = contextVector(vectors);
        assert.ok(Math.abs(dot(context, context) - 1) < 1e-4);
        assert.ok(dot(context, vectors.at(-1)!) > 0);
      }),
    );
    const a = toUnitVector(Float32Array.of(1, 0));
    const b = toUnitVector(Float32Array.of(0, 1));
    const [x, y] = contextVector([a, b]);
    assert.ok(Math.abs(x! / y! - 0.6) < 1e-6);
  });

  it('is compared symmetrically', () => {
    const entryWith = (context: ReturnType<typeof contextVector> | undefined) =>
      ({ semantic: { ...(context && { context }) } }) as never;
    fc.assert(
      fc.property(aUnit, aUnit, fc.boolean(), fc.boolean(), (a, b, hasA, hasB) => {
        const [left, right] = [hasA ? a : undefined, hasB ? b : undefined];
        assert.equal(sameContext(entryWith(left), right), sameContext(entryWith(right), left));
        if (hasA !== hasB) assert.equal(sameContext(entryWith(left), right), false);
        if (hasA) assert.equal(sameContext(entryWith(a), a), true);
      }),
    );
  });

  it('names the facts of each turn, in the order of turns', () => {
    assert.notEqual(contextFacts(['5 apples', 'none']), contextFacts(['none', '5 apples']));
    assert.equal(contextFacts(['I have 5 apples']), contextFacts(['there are 5 pears']));
  });
});
