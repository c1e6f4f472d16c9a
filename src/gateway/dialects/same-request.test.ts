/** One cache serves every dialect only if the same question becomes the same request in all of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnswerRequest } from '../../core/chat.ts';
import type { JsonObject } from '../../core/json.ts';
import { anthropicMessagesCodec } from './anthropic/messages-codec.ts';
import type { AnswerCodec } from './dialect.ts';
import { ollamaChatCodec } from './ollama/codecs.ts';
import { openaiResponsesCodec } from './openai-responses/responses-codec.ts';
import { openaiChatCodec } from './openai/codecs.ts';

const codecs = {
  ollama: ollamaChatCodec,
  openai: openaiChatCodec,
  responses: openaiResponsesCodec,
  anthropic: anthropicMessagesCodec,
} as const satisfies Record<string, AnswerCodec>;
type Name = keyof typeof codecs;
const names = Object.keys(codecs) as Name[];

/** Anthropic requires an output limit; it is no part of what makes two requests the same. */
function decoded(name: Name, body: JsonObject): Omit<AnswerRequest, 'outputLimit'> {
  const limit = name === 'anthropic' ? { max_tokens: 1000 } : {};
  const { outputLimit: _, ...request } = codecs[name].decode({ model: 'qwen3', ...limit, ...body }).request;
  return request;
}

const png = 'iVBORw0KGgo=';
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const ask = (content: string): JsonObject => ({ role: 'user', content });
const asked = { messages: [ask('Why is the sky blue?')] };

const cases: readonly (readonly [string, Readonly<Record<Name, JsonObject>>])[] = [
  [
    'a plain question',
    { ollama: asked, openai: asked, anthropic: asked, responses: { input: 'Why is the sky blue?' } },
  ],
  [
    'a conversation with a system prompt',
    {
      ollama: {
        messages: [
          { role: 'system', content: 'Be brief.' },
          ask('Hi'),
          { role: 'assistant', content: 'Yo' },
          ask('So?'),
        ],
      },
      openai: {
        messages: [
          { role: 'developer', content: 'Be brief.' },
          ask('Hi'),
          { role: 'assistant', content: 'Yo' },
          ask('So?'),
        ],
      },
      anthropic: { system: 'Be brief.', messages: [ask('Hi'), { role: 'assistant', content: 'Yo' }, ask('So?')] },
      responses: { instructions: 'Be brief.', input: [ask('Hi'), { role: 'assistant', content: 'Yo' }, ask('So?')] },
    },
  ],
  [
    'text in parts',
    {
      ollama: { messages: [ask('one\n\ntwo')] },
      openai: {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'one' },
              { type: 'text', text: 'two' },
            ],
          },
        ],
      },
      anthropic: {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'one' },
              { type: 'text', text: 'two' },
            ],
          },
        ],
      },
      responses: {
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'one' },
              { type: 'input_text', text: 'two' },
            ],
          },
        ],
      },
    },
  ],
  [
    'an image',
    {
      ollama: { messages: [{ role: 'user', content: 'What?', images: [png] }] },
      openai: {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What?' },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
            ],
          },
        ],
      },
      anthropic: {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What?' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
            ],
          },
        ],
      },
      responses: {
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'What?' },
              { type: 'input_image', image_url: `data:image/png;base64,${png}` },
            ],
          },
        ],
      },
    },
  ],
  [
    'sampling, a schema and an effort',
    {
      ollama: { ...asked, options: { temperature: 0, top_p: 0.5 }, format: schema, think: 'low' },
      openai: {
        ...asked,
        temperature: 0,
        top_p: 0.5,
        response_format: { type: 'json_schema', json_schema: { name: 'place', schema } },
        reasoning_effort: 'low',
      },
      anthropic: {
        ...asked,
        temperature: 0,
        top_p: 0.5,
        output_config: { effort: 'low', format: { type: 'json_schema', schema } },
      },
      responses: {
        input: [ask('Why is the sky blue?')],
        temperature: 0,
        top_p: 0.5,
        text: { format: { type: 'json_schema', name: 'place', schema } },
        reasoning: { effort: 'low' },
      },
    },
  ],
  [
    'a tool, its call and its result',
    {
      ollama: {
        tools: [{ type: 'function', function: { name: 'weather', description: 'Tells it', parameters: schema } }],
        messages: [
          ask('Weather?'),
          {
            role: 'assistant',
            content: '',
            tool_calls: [{ id: 'call_1', function: { name: 'weather', arguments: { city: 'Rome' } } }],
          },
          { role: 'tool', content: 'sunny', tool_name: 'weather', tool_call_id: 'call_1' },
        ],
      },
      openai: {
        tools: [{ type: 'function', function: { name: 'weather', description: 'Tells it', parameters: schema } }],
        messages: [
          ask('Weather?'),
          {
            role: 'assistant',
            content: null,
            tool_calls: [
              { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city": "Rome"}' } },
            ],
          },
          { role: 'tool', content: 'sunny', tool_call_id: 'call_1' },
        ],
      },
      anthropic: {
        tools: [{ name: 'weather', description: 'Tells it', input_schema: schema }],
        messages: [
          ask('Weather?'),
          {
            role: 'assistant',
            content: [{ type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Rome' } }],
          },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: 'sunny' }] },
        ],
      },
      responses: {
        tools: [{ type: 'function', name: 'weather', description: 'Tells it', parameters: schema, strict: null }],
        input: [
          ask('Weather?'),
          { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city": "Rome"}' },
          { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
        ],
      },
    },
  ],
];

describe('the same question in every dialect', () => {
  for (const [what, bodies] of cases) {
    for (const name of names.filter((name) => name !== 'ollama')) {
      it(`is the same request: ${what}, in ${name} as in ollama`, () => {
        assert.deepEqual(decoded(name, bodies[name]), decoded('ollama', bodies.ollama));
      });
    }
  }
});
