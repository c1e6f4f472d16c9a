import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { thinkerId } from '../../core/ids.ts';
import { usdMicros } from '../../core/units.ts';
import { aChatRequest } from '../../testing/builders.ts';
import { RecordingSink } from '../../testing/recording-sink.ts';
import { selfSigned } from '../../core/self-signed.ts';
import { createOllamaThinker } from '../thinker/ollama.ts';
import type { ThinkerTls } from './transport.ts';

const identity = selfSigned();
const done = `${JSON.stringify({ model: 'm', message: { content: 'x' }, done: true, done_reason: 'stop' })}\n`;

/** Asks a TLS server twice, each time on a new connection, and tells what came of it and what the server saw. */
async function askOverTls(tls: ThinkerTls | undefined) {
  let requests = 0;
  const server = createServer({ key: identity.key, cert: identity.cert }, (request, response) => {
    requests += 1;
    response.setHeader('connection', 'close');
    request.resume().on('end', () => response.end(done));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const thinker = createOllamaThinker({
    id: thinkerId('a'),
    name: 'a',
    kind: 'rented',
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    maxConcurrency: 1,
    costPerHour: usdMicros(0),
    bearer: 'secret',
    ...(tls && { tls }),
    clock: systemClock,
  });
  const outcomes: string[] = [];
  for (let i = 0; i < 2; i++) {
    const sink = new RecordingSink();
    thinker.answer(aChatRequest(), sink, { firstTokenMs: 5_000, stallMs: 5_000, totalMs: 5_000 });
    await sink.settled();
    outcomes.push(sink.failures[0] ? `${sink.failures[0].code}: ${sink.failures[0].message}` : sink.text);
  }
  await thinker.close();
  server.closeAllConnections();
  server.close();
  return { outcomes, requests };
}

describe('transport over TLS', () => {
  it('talks to the server whose key is pinned, whoever signed its certificate', async () => {
    assert.deepEqual(await askOverTls({ pinSha256: identity.pinSha256 }), { outcomes: ['x', 'x'], requests: 2 });
  });

  it('sends nothing, not even the token, to a server with another key', async () => {
    const { outcomes, requests } = await askOverTls({ pinSha256: selfSigned().pinSha256 });
    assert.equal(requests, 0);
    for (const outcome of outcomes) assert.match(outcome, /^wrong_thinker_key: .*is not the pinned one/);
  });

  it('trusts a given certificate, and by default only what the system trusts', async () => {
    assert.deepEqual(await askOverTls({ ca: identity.cert }), { outcomes: ['x', 'x'], requests: 2 });
    const { outcomes, requests } = await askOverTls(undefined);
    assert.equal(requests, 0);
    for (const outcome of outcomes) assert.match(outcome, /^upstream_failed: no answer from thinker a: .*certificate/i);
  });
});
