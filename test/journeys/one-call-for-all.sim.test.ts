import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { model, post, startRig, until, type Rig } from './harness.ts';

describe('identical questions', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
  });
  after(() => rig.close());

  const upstreamCalls = () => rig.sim.stats().answers;

  it('make one upstream call through all dialects, one after the other', async () => {
    const question = 'Which planet has the most moons?';
    const before = upstreamCalls();
    const native = await new Ollama({ host: rig.url }).chat({ model, messages: [{ role: 'user', content: question }] });
    const openai = new OpenAI({ baseURL: `${rig.url}/v1`, apiKey: 'any' });
    const chat = await openai.chat.completions.create({ model, messages: [{ role: 'user', content: question }] });
    const responses = await openai.responses.create({ model, input: question });
    const anthropic = new Anthropic({ baseURL: rig.url, apiKey: 'any' });
    const message = await anthropic.messages.create({
      model,
      max_tokens: 4096,
      messages: [{ role: 'user', content: question }],
    });
    const [block] = message.content;
    assert.equal(chat.choices[0]?.message.content, native.message.content);
    assert.equal(responses.output_text, native.message.content);
    assert.equal(block?.type === 'text' ? block.text : undefined, native.message.content);
    assert.match(native.message.content, /moons/i);
    assert.equal(upstreamCalls() - before, 1);
  });

  it('make one upstream call while in flight, in every dialect, streamed and not; each gets the whole answer', async () => {
    const before = upstreamCalls();
    const paced = await startRig({ sim: { profile: 'demo' } });
    try {
      const content = 'What causes the tides of the sea?';
      const openai = new OpenAI({ baseURL: `${paced.url}/v1`, apiKey: 'any' });
      const anthropic = new Anthropic({ baseURL: paced.url, apiKey: 'any' });
      const ollama = new Ollama({ host: paced.url });
      const texts = await Promise.all([
        ollama.chat({ model, messages: [{ role: 'user', content }] }).then((answer) => answer.message.content),
        openai.chat.completions
          .create({ model, messages: [{ role: 'user', content }] })
          .then((answer) => answer.choices[0]!.message.content),
        openai.chat.completions.stream({ model, messages: [{ role: 'user', content }] }).finalContent(),
        anthropic.messages.stream({ model, max_tokens: 4096, messages: [{ role: 'user', content }] }).finalText(),
        openai.responses.create({ model, input: content }).then((answer) => answer.output_text),
      ]);
      assert.equal(new Set(texts).size, 1, `five answers differ: ${JSON.stringify(texts)}`);
      assert.equal(paced.sim.stats().answers, 1);
    } finally {
      await paced.close();
    }
    assert.equal(upstreamCalls(), before);
  });

  it('make one upstream call when 200 ask at once, also when the first one leaves', async () => {
    const paced = await startRig({ sim: { profile: 'demo' } });
    try {
      const body = {
        model,
        messages: [{ role: 'user', content: 'Explain how a sailing boat moves against the wind' }],
        stream: false,
      };
      const first = new AbortController();
      const leader = fetch(`${paced.url}/api/chat`, {
        method: 'POST',
        body: JSON.stringify(body),
        signal: first.signal,
      }).catch(() => 'left');
      await until('the leader reached the thinker', () => paced.sim.stats().answers === 1);
      const others = Array.from({ length: 199 }, () => post(`${paced.url}/api/chat`, body));
      await until('all have joined', () => paced.gateway.status().traffic.open === 200);
      first.abort();
      assert.equal(await leader, 'left');
      const answers = await Promise.all(
        others.map(async (other) => ((await (await other).json()) as { message: { content: string } }).message.content),
      );
      assert.equal(new Set(answers).size, 1);
      assert.equal(paced.sim.stats().answers, 1);
      assert.equal(paced.sim.stats().cancelled, 0);
    } finally {
      await paced.close();
    }
  });

  it('stop the thinker when the last of them leaves', async () => {
    const body = {
      model: 'fault-stall-5',
      messages: [{ role: 'user', content: 'A story that never ends' }],
      stream: true,
    };
    const before = rig.sim.stats();
    const controllers = Array.from({ length: 10 }, () => new AbortController());
    const calls = controllers.map((controller) =>
      fetch(`${rig.url}/api/chat`, { method: 'POST', body: JSON.stringify(body), signal: controller.signal })
        .then((answer) => answer.text())
        .catch(() => 'left'),
    );
    await until('the thinker is asked', () => rig.sim.stats().answers === before.answers + 1);
    for (const controller of controllers.slice(0, 9)) controller.abort();
    await Promise.all(calls.slice(0, 9));
    assert.equal(rig.sim.stats().cancelled, before.cancelled);
    const leftAt = performance.now();
    controllers[9]!.abort();
    await until('the thinker saw the last one go', () => rig.sim.stats().cancelled === before.cancelled + 1, 1000);
    assert.ok(performance.now() - leftAt < 400, 'promised within 100 ms; 400 leaves room for a busy machine');
    await until('nothing is in flight', () => rig.gateway.status().traffic.inFlight === 0);
  });
});
