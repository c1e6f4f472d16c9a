import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Message } from '../../../core/chat.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import { anyToolCall } from '../../../testing/chat-events.ts';
import { anthropicMessagesCodec } from '../anthropic/messages-codec.ts';
import { ollamaChatCodec, ollamaGenerateCodec } from '../ollama/codecs.ts';
import { openaiResponsesCodec } from '../openai-responses/responses-codec.ts';
import { openaiChatCodec, openaiCompletionsCodec } from '../openai/codecs.ts';

/** One question as a client of each dialect writes it. */
function inEveryDialect(question: { readonly system: string; readonly user: string; readonly limit: number }) {
  const { system, user, limit } = question;
  const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const tool = { name: 'weather', description: 'Tells the weather', parameters: schema };
  const sampling = { temperature: 0, top_p: 0.9 };
  const chatMessages = [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
  return {
    ollama: ollamaChatCodec.decode({
      model: 'm:latest',
      messages: chatMessages,
      tools: [{ type: 'function', function: tool }],
      options: { ...sampling, num_predict: limit },
      stream: false,
    }),
    openai: openaiChatCodec.decode({
      model: 'm',
      messages: chatMessages,
      tools: [{ type: 'function', function: { ...tool, strict: true } }],
      ...sampling,
      max_completion_tokens: limit,
      stream: true,
      user: 'u',
    }),
    responses: openaiResponsesCodec.decode({
      model: 'm',
      instructions: system,
      input: user,
      tools: [{ type: 'function', ...tool, strict: true }],
      ...sampling,
      max_output_tokens: limit,
    }),
    anthropic: anthropicMessagesCodec.decode({
      model: 'm',
      system,
      messages: [{ role: 'user', content: [{ type: 'text', text: user }] }],
      tools: [{ name: tool.name, description: tool.description, input_schema: schema }],
      ...sampling,
      max_tokens: limit,
    }),
  };
}

describe('the same question', () => {
  it('is one request in every dialect, so that one cached answer serves all', () => {
    const decoded = inEveryDialect({ system: 'Be brief.', user: 'Weather in Ulm?', limit: 50 });
    for (const [dialect, { request }] of Object.entries(decoded)) {
      assert.deepEqual(request, decoded.ollama.request, dialect);
    }
  });

  it('is one request after a tool was called', () => {
    const call = { name: 'weather', arguments: { city: 'Ulm' } };
    const user = { role: 'user', content: 'Weather?' };
    const ollama = ollamaChatCodec.decode({
      model: 'm',
      messages: [
        user,
        { role: 'assistant', content: '', tool_calls: [{ id: 'c1', function: call }] },
        { role: 'tool', content: 'rain', tool_name: 'weather', tool_call_id: 'c1' },
      ],
      options: { num_predict: 9 },
    });
    const wireCall = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{ "city": "Ulm" }' } };
    const openai = openaiChatCodec.decode({
      model: 'm',
      messages: [
        user,
        { role: 'assistant', content: null, tool_calls: [wireCall] },
        { role: 'tool', content: 'rain', tool_call_id: 'c1' },
      ],
      max_tokens: 9,
    });
    const anthropic = anthropicMessagesCodec.decode({
      model: 'm',
      max_tokens: 9,
      messages: [
        user,
        { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Ulm' } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: 'rain' }] },
      ],
    });
    assert.deepEqual(openai.request, ollama.request);
    assert.deepEqual(anthropic.request, ollama.request);
  });

  it('is one request with an image', () => {
    const data = 'aGk=';
    const ollama = ollamaChatCodec.decode({
      model: 'm',
      messages: [{ role: 'user', content: 'what?', images: [data] }],
      options: { num_predict: 9 },
    });
    const openai = openaiChatCodec.decode({
      model: 'm',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'what?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } },
          ],
        },
      ],
      max_tokens: 9,
    });
    const source = { type: 'base64', media_type: 'image/png', data };
    const anthropic = anthropicMessagesCodec.decode({
      model: 'm',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'what?' },
            { type: 'image', source },
          ],
        },
      ],
      max_tokens: 9,
    });
    assert.deepEqual(openai.request, ollama.request);
    assert.deepEqual(anthropic.request, ollama.request);
  });

  it('is one request as a plain prompt', () => {
    const options = { seed: 1, stop: ['\n'] };
    assert.deepEqual(
      openaiCompletionsCodec.decode({ model: 'm', prompt: ['once'], max_tokens: 5, seed: 1, stop: '\n' }).request,
      ollamaGenerateCodec.decode({ model: 'm', prompt: 'once', options: { ...options, num_predict: 5 } }).request,
    );
  });

  it('is not the same when a word that matters differs', () => {
    const base = inEveryDialect({ system: 'Be brief.', user: 'Weather?', limit: 50 });
    const other = inEveryDialect({ system: 'Be brief!', user: 'Weather?', limit: 50 });
    for (const dialect of Object.keys(base) as (keyof typeof base)[]) {
      assert.notDeepEqual(base[dialect].request, other[dialect].request, dialect);
    }
  });

  it('survives any conversation on its way through Ollama and OpenAI wire formats', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 6 }), (messages) => {
        const ollama = ollamaChatCodec.decode(wire({ model: 'm', messages: messages.map(toOllama) }));
        const openai = openaiChatCodec.decode(wire({ model: 'm', messages: messages.map(toOpenAi) }));
        assert.deepEqual(ollama.request, openai.request);
        assert.ok(ollama.request.kind === 'chat');
        assert.deepEqual(ollama.request.messages, messages.map(normal));
      }),
    );
  });
});

const text = fc.string({ unit: 'binary', maxLength: 20 });
const base64 = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ role: fc.constant('system' as const), content: text }),
  fc.record(
    { role: fc.constant('user' as const), content: text, images: fc.array(base64, { minLength: 1, maxLength: 2 }) },
    { requiredKeys: ['role', 'content'] },
  ),
  fc.record(
    {
      role: fc.constant('assistant' as const),
      content: text,
      thinking: fc.string({ minLength: 1, maxLength: 9 }),
      toolCalls: fc.array(anyToolCall, { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: ['role', 'content'] },
  ),
  fc.record({
    role: fc.constant('tool' as const),
    content: text,
    toolName: fc.string({ minLength: 1, maxLength: 9 }),
    toolCallId: fc.stringMatching(/^[a-z]{1,5}$/),
  }),
);

/** What a server gets after the body has been text. */
const wire = (body: object): JsonValue => JSON.parse(JSON.stringify(body)) as JsonValue;

/** As decoders spell it: plain objects, and arguments without needless spaces. */
const normal = ({ toolCalls, ...message }: Message): Message => ({
  ...message,
  ...(toolCalls && { toolCalls: toolCalls.map((call) => ({ ...call, argumentsJson: respell(call.argumentsJson) })) }),
});
const respell = (json: string): string => JSON.stringify(JSON.parse(json));

function toOllama(message: Message): object {
  const { role, content, thinking, images, toolCalls, toolName, toolCallId } = message;
  const tool_calls = toolCalls?.map(({ id, name, argumentsJson }) => ({
    id,
    function: { name, arguments: JSON.parse(argumentsJson) as JsonObject },
  }));
  return { role, content, thinking, images, tool_calls, tool_name: toolName, tool_call_id: toolCallId };
}

function toOpenAi(message: Message): object {
  const { role, content, thinking, images, toolCalls, toolName, toolCallId } = message;
  const parts = images?.map((data) => ({ type: 'image_url', image_url: { url: `data:image/webp;base64,${data}` } }));
  const tool_calls = toolCalls?.map(({ id, name, argumentsJson }) => ({
    id,
    type: 'function',
    function: { name, arguments: argumentsJson },
  }));
  const sent = parts ? [{ type: 'text', text: content }, ...parts] : content;
  return { role, content: sent, reasoning: thinking, tool_calls, name: toolName, tool_call_id: toolCallId };
}
