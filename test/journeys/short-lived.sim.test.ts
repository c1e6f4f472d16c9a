import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { indexFilled, model, post, startRig, until, type Rig } from './harness.ts';

const chat = (rig: Rig, ...turns: readonly string[]) =>
  post(`${rig.url}/api/chat`, {
    model,
    stream: false,
    messages: turns.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })),
  });

const outcome = async (
  answer: Promise<Response>,
): Promise<{ cache: string | null; text: string; similarity: number }> => {
  const response = await answer;
  const { message } = (await response.json()) as { message: { content: string } };
  const { headers } = response;
  return {
    cache: headers.get('x-selfhost-cache'),
    text: message.content,
    similarity: Number(headers.get('x-selfhost-similarity')),
  };
};

describe('a question in other words', () => {
  const question = 'What causes the tides of the sea?';
  const reworded = 'please tell me what causes the tides of the sea';

  it('waits for the answer that is being made, and the thinker is asked once', async () => {
    const rig = await startRig({ sim: { profile: 'demo' } });
    try {
      const first = outcome(chat(rig, question));
      await until('the first is with the thinker', () => rig.sim.stats().answers === 1);
      const second = await outcome(chat(rig, reworded));
      const leader = await first;
      assert.equal(second.text, leader.text);
      assert.deepEqual([leader.cache, second.cache], ['miss', 'coalesced']);
      assert.ok(second.similarity > 0.8 && second.similarity < 1, `${second.similarity}`);
      assert.equal(rig.sim.stats().answers, 1);
      assert.equal(rig.gateway.status().cache.entries, 1);
    } finally {
      await rig.close();
    }
  });

  it('asks for itself where that is turned off', async () => {
    const rig = await startRig({ sim: { profile: 'demo' }, config: { cache: { coalesceSimilar: false } } });
    try {
      const first = outcome(chat(rig, question));
      await until('the first is with the thinker', () => rig.sim.stats().answers === 1);
      assert.equal((await outcome(chat(rig, reworded))).cache, 'miss');
      await first;
      assert.equal(rig.sim.stats().answers, 2);
    } finally {
      await rig.close();
    }
  });
});

describe('a flush', () => {
  it('leaves nothing to serve, exactly or in other words, also after a restart, and frees the space', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-flush-'));
    let rig = await startRig({ dataDir });
    const question = 'What is the capital of Peru?';
    const reworded = 'please tell me what is the capital of Peru';
    try {
      await outcome(chat(rig, question));
      assert.equal((await outcome(chat(rig, question))).cache, 'exact');
      assert.equal((await outcome(chat(rig, reworded))).cache, 'semantic');
      const reply = await post(`${rig.adminUrl}/api/cache/flush`, {});
      assert.deepEqual(await reply.json(), { epoch: 1 });
      await until('the old answer is gone', () => rig.gateway.status().cache.entries === 0);
      assert.equal((await outcome(chat(rig, reworded))).cache, 'miss');
      await rig.close();
      rig = await startRig({ dataDir });
      await indexFilled(rig);
      assert.equal(
        (await outcome(chat(rig, question))).cache,
        'semantic',
        'only what was asked after the flush serves',
      );
      assert.equal(rig.gateway.status().cache.entries, 1);
    } finally {
      await rig.close();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});

describe('conversations by context', () => {
  it('serve a turn that stands by itself in another conversation about the same, also after a restart', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-context-'));
    const config = { cache: { history: 'contextual' } };
    let rig = await startRig({ dataDir, config });
    const about = 'I want to grow tomatoes on my sunny balcony';
    const question = 'How often should somebody water young plants?';
    try {
      assert.equal((await outcome(chat(rig, about, 'A fine plan.', question))).cache, 'miss');
      assert.equal((await outcome(chat(rig, about, 'Which sort?', question))).cache, 'semantic');
      await rig.close();
      rig = await startRig({ dataDir, config });
      await indexFilled(rig);
      assert.equal((await outcome(chat(rig, `${about} please`, 'Nice.', question))).cache, 'semantic');
      const elsewhere = chat(rig, 'My car makes a strange noise when braking', 'I see.', question);
      assert.equal((await outcome(elsewhere)).cache, 'miss');
      const leaning = chat(rig, about, 'Which sort?', 'and how often should I water them in spring?');
      assert.equal((await outcome(leaning)).cache, 'miss');
    } finally {
      await rig.close();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});
