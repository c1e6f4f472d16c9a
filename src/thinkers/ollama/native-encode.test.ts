import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelName } from '../../core/ids.ts';
import { aChatRequest, aGenerateRequest } from '../../testing/builders.ts';
import { encodeAnswerRequest, encodeEmbedRequest } from './native-encode.ts';

describe('encodeAnswerRequest', () => {
  it('leaves absent fields absent and always asks for a stream', () => {
    assert.deepEqual(JSON.parse(encodeAnswerRequest(aChatRequest({ text: 'hi' }))), {
      model: 'llama3.2:latest',
      stream: true,
      messages: [{ role: 'user', content: 'hi' }],
    });
  });

  it('passes every field of a chat through, tool arguments as an object', () => {
    const tool = { type: 'function', function: { name: 'weather', description: '', parameters: {} } };
    const body = JSON.parse(
      encodeAnswerRequest(
        aChatRequest({
          messages: [
            { role: 'user', content: 'look', images: ['aGk='] },
            {
              role: 'assistant',
              content: '',
              thinking: 'hm',
              toolCalls: [{ id: 'c1', name: 'weather', argumentsJson: '{"city":"Köln"}' }],
            },
            { role: 'tool', content: '12', toolName: 'weather', toolCallId: 'c1' },
          ],
          tools: [tool],
          options: { temperature: 0, stop: ['x'] },
          outputLimit: 9,
          format: { type: 'object' },
          think: 'high',
          keepAlive: 0,
          truncate: false,
          shift: false,
          logprobs: true,
          topLogprobs: 2,
          extra: { _debug_render_only: true, model: 'never', stream: false },
        }),
      ),
    );
    assert.deepEqual(body, {
      _debug_render_only: true,
      model: 'llama3.2:latest',
      stream: true,
      format: { type: 'object' },
      options: { temperature: 0, stop: ['x'], num_predict: 9 },
      think: 'high',
      keep_alive: 0,
      truncate: false,
      shift: false,
      logprobs: true,
      top_logprobs: 2,
      messages: [
        { role: 'user', content: 'look', images: ['aGk='] },
        {
          role: 'assistant',
          content: '',
          thinking: 'hm',
          tool_calls: [{ id: 'c1', function: { name: 'weather', arguments: { city: 'Köln' } } }],
        },
        { role: 'tool', content: '12', tool_name: 'weather', tool_call_id: 'c1' },
      ],
      tools: [tool],
    });
  });

  it('passes every field of a generate request through', () => {
    const fields = { suffix: 's', system: 'y', template: 't', context: [1, 2], raw: true, images: ['aGk='] };
    assert.deepEqual(JSON.parse(encodeAnswerRequest(aGenerateRequest({ prompt: 'p', ...fields }))), {
      model: 'llama3.2:latest',
      stream: true,
      prompt: 'p',
      ...fields,
    });
  });

  it('refuses tool arguments that are no JSON object instead of changing them', () => {
    for (const argumentsJson of ['{', '[1]', '"x"']) {
      const request = aChatRequest({
        messages: [{ role: 'assistant', content: '', toolCalls: [{ name: 'f', argumentsJson }] }],
      });
      assert.throws(() => encodeAnswerRequest(request), { code: 'bad_request' });
    }
  });
});

describe('encodeEmbedRequest', () => {
  const base = { model: modelName('e'), options: {} };
  it('asks the newer route for many inputs and the older one for its single prompt', () => {
    assert.deepEqual(
      JSON.parse(encodeEmbedRequest({ ...base, input: ['a', 'b'], normalised: true, truncate: true, dimensions: 8 })),
      { model: 'e:latest', input: ['a', 'b'], truncate: true, dimensions: 8 },
    );
    assert.deepEqual(
      JSON.parse(
        encodeEmbedRequest({ ...base, options: { num_ctx: 9 }, input: ['a'], normalised: false, keepAlive: '1m' }),
      ),
      { model: 'e:latest', prompt: 'a', options: { num_ctx: 9 }, keep_alive: '1m' },
    );
  });
});
