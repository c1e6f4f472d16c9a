import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import type { AnswerRequest } from '../../core/chat.ts';
import { modelName, thinkerId } from '../../core/ids.ts';
import { paidText, paidUsage, startPaidApi, type Manner, type PaidApi } from '../../testing/paid-api.ts';
import { RecordingSink } from '../../testing/recording-sink.ts';
import { thinkerConformance } from './conformance.ts';
import { createOpenAiThinker } from './openai.ts';

const at = (url: string, model?: string) =>
  createOpenAiThinker({
    id: thinkerId('fallback'),
    name: 'fallback',
    url,
    key: 'a-key-of-somebody',
    ...(model !== undefined && { model }),
    maxConcurrency: 4,
    outputTokensMax: 500,
    clock: systemClock,
  });

thinkerConformance(
  'openai',
  async () => {
    const api = await startPaidApi();
    const thinker = at(api.url);
    return {
      thinker,
      model: 'mini',
      embeddingModel: '',
      missingModel: 'missing',
      cutModel: 'cut',
      silentModel: 'silent',
      async close() {
        await thinker.close();
        await api.close();
      },
    };
  },
  'answers',
);

describe('createOpenAiThinker', () => {
  const asking = async (request: AnswerRequest, manner: Manner = 'well') => {
    const api: PaidApi = await startPaidApi();
    const thinker = at(api.url, 'gpt-small');
    try {
      api.play(manner);
      const sink = new RecordingSink();
      thinker.answer(request, sink, { firstTokenMs: 5_000, stallMs: 5_000, totalMs: 10_000 });
      await sink.settled();
      return { sink, body: api.asked[0]!, authorization: api.authorization };
    } finally {
      await thinker.close();
      await api.close();
    }
  };
  const base = { model: modelName('ours'), outputLimit: undefined } as const;
  const hello: AnswerRequest = { ...base, kind: 'chat', messages: [{ role: 'user', content: 'Hello' }], options: {} };

  it('asks its model with its key, streamed and counted, and tells text and counts', async () => {
    const { sink, body, authorization } = await asking({
      ...hello,
      options: { temperature: 0, num_ctx: 4096, stop: ['x'] },
    });
    assert.equal(authorization, 'Bearer a-key-of-somebody');
    assert.deepEqual(body, {
      temperature: 0,
      stop: ['x'],
      model: 'gpt-small',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 500,
      stream: true,
      stream_options: { include_usage: true },
    });
    assert.equal(sink.text, paidText);
    const end = sink.events.at(-1);
    assert.ok(end?.type === 'end');
    assert.deepEqual(end.usage, {
      promptTokens: paidUsage.prompt_tokens,
      completionTokens: paidUsage.completion_tokens,
    });
  });

  it('sends images, formats, tools and results of calls as that API wants them', async () => {
    const tool = { type: 'function', function: { name: 'look', parameters: { type: 'object' } } };
    const { body } = await asking({
      ...hello,
      tools: [tool],
      format: { type: 'object' },
      outputLimit: 9,
      messages: [
        { role: 'user', content: 'What is this?', images: ['iVBORw0KGgo='] },
        { role: 'assistant', content: '', toolCalls: [{ name: 'look', argumentsJson: '{}' }] },
        { role: 'tool', content: 'a cat', toolName: 'look' },
      ],
    });
    assert.deepEqual(body['tools'], [tool]);
    assert.deepEqual(body['response_format'], {
      type: 'json_schema',
      json_schema: { name: 'answer', schema: { type: 'object' } },
    });
    assert.equal(body['max_tokens'], 9);
    assert.deepEqual(body.messages, [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_0', type: 'function', function: { name: 'look', arguments: '{}' } }],
      },
      { role: 'tool', content: 'a cat', tool_call_id: 'call_0' },
    ]);
  });

  it('puts the pieces of a call together', async () => {
    const { sink } = await asking(hello, 'calls');
    assert.deepEqual(
      sink.events.filter(({ type }) => type === 'tool-call'),
      [{ type: 'tool-call', call: { id: 'call_9', name: 'look', argumentsJson: '{"at":"sky"}' } }],
    );
    const end = sink.events.at(-1);
    assert.ok(end?.type === 'end' && end.finishReason === 'tool-calls');
  });

  it('fails an answer that says it is over and not why', async () => {
    const { sink } = await asking(hello, 'unfinished');
    assert.deepEqual([sink.failures[0]?.code, sink.ended], ['upstream_broken_stream', false]);
  });

  it('fails with upstream_failed when the API is out of order', async () => {
    const { sink } = await asking(hello, 'down');
    assert.deepEqual(
      sink.failures.map(({ code }) => code),
      ['upstream_failed'],
    );
  });
});
