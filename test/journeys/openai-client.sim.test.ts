import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { model, startRig, until, type Rig } from './harness.ts';

describe('the official openai client, unmodified', () => {
  let rig: Rig;
  let openai: OpenAI;
  before(async () => {
    rig = await startRig();
    openai = new OpenAI({ baseURL: `${rig.url}/v1`, apiKey: 'any', maxRetries: 0 });
  });
  after(() => rig.close());

  const ask = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });

  it('chats, not streamed', async () => {
    const answer = await openai.chat.completions.create(ask('Why do leaves fall in autumn?'));
    assert.equal(answer.object, 'chat.completion');
    assert.equal(answer.choices[0]?.finish_reason, 'stop');
    assert.match(answer.choices[0]?.message.content ?? '', /leaves/i);
    assert.ok(answer.usage!.prompt_tokens > 0 && answer.usage!.completion_tokens > 0);
    assert.equal(answer.usage!.total_tokens, answer.usage!.prompt_tokens + answer.usage!.completion_tokens);
  });

  it('chats, streamed with usage; a second reply has its own id and the same text', async () => {
    const read = async () => {
      let text = '';
      let usage;
      let id = '';
      const stream = await openai.chat.completions.create({
        ...ask('How deep is the ocean?'),
        stream: true,
        stream_options: { include_usage: true },
      });
      for await (const chunk of stream) {
        id = chunk.id;
        text += chunk.choices[0]?.delta.content ?? '';
        if (chunk.usage) usage = chunk.usage;
      }
      return { text, usage, id };
    };
    const first = await read();
    const second = await read();
    assert.equal(second.text, first.text);
    assert.deepEqual(second.usage, first.usage);
    assert.notEqual(second.id, first.id);
  });

  it('tells by headers where an answer came from', async () => {
    const { response: missed } = await openai.chat.completions.create(ask('What is a glacier?')).withResponse();
    assert.equal(missed.headers.get('x-selfhost-cache'), 'miss');
    assert.equal(missed.headers.get('x-selfhost-thinker'), 'sim');
    const { response: hit } = await openai.chat.completions.create(ask('What is a glacier?')).withResponse();
    assert.equal(hit.headers.get('x-selfhost-cache'), 'exact');
    assert.match(hit.headers.get('x-selfhost-request-id') ?? '', /^req_/);
    const { response: fresh } = await openai.chat.completions
      .create(ask('What is a glacier?'), { headers: { 'cache-control': 'no-store' } })
      .withResponse();
    assert.equal(fresh.headers.get('x-selfhost-cache'), 'bypass');
  });

  it('completes a prompt, streamed and not', async () => {
    const whole = await openai.completions.create({ model, prompt: 'Once upon a time' });
    assert.equal(whole.object, 'text_completion');
    let text = '';
    for await (const chunk of await openai.completions.create({ model, prompt: 'Once upon a time', stream: true }))
      text += chunk.choices[0]?.text ?? '';
    assert.equal(text, whole.choices[0]?.text);
  });

  it('embeds as floats and as base64', async () => {
    // The client asks for base64 unless told otherwise, and decodes it.
    const packed = await openai.embeddings.create({ model: 'all-minilm', input: ['hello', 'world'] });
    const plain = await openai.embeddings.create({
      model: 'all-minilm',
      input: ['hello', 'world'],
      encoding_format: 'float',
    });
    assert.equal(packed.data.length, 2);
    assert.equal(packed.data[1]?.embedding.length, 384);
    packed.data[1]?.embedding.forEach((value, i) => assert.ok(Math.abs(value - plain.data[1]!.embedding[i]!) < 1e-6));
  });

  it('lists models and finds one', async () => {
    const names = [];
    for await (const listed of openai.models.list()) names.push(listed.id);
    assert.ok(names.includes(model));
    assert.equal((await openai.models.retrieve(model)).id, model);
    await assert.rejects(openai.models.retrieve('nope'), OpenAI.NotFoundError);
  });

  it('calls tools, streamed and not, and goes on with the result', async () => {
    const tools = [
      {
        type: 'function' as const,
        function: {
          name: 'get_weather',
          parameters: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
        },
      },
    ];
    const answer = await openai.chat.completions.create({ ...ask('What is the weather in Rome?'), tools });
    const message = answer.choices[0]?.message;
    assert.ok(message);
    assert.equal(answer.choices[0]?.finish_reason, 'tool_calls');
    const call = answer.choices[0]?.message.tool_calls?.[0];
    assert.ok(call?.type === 'function' && typeof JSON.parse(call.function.arguments).city === 'string');
    const runner = openai.chat.completions.stream({ ...ask('What is the weather in Oslo?'), tools });
    const final = await runner.finalChatCompletion();
    assert.equal(final.choices[0]?.message.tool_calls?.[0]?.type, 'function');
    const after = await openai.chat.completions.create({
      model,
      tools,
      messages: [
        { role: 'user', content: 'What is the weather in Rome?' },
        message,
        { role: 'tool', tool_call_id: call.id, content: 'Sunny and 21 degrees' },
      ],
    });
    assert.match(after.choices[0]?.message.content ?? '', /sunny/i);
  });

  it('asks for a JSON schema', async () => {
    const answer = await openai.chat.completions.create({
      ...ask('Describe a book'),
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'book',
          schema: {
            type: 'object',
            properties: { title: { type: 'string' }, pages: { type: 'integer' } },
            required: ['title', 'pages'],
          },
        },
      },
    });
    const book = JSON.parse(answer.choices[0]?.message.content ?? '') as Record<string, unknown>;
    assert.equal(typeof book['title'], 'string');
    assert.ok(Number.isInteger(book['pages']));
  });

  it('uses the responses API, streamed and not', async () => {
    const whole = await openai.responses.create({ model, input: 'What makes bread rise?' });
    assert.equal(whole.status, 'completed');
    assert.match(whole.output_text, /bread/i);
    const stream = openai.responses.stream({ model, input: 'What makes bread rise?' });
    const final = await stream.finalResponse();
    assert.equal(final.output_text, whole.output_text);
  });

  it('gets typed errors', async () => {
    await assert.rejects(openai.chat.completions.create({ ...ask('hi'), model: 'nope' }), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.match(error.message, /nope/);
      return true;
    });
    await assert.rejects(openai.chat.completions.create({ model, messages: 'hi' as never }), OpenAI.BadRequestError);
    await assert.rejects(openai.chat.completions.create({ ...ask('hi'), n: 2 }), OpenAI.BadRequestError);
  });

  it('gets an error, not a clean end, when the thinker dies in mid-stream', async () => {
    const stream = await openai.chat.completions.create({
      ...ask('Tell me a story'),
      model: 'fault-cut-5',
      stream: true,
    });
    let text = '';
    await assert.rejects(async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    }, OpenAI.APIError);
    assert.ok(text.length > 0);
  });

  it('stops the thinker when it aborts, streamed or not', async () => {
    const before = rig.sim.stats().cancelled;
    const stream = await openai.chat.completions.create({
      ...ask('Tell me a long story'),
      model: 'fault-stall-5',
      stream: true,
    });
    for await (const _ of stream) {
      stream.controller.abort();
      break;
    }
    await until('the streamed call was cancelled', () => rig.sim.stats().cancelled > before);
    const controller = new AbortController();
    const inFlight = () => rig.gateway.status().traffic.inFlight;
    const pending = openai.chat.completions.create(
      { ...ask('Another long story'), model: 'fault-stall-5' },
      { signal: controller.signal },
    );
    await until('the call reached the thinker', () => inFlight() > 0);
    controller.abort();
    await assert.rejects(pending, OpenAI.APIUserAbortError);
    await until('nothing is in flight', () => inFlight() === 0);
  });
});
