/**
 * Baseline of a hit: a bare `node:http` server that answers from a Map, with the gateway's own code for
 * what cannot be left out: parsing, decoding and the canonical key.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exactKeyOf } from '../../src/cache/scope.ts';
import { configSchema } from '../../src/config/schema.ts';
import { localTenant, type ExactKey } from '../../src/core/ids.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { ollamaChatCodec } from '../../src/gateway/dialects/ollama/codecs.ts';
import { createPinner } from '../../src/gateway/effective-request.ts';
import { childOptions, ready } from './child.ts';
import { chatBody, storedQuestion } from './questions.ts';

const { thinkerUrl, entries } = childOptions() as { thinkerUrl: string; entries: number };
const pinner = createPinner(configSchema.parse({}).models);
const owner = { epoch: 0, tenant: localTenant, digest: 'x'.repeat(64) };
const answers = new Map<ExactKey, Buffer>();

function keyOf(body: string): ExactKey {
  const { request } = ollamaChatCodec.decode(JSON.parse(body) as JsonValue);
  return exactKeyOf(owner, pinner.pin(request).request);
}

for (let n = 0; n < entries; n++) {
  const body = chatBody(storedQuestion(n), false);
  const reply = await fetch(`${thinkerUrl}/api/chat`, { method: 'POST', body });
  answers.set(keyOf(body), Buffer.from(await reply.arrayBuffer()));
}

const server = createServer({ keepAliveTimeout: 75_000, noDelay: true }, (request, response) => {
  let first: Buffer | undefined;
  const rest: Buffer[] = [];
  request.on('data', (chunk: Buffer) => {
    if (first === undefined) first = chunk;
    else rest.push(chunk);
  });
  request.on('end', () => {
    const body = rest.length === 0 ? first! : Buffer.concat([first!, ...rest]);
    const answer = answers.get(keyOf(body.toString('utf8')));
    if (answer === undefined) return void response.writeHead(404, { 'content-length': 0 }).end();
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': answer.length });
    response.end(answer);
  });
});
server.listen(0, '127.0.0.1', () => ready(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
