import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Ollama, type ProgressResponse } from 'ollama';
import { until } from '../../testing/until.ts';
import { thinkerProfiles } from '../profiles.ts';
import { createSimulatedThinker, type SimulatedThinker } from './server.ts';

const model = 'qwen2:7b-instruct-q6_K';
const messages = [{ role: 'user', content: 'Why is the sky blue?' }];

describe('simulated thinker, seen by the official ollama client', () => {
  let thinker: SimulatedThinker;
  let ollama: Ollama;

  before(async () => {
    thinker = createSimulatedThinker({ faults: true });
    ollama = new Ollama({ host: await thinker.listen() });
  });
  after(() => thinker.close());

  it('lists, shows, and tells versions and residency', async () => {
    assert.ok((await ollama.list()).models.some(({ name }) => name === model));
    const shown = await ollama.show({ model });
    assert.equal(shown.details.quantization_level, 'Q6_K');
    assert.match((await ollama.version()).version, /simulated/);
    await ollama.generate({ model, prompt: '' });
    assert.deepEqual(
      (await ollama.ps()).models.map(({ name }) => name),
      [model],
    );
  });

  it('chats and generates, whole and streamed, with the same text', async () => {
    const whole = await ollama.chat({ model, messages });
    assert.match(whole.message.content, /^\[simulated\].*sky blue/);
    assert.deepEqual([whole.done, whole.done_reason], [true, 'stop']);
    let streamed = '';
    let parts = 0;
    for await (const part of await ollama.chat({ model, messages, stream: true })) {
      streamed += part.message.content;
      parts++;
    }
    assert.equal(streamed, whole.message.content);
    assert.equal(parts, whole.eval_count + 1);
    const generated = await ollama.generate({ model, prompt: 'Why is the sky blue?' });
    let generatedStreamed = '';
    for await (const part of await ollama.generate({ model, prompt: 'Why is the sky blue?', stream: true }))
      generatedStreamed += part.response;
    assert.equal(generatedStreamed, generated.response);
    assert.ok(generated.context.length > 0);
  });

  it('calls tools, thinks, takes images and keeps to a schema', async () => {
    const parameters = { type: 'object', required: ['city'], properties: { city: { type: 'string' } } };
    const tools = [
      { type: 'function', function: { name: 'get_weather', description: 'Weather of a city', parameters } },
    ];
    const called = await ollama.chat({ model, messages: [{ role: 'user', content: 'Weather in Lisbon?' }], tools });
    assert.deepEqual(called.message.tool_calls?.[0]?.function.arguments, { city: 'Lisbon' });
    const thought = await ollama.chat({ model: 'qwen3:4b', messages, think: true });
    assert.ok(thought.message.thinking && thought.message.content);
    const seen = await ollama.chat({
      model: 'gemma3:4b',
      messages: [{ role: 'user', content: 'What is it?', images: [Buffer.from('png').toString('base64')] }],
    });
    assert.match(seen.message.content, /1 image/);
    const formatted = await ollama.chat({ model, messages, format: parameters });
    assert.deepEqual(Object.keys(JSON.parse(formatted.message.content)), ['city']);
  });

  it('embeds', async () => {
    const one = await ollama.embed({ model: 'all-minilm', input: ['a cat', 'a dog'] });
    assert.deepEqual(
      one.embeddings.map((vector) => vector.length),
      [384, 384],
    );
    assert.equal((await ollama.embeddings({ model: 'all-minilm', prompt: 'a cat' })).embedding.length, 384);
  });

  it('pulls with progress, pushes, creates, copies and deletes', async () => {
    const progress: ProgressResponse[] = [];
    for await (const part of await ollama.pull({ model: 'mistral:7b', stream: true })) progress.push(part);
    assert.deepEqual([progress[0]!.status, progress.at(-1)!.status], ['pulling manifest', 'success']);
    const layers = progress.filter(({ total }) => total > 0);
    assert.ok(layers.length > 3 && layers.at(-1)!.completed === layers.at(-1)!.total);
    assert.equal((await ollama.pull({ model: 'phi4' })).status, 'success');
    assert.equal((await ollama.push({ model: 'mistral:7b' })).status, 'success');
    assert.equal(
      (await ollama.create({ model: 'pirate', from: 'mistral:7b', system: 'Talk like a pirate.' })).status,
      'success',
    );
    assert.equal((await ollama.show({ model: 'pirate' })).system, 'Talk like a pirate.');
    await ollama.copy({ source: 'pirate', destination: 'pirate:two' });
    const plain = await ollama.generate({ model: 'mistral:7b', prompt: 'Hello' });
    assert.notEqual((await ollama.generate({ model: 'pirate:two', prompt: 'Hello' })).response, plain.response);
    await ollama.delete({ model: 'pirate' });
    const names = (await ollama.list()).models.map(({ name }) => name);
    assert.ok(names.includes('pirate:two') && names.includes('phi4:latest') && !names.includes('pirate:latest'));
    await assert.rejects(ollama.delete({ model: 'pirate' }), /model 'pirate' not found/);
    await assert.rejects(ollama.copy({ source: 'pirate', destination: 'x' }), /not found/);
    await assert.rejects(ollama.create({ model: 'x' }), /neither 'from' or 'files' was specified/);
    await assert.rejects(async () => {
      for await (const _ of await ollama.pull({ model: 'missing-model', stream: true }));
    }, /file does not exist/);
  });

  it('reports errors with their status, and errors inside a stream', async () => {
    await assert.rejects(ollama.chat({ model: 'nope', messages }), {
      status_code: 404,
      error: "model 'nope' not found",
    });
    await assert.rejects(ollama.chat({ model: 'all-minilm', messages }), { status_code: 400 });
    await assert.rejects(async () => {
      for await (const _ of await ollama.chat({ model: 'fault-inband-error-2', messages, stream: true }));
    }, /simulated error of the runner/);
    await assert.rejects(async () => {
      for await (const _ of await ollama.chat({ model: 'fault-eof-2', messages, stream: true }));
    }, /Did not receive done or success/);
  });

  it('stops generating when the client aborts', async () => {
    const paced = createSimulatedThinker({ profile: { ...thinkerProfiles['rtx4090-7b-q6'], coldLoadMs: 0 } });
    const client = new Ollama({ host: await paced.listen() });
    try {
      await assert.rejects(async () => {
        const stream = await client.chat({
          model,
          messages: [{ role: 'user', content: 'Rain in 5000 words' }],
          stream: true,
          options: { num_predict: 5_000 },
        });
        for await (const part of stream) if (part.message.content) stream.abort();
      }, /abort/i);
      await until('the generation stopped', () => paced.stats().cancelled === 1);
      assert.ok(paced.stats().tokensMade < 100);
      assert.equal(paced.stats().active, 0);
    } finally {
      await paced.close();
    }
  });
});
