/** What the semantic tier learns from traffic, over real HTTP: with a thinker whose answers the test writes. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startScriptedOllama } from '../support/scripted-ollama.ts';
import { model, post, startRig, until } from './harness.ts';

const things =
  `hammer ladder kettle pillow blanket lantern bucket shovel rope mirror candle basket bottle carpet curtain drill
   easel funnel guitar helmet iron jacket keyboard lamp mattress napkin oven paddle quilt racket saddle tent umbrella
   violin wallet zipper anvil broom chisel dagger engine fiddle gloves harp inkwell jigsaw kayak locket magnet needle
   organ pencil radio scarf teapot vase whistle apron`.split(/\s+/);
const thing = (number: number): string => things[number % things.length]!;

/** One question in its first words, in other words, and about something else. */
const family = (number: number) => {
  const [x, y, z] = [thing(number * 7), thing(number * 7 + 34 + Math.floor(number / 58)), thing(number * 7 + 103)];
  return {
    first: `how does a ${x} keep the ${y} near a ${z}`,
    reworded: `how could the ${x} keep its ${y} safe near a ${z}`,
    other: `how does a ${x} keep the ${y} near a ${thing(number * 7 + 19)}`,
  };
};
const namesIn = (question: string): string[] => question.split(/\W+/).filter((word) => things.includes(word));
/** The same for every wording, and another for every other set of things. */
const rightly = (question: string): string => namesIn(question).join(' ');
/** As if every wording meant something else. */
const byWording = (question: string): string => `${question.length} ${question}`;

/** The same question with words that add nothing: 3 of 4 before it and 3 of 4 behind. */
const politely = (question: string, number: number): string => {
  const polite = [0, 1, 2, 3, 4, 5].map((at) => ['please', 'kindly', 'pls', 'plz'][(number >> (2 * at)) & 3]!);
  return [...polite.slice(0, 3), question, ...polite.slice(3)].join(' ');
};

/** A target that opens within a hundred labels; and a busy machine must not turn lookups into misses. */
const learning = { cache: { falseHitShareMax: 0.1, lookupDeadlineMs: 10_000 } };

async function aLearningGateway(
  context: TestContext,
  { dataDir, maxConcurrency = 8 }: { readonly dataDir?: string; readonly maxConcurrency?: number } = {},
) {
  const ollama = await startScriptedOllama(model, rightly);
  const rig = await startRig({
    config: { ...learning, thinkers: [{ url: ollama.url, name: 'scripted', maxConcurrency }] },
    ...(dataDir !== undefined && { dataDir }),
  });
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await rig.close();
    await ollama.close();
  };
  context.after(close);
  const ask = async (content: string, headers: Record<string, string> = {}) => {
    const body = { model, messages: [{ role: 'user', content }], stream: false };
    const response = await post(`${rig.url}/api/chat`, body, headers);
    const told = (await response.json()) as { message: { content: string } };
    return {
      cache: response.headers.get('x-selfhost-cache'),
      semantic: response.headers.get('x-selfhost-semantic'),
      id: response.headers.get('x-selfhost-request-id')!,
      text: told.message.content,
    };
  };
  const semantic = () => rig.gateway.status().cache.semantic!;
  /** Comparisons and fits run behind the answers. */
  const learned = () =>
    until('everything asked is learned', () => {
      const { audits } = semantic();
      return audits.pending === 0;
    });
  /** Families asked until the certificate is open. */
  const openCertificate = async (): Promise<number> => {
    for (let number = 0; number < 116; number++) {
      const { first, reworded, other } = family(number);
      for (const question of [first, reworded, other]) await ask(question);
      await learned();
      if (semantic().state === 'certified') return number + 1;
    }
    return assert.fail(`not certified after 116 families: ${semantic().summary}`);
  };
  return { ollama, rig, ask, semantic, learned, openCertificate, close };
}

describe('learning', () => {
  it('labels grey misses for nothing, and says in each answer how many audits are missing', async (t) => {
    const { ask, semantic, learned, ollama } = await aLearningGateway(t);
    const { first, reworded } = family(0);
    const told = await ask(first);
    assert.match(told.semantic ?? '', /^learning; audits-missing=\d+$/);
    assert.equal((await ask(reworded)).cache, 'miss');
    await learned();
    assert.deepEqual([semantic().labels, ollama.asked.length], [1, 2]);
    const again = await ask(first);
    assert.deepEqual([again.cache, again.semantic], ['exact', null]);
  });

  it('opens the certificate after enough right labels, and then serves other words with the right answer', async (t) => {
    const { ask, semantic, openCertificate, ollama } = await aLearningGateway(t);
    const { first, reworded, other } = family(115);
    const next = await openCertificate();
    assert.ok(next < 100, `${next} families`);
    await ask(first);
    const hit = await ask(reworded);
    assert.deepEqual([hit.cache, hit.text, hit.semantic], ['semantic', rightly(first), 'certified; target=0.1']);
    assert.equal((await ask(other)).cache, 'miss');
    assert.ok(semantic().cut !== undefined && semantic().labels >= 29);
    assert.ok(!ollama.asked.includes(reworded) || semantic().audits.taken > 0);
  });

  it('closes the tier when audits of hits find wrong answers, and the exact tier goes on', async (t) => {
    const { ask, semantic, learned, openCertificate, ollama } = await aLearningGateway(t);
    const next = await openCertificate();
    ollama.answerWith(byWording);
    let asked = next;
    for (; semantic().state === 'certified' && asked < next + 400; asked++) {
      const { first, reworded } = family(asked);
      await ask(first);
      await ask(reworded);
      await learned();
    }
    assert.notEqual(semantic().state, 'certified', `still open after ${asked - next} families of wrong hits`);
    const { first, reworded } = family(asked + 1);
    await ask(first);
    assert.equal((await ask(reworded)).cache, 'miss');
    assert.equal((await ask(first)).cache, 'exact');
  });

  it('keeps certificate and labels over a restart', async (t) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-learning-'));
    t.after(() => rm(dataDir, { recursive: true, force: true }));
    const before = await aLearningGateway(t, { dataDir });
    await before.openCertificate();
    const labels = before.semantic().labels;
    await before.close();
    const after = await aLearningGateway(t, { dataDir });
    assert.equal(after.semantic().labels, labels);
    await until('the certificate is counted again', () => after.semantic().state === 'certified');
    const { first, reworded } = family(115);
    await after.ask(first);
    assert.equal((await after.ask(reworded)).cache, 'semantic');
  });

  it('audits hits only where nobody is in the way', async (t) => {
    const { ask, semantic, ollama, learned } = await aLearningGateway(t, { maxConcurrency: 1 });
    const stored = 'how does a violin keep the organ near a harp';
    await ask(stored);
    const release = ollama.hold((question) => question === 'a long story');
    const busy = ask('a long story');
    await until('the thinker is busy', () => ollama.asked.includes('a long story'));
    const calls = ollama.asked.length;
    // Near duplicates are served while learning; one in ten is drawn.
    for (let i = 0; semantic().audits.pending === 0 && i < 400; i++) {
      assert.equal((await ask(politely(stored, i))).cache, 'semantic');
    }
    assert.ok(semantic().audits.pending > 0);
    assert.equal(ollama.asked.length, calls);
    release();
    await busy;
    await learned();
    assert.ok(ollama.asked.length > calls);
    assert.equal(semantic().falseHitShare.wrong, 0);
    assert.ok(semantic().falseHitShare.audited > 0);
  });

  it('serves no other words from an entry that a person called wrong', async (t) => {
    const { ask, rig, semantic } = await aLearningGateway(t);
    const stored = 'how does a violin keep the organ near a harp';
    await ask(stored);
    const hit = await ask(`${stored} please`);
    assert.equal(hit.cache, 'semantic');
    const feedback = await post(`${rig.adminUrl}/api/requests/${hit.id}/feedback`, { verdict: 'wrong' });
    assert.equal(feedback.status, 200, await feedback.text());
    assert.equal(semantic().quarantined, 1);
    assert.equal((await ask(`please, ${stored}`)).cache, 'miss');
    assert.equal((await ask(stored)).cache, 'exact');
  });

  it('learns nothing from a simulated thinker, and says so', async () => {
    const rig = await startRig({ config: { thinkers: [], simulation: { profile: 'instant' } } });
    try {
      const audits = rig.gateway.status().cache.semantic!.audits;
      assert.deepEqual([audits.state, /simulated/.test(audits.why)], ['off', true]);
    } finally {
      await rig.close();
    }
  });
});
