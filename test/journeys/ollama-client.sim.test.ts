import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Ollama } from 'ollama';
import { model, post, startRig, until, type Rig } from './harness.ts';

describe('the official ollama client, unmodified', () => {
  let rig: Rig;
  let ollama: Ollama;
  before(async () => {
    rig = await startRig();
    ollama = new Ollama({ host: rig.url });
  });
  after(() => rig.close());

  it('chats, not streamed', async () => {
    const answer = await ollama.chat({ model, messages: [{ role: 'user', content: 'Why is the sky blue at noon?' }] });
    assert.equal(answer.done, true);
    assert.equal(answer.done_reason, 'stop');
    assert.match(answer.message.content, /simulated/i);
    assert.match(answer.message.content, /sky/i);
    assert.equal(answer.model, model);
    assert.ok(answer.eval_count > 0 && answer.prompt_eval_count > 0);
  });

  it('chats, streamed: the deltas join to the answer that is then served from the cache', async () => {
    const messages = [{ role: 'user', content: 'How do bees find their way home?' }];
    let text = '';
    let last;
    for await (const part of await ollama.chat({ model, messages, stream: true })) {
      text += part.message.content;
      last = part;
    }
    assert.equal(last?.done, true);
    assert.ok(text.length > 10);
    const again = await ollama.chat({ model, messages });
    assert.equal(again.message.content, text);
    const raw = await post(`${rig.url}/api/chat`, { model, messages, stream: false });
    assert.equal(raw.headers.get('x-selfhost-cache'), 'exact');
    assert.equal(raw.headers.get('x-selfhost-similarity'), '1');
    assert.match(raw.headers.get('age') ?? '', /^\d+$/);
    await raw.body?.cancel();
  });

  it('generates, streamed and not, with a context to go on from', async () => {
    const whole = await ollama.generate({ model, prompt: 'Name three rivers of Europe' });
    assert.equal(whole.done, true);
    assert.ok(Array.isArray(whole.context));
    let text = '';
    for await (const part of await ollama.generate({ model, prompt: 'Name three rivers of Europe', stream: true }))
      text += part.response;
    assert.equal(text, whole.response);
  });

  it('embeds one text and several', async () => {
    const one = await ollama.embed({ model: 'all-minilm', input: 'hello' });
    assert.equal(one.embeddings.length, 1);
    assert.equal(one.embeddings[0]?.length, 384);
    const two = await ollama.embed({ model: 'all-minilm', input: ['hello', 'world'] });
    assert.equal(two.embeddings.length, 2);
    assert.deepEqual(two.embeddings[0], one.embeddings[0]);
    const old = await ollama.embeddings({ model: 'all-minilm', prompt: 'hello' });
    assert.equal(old.embedding.length, 384);
  });

  it('lists, shows and tells what is loaded', async () => {
    const { models } = await ollama.list();
    assert.ok(models.some((known) => known.name === model));
    const shown = await ollama.show({ model });
    assert.ok(shown.details.family.length > 0);
    const { models: loaded } = await ollama.ps();
    assert.ok(Array.isArray(loaded));
    assert.match((await ollama.version()).version, /^\d+\.\d+/);
  });

  it('calls tools', async () => {
    const answer = await ollama.chat({
      model,
      messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_weather',
            description: 'Weather of a city',
            parameters: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
          },
        },
      ],
    });
    assert.equal(answer.message.tool_calls?.[0]?.function.name, 'get_weather');
    assert.equal(typeof answer.message.tool_calls?.[0]?.function.arguments['city'], 'string');
  });

  it('asks for JSON and for a schema', async () => {
    const free = await ollama.chat({ model, messages: [{ role: 'user', content: 'Describe a cat' }], format: 'json' });
    assert.equal(typeof JSON.parse(free.message.content), 'object');
    const schema = {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' } },
      required: ['name', 'age'],
    };
    const shaped = JSON.parse(
      (await ollama.chat({ model, messages: [{ role: 'user', content: 'Describe a dog' }], format: schema })).message
        .content,
    ) as Record<string, unknown>;
    assert.equal(typeof shaped['name'], 'string');
    assert.ok(Number.isInteger(shaped['age']));
  });

  it('is told of an unknown model as Ollama tells it', async () => {
    await assert.rejects(
      ollama.chat({ model: 'no-such-model', messages: [{ role: 'user', content: 'hi' }] }),
      (error: Error & { status_code?: number }) => {
        assert.equal(error.status_code, 404);
        assert.match(error.message, /no-such-model.*not found/);
        return true;
      },
    );
  });

  it('is refused what belongs to the operator, and told where to go', async () => {
    await assert.rejects(ollama.pull({ model: 'x' }), (error: Error & { status_code?: number }) => {
      assert.equal(error.status_code, 403);
      assert.ok(error.message.includes(`${rig.adminUrl}/api/pull`));
      return true;
    });
    await assert.rejects(ollama.delete({ model }), /operator/);
    await assert.rejects(ollama.copy({ source: model, destination: 'b' }), /operator/);
  });

  it('stops the thinker when it aborts a stream', async () => {
    const before = rig.sim.stats().cancelled;
    const stream = await ollama.chat({
      model: 'fault-stall-5',
      messages: [{ role: 'user', content: 'Tell me a long story' }],
      stream: true,
    });
    const reading = (async () => {
      for await (const part of stream) if (part.message.content !== '') stream.abort();
    })();
    await assert.rejects(reading, { name: 'AbortError' });
    await until('the thinker saw the client go', () => rig.sim.stats().cancelled > before);
  });

  it('loads a model with an empty request', async () => {
    const answer = await post(`${rig.url}/api/generate`, { model, prompt: '', stream: false });
    const body = (await answer.json()) as { done_reason: string };
    assert.equal(body.done_reason, 'load');
    assert.equal(answer.headers.get('x-selfhost-cache'), 'bypass');
  });
});
