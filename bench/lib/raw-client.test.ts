import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { it, type TestContext } from 'node:test';
import { headerOf, RawConnection, type RawResponse } from './raw-client.ts';

const responses = {
  length: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-kind: exact\r\n\r\nhello',
  chunked: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
  empty: 'HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
};

/** Writes `response` cut before each byte of `cuts`, one piece per turn of the event loop. */
async function reply(t: TestContext, response: string, cuts: readonly number[]): Promise<RawResponse> {
  const server = createServer((socket: Socket) => {
    socket.setNoDelay(true);
    socket.once('data', async () => {
      let from = 0;
      for (const cut of [...cuts, response.length]) {
        await new Promise<void>((resolve) => socket.write(response.slice(from, cut), () => resolve()));
        await new Promise((resolve) => setImmediate(resolve));
        from = cut;
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const connection = await RawConnection.open('127.0.0.1', (server.address() as AddressInfo).port);
  t.after(() => connection.close());
  return new Promise((resolve, reject) => connection.send('GET / HTTP/1.1\r\n\r\n', resolve, reject));
}

for (const [name, response] of Object.entries(responses)) {
  it(`finds the end of a response wherever it is cut (${name})`, async (t) => {
    const whole = await reply(t, response, []);
    assert.equal(whole.status, name === 'empty' ? 503 : 200);
    for (let cut = 1; cut < response.length; cut++) assert.deepEqual(await reply(t, response, [cut]), whole);
  });
}

it('reads a header by its name, whatever its case, and not by a part of a name', async (t) => {
  const { head } = await reply(t, responses.length, []);
  assert.equal(headerOf(head, 'x-kind'), 'exact');
  assert.equal(headerOf(head, 'content-length'), '5');
  assert.equal(headerOf(head, 'kind'), undefined);
});

it('fails when the server closes before the response has ended', async (t) => {
  const server = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const connection = await RawConnection.open('127.0.0.1', (server.address() as AddressInfo).port);
  await assert.rejects(
    new Promise((resolve, reject) => connection.send('GET / HTTP/1.1\r\n\r\n', resolve, reject)),
    /closed/,
  );
});
