import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { model, post, startRig, until } from './harness.ts';

/** An Ollama that has far more to say than any buffer holds, and counts what is taken from it. */
async function endlessThinker() {
  const line = `${JSON.stringify({ model, created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content: 'x'.repeat(16_000) }, done: false })}\n`;
  const state = { bytesTaken: 0, left: false };
  const server = createServer((request, response): void => {
    if (request.url === '/api/version') return void response.end('{"version":"0.13.0"}');
    if (request.url === '/api/tags')
      return void response.end(JSON.stringify({ models: [{ name: model, model, digest: 'd1' }] }));
    if (request.url !== '/api/chat') return void response.end('{"models":[]}');
    const pump = () => {
      while (!response.destroyed && state.bytesTaken < 400_000_000) {
        state.bytesTaken += line.length;
        if (!response.write(line)) return void response.once('drain', pump);
      }
    };
    response.on('close', () => (state.left = true));
    pump();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('streams', () => {
  it('of a slow reader hold the thinker back instead of filling memory', async () => {
    const upstream = await endlessThinker();
    const rig = await startRig({ config: { thinkers: [{ url: upstream.url, name: 'endless' }] } });
    try {
      const socket = connect(Number(new URL(rig.url).port), '127.0.0.1');
      const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'go on' }], stream: true });
      socket.write(
        `POST /api/chat HTTP/1.1\r\nhost: 127.0.0.1\r\ncache-control: no-store\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      await once(socket, 'data');
      socket.pause();
      // Held back = nothing more is taken over many turns of the event loop.
      let taken = -1;
      let still = 0;
      await until('the thinker is held back', async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        still = upstream.state.bytesTaken === taken ? still + 1 : 0;
        taken = upstream.state.bytesTaken;
        return still >= 10;
      });
      assert.ok(taken < 100_000_000, `${taken} bytes were taken for a reader that takes none`);
      socket.resume();
      await until('it flows again', () => upstream.state.bytesTaken > taken + 1_000_000);
      socket.destroy();
      await until('the thinker saw the reader go', () => upstream.state.left);
    } finally {
      await rig.close();
      upstream.server.closeAllConnections();
      upstream.server.close();
    }
  });

  it('that are silent get signs of life in SSE, and early headers in NDJSON', async () => {
    const rig = await startRig({
      config: { gateway: { heartbeatMs: 50 }, timeouts: { firstTokenWarmMs: 700, firstTokenColdMs: 700 } },
    });
    try {
      const sse = await (
        await post(`${rig.url}/v1/chat/completions`, {
          model: 'fault-silent',
          messages: [{ role: 'user', content: 'hush' }],
          stream: true,
        })
      ).text();
      assert.ok(sse.startsWith(': ping\n\n: ping\n\n'), sse);
      assert.match(sse, /data: \{"error"/);
      const anthropic = await (
        await post(`${rig.url}/v1/messages`, {
          model: 'fault-silent',
          max_tokens: 10,
          messages: [{ role: 'user', content: 'hush' }],
          stream: true,
        })
      ).text();
      assert.match(anthropic, /event: ping/);
      const ndjson = await post(`${rig.url}/api/chat`, {
        model: 'fault-silent',
        messages: [{ role: 'user', content: 'hush' }],
      });
      assert.equal(ndjson.status, 200);
      const lines = (await ndjson.text()).trim().split('\n');
      assert.equal(lines.length, 1);
      assert.match(lines[0]!, /"error"/);
    } finally {
      await rig.close();
    }
  });

  it('say their length where they are stored, whole and with every letter, and cannot while they are made', async () => {
    const rig = await startRig({ sim: { profile: 'demo' } });
    const ask = (path: string) =>
      post(`${rig.url}${path}`, {
        model,
        messages: [{ role: 'user', content: 'Was ist ein Leuchtturm?' }],
        stream: true,
      });
    try {
      const made = await ask('/api/chat');
      assert.equal(made.headers.get('content-length'), null);
      assert.match(await made.text(), /"done":true/);
      await until('the answer is kept', () => rig.gateway.status().cache.entries === 1);
      for (const [path, end] of [
        ['/api/chat', /"done":true.*\n$/],
        ['/v1/chat/completions', /data: \[DONE\]\n\n$/],
      ] as const) {
        const stored = await ask(path);
        assert.equal(stored.headers.get('x-selfhost-cache'), 'exact');
        const bytes = Buffer.from(await stored.arrayBuffer());
        assert.equal(stored.headers.get('content-length'), String(bytes.length));
        assert.match(bytes.toString('utf8'), end);
      }
    } finally {
      await rig.close();
    }
  });

  it('are complete when the gateway is told to stop, and new requests are told so', async () => {
    const rig = await startRig({ sim: { profile: 'demo' } });
    const asked = post(`${rig.url}/api/chat`, {
      model,
      messages: [{ role: 'user', content: 'Tell me about lighthouses' }],
      stream: true,
    });
    await until('the thinker is asked', () => rig.sim.stats().answers === 1);
    const closing = rig.gateway.close();
    const text = await (await asked).text();
    assert.match(text, /"done":true/);
    await closing;
    await assert.rejects(fetch(`${rig.url}/api/version`));
    await rig.close();
  });

  it('may be asked for with a zstd body', async () => {
    const rig = await startRig();
    try {
      const body = zstdCompressSync(Buffer.from(JSON.stringify({ model, input: 'Why do cats purr?' })));
      const answer = await fetch(`${rig.url}/v1/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': 'zstd' },
        body,
      });
      assert.equal(answer.status, 200);
      await answer.body?.cancel();
    } finally {
      await rig.close();
    }
  });
});
