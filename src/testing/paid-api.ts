/** A small real HTTP server that plays an OpenAI-compatible API: what a test says, in chunks, with counts. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PaidApi {
  /** With `/v1`. */
  readonly url: string;
  /** Bodies of what was asked, in order. */
  readonly asked: readonly AskedBody[];
  /** Bearer of the last request. */
  readonly authorization: string | undefined;
  /** How answers go from now on. */
  play(manner: Manner): void;
  close(): Promise<void>;
}

export interface AskedBody {
  readonly model: string;
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  readonly [field: string]: unknown;
}

/** `cut`: ends without `[DONE]`; `unfinished`: `[DONE]` without a reason; `silent`: never a byte; `down`: 500. */
export type Manner = 'well' | 'cut' | 'unfinished' | 'silent' | 'down' | 'calls';

export const paidUsage = { prompt_tokens: 120, completion_tokens: 30, total_tokens: 150 };
export const paidText = 'Bought by the token.';

/** Models of these names behave as they are called, and nobody has `missing`. */
const byName: Readonly<Record<string, Manner>> = { cut: 'cut', silent: 'silent' };

export async function startPaidApi(): Promise<PaidApi> {
  const asked: AskedBody[] = [];
  let authorization: string | undefined;
  let manner: Manner = 'well';
  const server = createServer((request, response) => {
    authorization = request.headers.authorization;
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
        response.writeHead(404).end('no such route');
        return;
      }
      const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as AskedBody;
      asked.push(body);
      answer(response, body, byName[nameOf(body)] ?? manner);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    get authorization() {
      return authorization;
    },
    play: (next) => void (manner = next),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const nameOf = ({ model }: AskedBody): string => model.replace(/:latest$/, '');

function answer(response: ServerResponse, body: AskedBody, manner: Manner): void {
  if (manner === 'silent') return;
  if (manner === 'down' || nameOf(body) === 'missing') {
    response.writeHead(manner === 'down' ? 500 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: manner === 'down' ? 'out of order' : 'no such model' } }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (data: unknown): void => void response.write(`data: ${JSON.stringify(data)}\n\n`);
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: body.model };
  const delta = (content: object): void =>
    send({ ...head, choices: [{ index: 0, delta: content, finish_reason: null }] });
  response.write(': a comment\n\n');
  delta({ role: 'assistant', content: '' });
  if (manner === 'calls') {
    delta({ tool_calls: [{ index: 0, id: 'call_9', type: 'function', function: { name: 'look', arguments: '' } }] });
    delta({ tool_calls: [{ index: 0, function: { arguments: '{"at":' } }] });
    delta({ tool_calls: [{ index: 0, function: { arguments: '"sky"}' } }] });
  } else {
    const words = paidText.split(/(?= )/);
    const short = body['max_tokens'] === 1;
    for (const word of short ? words.slice(0, 1) : words) delta({ content: word });
    if (manner === 'cut') return void response.end();
    if (manner !== 'unfinished')
      send({ ...head, choices: [{ index: 0, delta: {}, finish_reason: short ? 'length' : 'stop' }] });
  }
  if (manner === 'calls') send({ ...head, choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] });
  send({ ...head, choices: [], usage: paidUsage });
  response.end('data: [DONE]\n\n');
}
