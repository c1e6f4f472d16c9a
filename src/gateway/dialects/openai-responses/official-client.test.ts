import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import OpenAI from 'openai';
import type { ChatEvent } from '../../../core/chat.ts';
import type { JsonObject } from '../../../core/json.ts';
import { cannedFetch, type CannedReply } from '../../../testing/canned-fetch.ts';
import { answerOf, broken, end, everything, reply, start, text } from '../../../testing/scripted-answer.ts';
import { openaiResponsesCodec } from './responses-codec.ts';

const ask = { model: 'qwen3', input: 'Hello?' };

function streamed(events: readonly ChatEvent[], fields: JsonObject = {}): string {
  const encoder = openaiResponsesCodec.decode({ ...ask, ...fields }).openStream(reply);
  return events.map((event) => encoder.event(event)).join('');
}

function whole(events: readonly ChatEvent[], fields: JsonObject = {}): string {
  return openaiResponsesCodec.decode({ ...ask, ...fields }).encodeAnswer(answerOf(events), reply);
}

function client(answer: (request: unknown) => CannedReply): OpenAI {
  return new OpenAI({
    apiKey: 'unused',
    baseURL: 'http://in-process.test',
    maxRetries: 0,
    fetch: cannedFetch(answer).fetch,
  });
}

describe('the official OpenAI client', () => {
  const sse = (body: string, pieceBytes?: number) => () => ({
    body,
    contentType: 'text/event-stream',
    ...(pieceBytes && { pieceBytes }),
  });

  for (const pieceBytes of [1, 7, 100_000]) {
    it(`gathers a streamed answer that arrives ${pieceBytes} bytes at a time`, async () => {
      const body = openaiResponsesCodec.heartbeat! + streamed(everything);
      const stream = client(sse(body, pieceBytes)).responses.stream(ask);
      let seen = '';
      stream.on('response.output_text.delta', ({ delta }) => (seen += delta));
      const response = await stream.finalResponse();
      assert.equal(seen, 'Let me look.');
      assert.equal(response.output_text, 'Let me look.');
      assert.equal(response.status, 'completed');
      assert.deepEqual(
        [response.usage?.input_tokens, response.usage?.output_tokens, response.usage?.total_tokens],
        [11, 7, 18],
      );
      assert.deepEqual(
        response.output.map((item) =>
          item.type === 'function_call' ? [item.name, item.call_id, item.arguments] : item.type,
        ),
        ['reasoning', 'message', ['zoom', 'call_9', '{"factor":2}'], ['now', 'call_abc1', '{}']],
      );
    });
  }

  it('reads the same response whether streamed or whole', async () => {
    const created = await client(() => ({ body: whole(everything) })).responses.create(ask);
    assert.equal(created.output_text, 'Let me look.');
    assert.deepEqual(
      created.output.map(({ type, id }) => [type, id]),
      [
        ['reasoning', 'rs_abc0'],
        ['message', 'msg_abc1'],
        ['function_call', 'fc_abc2'],
        ['function_call', 'fc_abc3'],
      ],
    );
    let completed: OpenAI.Responses.Response | undefined;
    for await (const event of await client(sse(streamed(everything))).responses.create({ ...ask, stream: true })) {
      if (event.type === 'response.completed') completed = event.response;
    }
    const { output_text: _, ...wire } = created;
    assert.deepEqual(JSON.parse(JSON.stringify(completed)), JSON.parse(JSON.stringify(wire)));
  });

  it('sends the answer and its tool results back as a conversation that we understand', async () => {
    const response = await client(() => ({ body: whole(everything) })).responses.create(ask);
    const canned = cannedFetch(() => ({ body: whole([start, text('It is noon.'), end()]) }));
    const next = new OpenAI({ apiKey: 'unused', baseURL: 'http://in-process.test', fetch: canned.fetch });
    await next.responses.create({
      ...ask,
      input: [
        { role: 'user', content: 'Hello?' },
        ...(response.output as OpenAI.Responses.ResponseInputItem[]),
        { type: 'function_call_output', call_id: 'call_9', output: 'zoomed' },
        { type: 'function_call_output', call_id: 'call_abc1', output: 'noon' },
      ],
    });
    const { request } = openaiResponsesCodec.decode(canned.requests[0] as JsonObject);
    assert.deepEqual(request.kind === 'chat' && request.messages, [
      { role: 'user', content: 'Hello?' },
      {
        role: 'assistant',
        content: 'Let me look.',
        thinking: 'Hm, two tools.',
        toolCalls: [
          { id: 'call_9', name: 'zoom', argumentsJson: '{"factor":2}' },
          { id: 'call_abc1', name: 'now', argumentsJson: '{}' },
        ],
      },
      { role: 'tool', content: 'zoomed', toolName: 'zoom', toolCallId: 'call_9' },
      { role: 'tool', content: 'noon', toolName: 'now', toolCallId: 'call_abc1' },
    ]);
  });

  it('parses structured output', async () => {
    const format = { type: 'json_schema' as const, name: 'place', schema: { type: 'object' }, strict: true };
    const body = streamed([start, text('{"city":'), text('"Rome"}'), end()], { text: { format } });
    const response = await client(sse(body))
      .responses.stream({ ...ask, text: { format } })
      .finalResponse();
    assert.deepEqual(JSON.parse(response.output_text), { city: 'Rome' });
  });

  for (const mode of ['create', 'stream'] as const) {
    it(`raises an error that comes in the stream, through responses.${mode}`, async () => {
      const encoder = openaiResponsesCodec.decode(ask).openStream(reply);
      const body = encoder.event(start) + encoder.event(text('Half an ans')) + encoder.fail(broken);
      const openai = client(sse(body));
      const types: string[] = [];
      const read = async () => {
        const stream =
          mode === 'create' ? await openai.responses.create({ ...ask, stream: true }) : openai.responses.stream(ask);
        for await (const event of stream) types.push(event.type);
      };
      await assert.rejects(read(), (error) => {
        assert.ok(error instanceof OpenAI.APIError, String(error));
        assert.match(error.message, /the thinker closed the stream; ask again/);
        assert.equal(error.code, 'upstream_broken_stream');
        return true;
      });
      if (mode === 'create') {
        assert.deepEqual(types.slice(-5), [
          'response.output_text.delta',
          'response.output_text.done',
          'response.content_part.done',
          'response.output_item.done',
          'response.failed',
        ]);
      }
    });
  }

  it('raises an error that comes before the first event', async () => {
    const body = openaiResponsesCodec.decode(ask).openStream(reply).fail(broken);
    await assert.rejects(client(sse(body)).responses.stream(ask).finalResponse(), /the thinker closed the stream/);
  });
});
