import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { model, startRig, until, type Rig } from './harness.ts';

describe('the official Anthropic client, unmodified', () => {
  let rig: Rig;
  let anthropic: Anthropic;
  before(async () => {
    // A thinker that stays busy is waited for this long before the client is told.
    rig = await startRig({ config: { admission: { queueWaitMaxMs: 300 } } });
    anthropic = new Anthropic({ baseURL: rig.url, apiKey: 'any', maxRetries: 0 });
  });
  after(() => rig.close());

  const ask = (content: string) => ({ model, max_tokens: 500, messages: [{ role: 'user' as const, content }] });

  it('sends a message, not streamed', async () => {
    const message = await anthropic.messages.create({ ...ask('Why does iron rust?'), system: 'Be brief.' });
    assert.equal(message.type, 'message');
    assert.equal(message.stop_reason, 'end_turn');
    const [block] = message.content;
    assert.ok(block?.type === 'text' && /rust/i.test(block.text));
    assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
  });

  it('streams; the events add up to the message of the cache', async () => {
    const first = await anthropic.messages.stream(ask('How do magnets work?')).finalMessage();
    const second = await anthropic.messages.create(ask('How do magnets work?')).withResponse();
    assert.equal(second.response.headers.get('x-selfhost-cache'), 'exact');
    assert.deepEqual(second.data.content, first.content);
    assert.deepEqual(second.data.usage.output_tokens, first.usage.output_tokens);
    const third = await anthropic.messages.stream(ask('How do magnets work?')).finalMessage();
    assert.deepEqual(third.content, first.content);
    assert.notEqual(third.id, first.id);
  });

  it('uses tools, streamed and not, and goes on with the result', async () => {
    const tools = [
      {
        name: 'get_weather',
        input_schema: { type: 'object' as const, required: ['city'], properties: { city: { type: 'string' } } },
      },
    ];
    const message = await anthropic.messages.create({ ...ask('What is the weather in Lima?'), tools });
    assert.equal(message.stop_reason, 'tool_use');
    const use = message.content.find((block) => block.type === 'tool_use');
    assert.ok(use?.type === 'tool_use' && use.name === 'get_weather');
    const streamed = await anthropic.messages.stream({ ...ask('What is the weather in Cairo?'), tools }).finalMessage();
    assert.ok(streamed.content.some((block) => block.type === 'tool_use'));
    const next = await anthropic.messages.create({
      model,
      max_tokens: 500,
      tools,
      messages: [
        { role: 'user', content: 'What is the weather in Lima?' },
        { role: 'assistant', content: message.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'Foggy and 17 degrees' }] },
      ],
    });
    const [block] = next.content;
    assert.ok(block?.type === 'text' && /foggy/i.test(block.text));
  });

  it('stops at its own max_tokens', async () => {
    const message = await anthropic.messages.create({ ...ask('Write at length about trees'), max_tokens: 5 });
    assert.equal(message.stop_reason, 'max_tokens');
    assert.equal(message.usage.output_tokens, 5);
  });

  it('lists models in its own shape', async () => {
    const names = [];
    for await (const listed of anthropic.models.list()) names.push(listed.id);
    assert.ok(names.includes(model));
  });

  it('counts tokens, and is told that it is an estimate', async () => {
    const { data, response } = await anthropic.messages
      .countTokens({ model, messages: [{ role: 'user', content: 'How many tokens is this?' }] })
      .withResponse();
    assert.ok(data.input_tokens > 3 && data.input_tokens < 30);
    assert.match(response.headers.get('x-selfhost-notice') ?? '', /estimate/);
  });

  it('gets typed errors', async () => {
    await assert.rejects(anthropic.messages.create({ ...ask('hi'), model: 'nope' }), Anthropic.NotFoundError);
    await assert.rejects(anthropic.messages.create({ ...ask('hi'), max_tokens: 0 }), (error) => {
      assert.ok(error instanceof Anthropic.BadRequestError);
      assert.match(error.message, /max_tokens/);
      return true;
    });
    await assert.rejects(
      anthropic.messages.create({ ...ask('hi'), model: 'fault-503-busy' }),
      Anthropic.InternalServerError,
    );
  });

  it('gets an error, not a clean end, when the thinker dies in mid-stream', async () => {
    const stream = anthropic.messages.stream({ ...ask('Tell me a story'), model: 'fault-cut-5' });
    await assert.rejects(stream.finalMessage(), Anthropic.APIError);
  });

  it('stops the thinker when it aborts', async () => {
    const before = rig.sim.stats().cancelled;
    const stream = anthropic.messages.stream({ ...ask('Tell me a long story'), model: 'fault-stall-5' });
    stream.on('text', () => stream.abort());
    await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
    await until('the thinker saw the client go', () => rig.sim.stats().cancelled > before);
  });
});
