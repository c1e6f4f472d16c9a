import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import type { AppError } from '../../core/errors.ts';
import { modelName, thinkerId } from '../../core/ids.ts';
import { usdMicros } from '../../core/units.ts';
import { createSimulatedThinker } from '../../sim/thinker-server/server.ts';
import { aChatRequest } from '../../testing/builders.ts';
import { RecordingSink } from '../../testing/recording-sink.ts';
import { isOwnGateway, probeOllama } from '../ollama/own-gateway.ts';
import type { ManagementSink } from '../thinker.ts';
import { thinkerConformance } from './conformance.ts';
import { createOllamaThinker, type OllamaThinkerOptions } from './ollama.ts';

const timeouts = { firstTokenMs: 5_000, stallMs: 5_000, totalMs: 10_000 };
const never = new AbortController().signal;

const ollamaAt = (url: string, options: Partial<OllamaThinkerOptions> = {}) =>
  createOllamaThinker({
    id: thinkerId('a'),
    name: 'a',
    kind: 'static',
    url,
    maxConcurrency: 4,
    costPerHour: usdMicros(0),
    clock: systemClock,
    ...options,
  });

/** A server of our own, where a test must see or do what the simulated thinker does not offer. */
async function withServer(listener: RequestListener, act: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await act(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

const line = (content: string): string => `${JSON.stringify({ model: 'm', message: { content }, done: false })}\n`;
const doneLine = `${JSON.stringify({ model: 'm', message: { content: '' }, done: true, done_reason: 'stop' })}\n`;

thinkerConformance('ollama', async () => {
  const server = createSimulatedThinker();
  const url = await server.listen();
  const thinker = ollamaAt(url);
  const report = await thinker.probe({ signal: never });
  const has = (capability: string) => (row: { readonly raw: Record<string, unknown> }) =>
    Array.isArray(row.raw['capabilities']) &&
    row.raw['capabilities'].includes(capability) &&
    !String(row.raw['name']).startsWith('fault-');
  return {
    thinker,
    model: report.models.find(has('completion'))!.name,
    embeddingModel: report.models.find(has('embedding'))!.name,
    missingModel: 'nobody-has-this',
    cutModel: 'fault-eof-2',
    silentModel: 'fault-silent',
    async close() {
      await thinker.close();
      await server.close();
    },
  };
});

describe('createOllamaThinker against faults', () => {
  it('names each fault by its code and keeps what the server asked for', async () => {
    const server = createSimulatedThinker();
    const thinker = ollamaAt(await server.listen());
    const failureOf = async (model: string): Promise<AppError> => {
      const sink = new RecordingSink();
      thinker.answer(aChatRequest({ model: modelName(model) }), sink, {
        firstTokenMs: 150,
        stallMs: 150,
        totalMs: 5_000,
      });
      await sink.settled();
      assert.deepEqual([sink.failures.length, sink.breaches], [1, []], model);
      return sink.failures[0]!;
    };
    const expected: Record<string, string> = {
      'fault-429': 'upstream_busy',
      'fault-503-busy': 'upstream_busy',
      'fault-500': 'upstream_failed',
      'fault-html-502': 'upstream_failed',
      'fault-context-length': 'upstream_rejected',
      'fault-not-pulled': 'model_not_found',
      'fault-reset': 'upstream_failed',
      'fault-silent': 'timeout_first_token',
      'fault-slow-first-2000': 'timeout_first_token',
      'fault-cut-2': 'upstream_broken_stream',
      'fault-eof-2': 'upstream_broken_stream',
      'fault-stall-2': 'timeout_stall',
      'fault-malformed-2': 'upstream_broken_stream',
      'fault-inband-error-2': 'upstream_broken_stream',
    };
    try {
      const models = Object.keys(expected);
      const failures = await Promise.all(models.map(failureOf));
      assert.deepEqual(Object.fromEntries(models.map((model, i) => [model, failures[i]!.code])), expected);
      assert.equal((await failureOf('fault-429-retry-after')).retryAfterMs, 1_000);
      assert.equal((await failureOf('fault-context-length')).status, 400);
    } finally {
      await thinker.close();
      await server.close();
    }
  });

  it('fails with upstream_failed when nobody listens', async () => {
    let gone = '';
    await withServer(
      () => {},
      (url) => Promise.resolve(void (gone = url)),
    );
    const thinker = ollamaAt(gone);
    const sink = new RecordingSink();
    thinker.answer(aChatRequest(), sink, timeouts);
    await sink.settled();
    assert.match(sink.failures[0]!.message, /no answer from thinker a: .*ECONNREFUSED/);
    assert.equal(sink.failures[0]!.code, 'upstream_failed');
    await thinker.close();
  });
});

describe('createOllamaThinker on the wire', () => {
  it('closes the connection within 100 ms of a cancel, before and after the first token', async () => {
    for (const before of [true, false]) {
      const closed = Promise.withResolvers<number>();
      const asked = Promise.withResolvers<void>();
      await withServer(
        (request, response) => {
          response.on('close', () => closed.resolve(performance.now()));
          request.resume().on('end', () => {
            if (!before) response.write(line('x'));
            asked.resolve();
          });
        },
        async (url) => {
          const thinker = ollamaAt(url);
          const sink = new RecordingSink();
          const first = new Promise<void>((resolve) => (sink.onEvent = () => resolve()));
          const flow = thinker.answer(aChatRequest(), sink, timeouts);
          await (before ? asked.promise : first);
          const cancelledAt = performance.now();
          flow.cancel();
          assert.ok((await closed.promise) - cancelledAt < 100);
          assert.deepEqual(sink.failures, []);
          await thinker.close();
        },
      );
    }
  });

  it('tells a reader that throws an internal error, and closes the connection', async () => {
    const closed = Promise.withResolvers<void>();
    await withServer(
      (request, response) => {
        response.on('close', () => closed.resolve());
        request.resume().on('end', () => response.write(line('x')));
      },
      async (url) => {
        const thinker = ollamaAt(url);
        const sink = new RecordingSink();
        const bug = new TypeError('a bug of the reader');
        sink.onEvent = () => {
          throw bug;
        };
        thinker.answer(aChatRequest(), sink, timeouts);
        await sink.settled();
        await closed.promise;
        assert.deepEqual([sink.failures[0]?.code, sink.failures[0]?.cause], ['internal', bug]);
        await thinker.close();
      },
    );
  });

  it('sends nothing for a call cancelled before its connection stood', async () => {
    let requests = 0;
    await withServer(
      (_, response) => {
        requests += 1;
        response.end(line('x') + doneLine);
      },
      async (url) => {
        const thinker = ollamaAt(url);
        thinker.answer(aChatRequest(), new RecordingSink(), timeouts).cancel();
        const sink = new RecordingSink();
        thinker.answer(aChatRequest(), sink, timeouts);
        await sink.settled();
        assert.deepEqual([sink.text, requests], ['x', 1]);
        await thinker.close();
      },
    );
  });

  it('asks again on a fresh socket when the server closes a kept one under the request', async () => {
    let requests = 0;
    await withServer(
      (request, response) => {
        requests += 1;
        // The second request meets a server that has just given up on the idle connection.
        if (requests === 2) return void request.socket.destroy();
        request.resume().on('end', () => response.end(line('x') + doneLine));
      },
      async (url) => {
        const thinker = ollamaAt(url);
        for (let i = 0; i < 2; i++) {
          const sink = new RecordingSink();
          thinker.answer(aChatRequest(), sink, timeouts);
          await sink.settled();
          assert.deepEqual([sink.text, sink.failures], ['x', []]);
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.equal(requests, 3);
        await thinker.close();
      },
    );
  });

  it('holds the thinker back while the reader is paused, and loses nothing', async () => {
    const total = 200;
    const big = 'y'.repeat(64 * 1024);
    let written = 0;
    await withServer(
      (request, response: ServerResponse) => {
        const pump = (): void => {
          while (written < total) {
            written += 1;
            if (!response.write(line(big))) return void response.once('drain', pump);
          }
          response.end(doneLine);
        };
        request.resume().on('end', pump);
      },
      async (url) => {
        const thinker = ollamaAt(url);
        const sink = new RecordingSink();
        const first = new Promise<void>((resolve) => (sink.onEvent = () => resolve()));
        const flow = thinker.answer(aChatRequest(), sink, timeouts);
        sink.onEvent = ((resume) => (event) => {
          if (event.type === 'start') flow.pause();
          resume?.(event);
        })(sink.onEvent);
        await first;
        // The server writes until the buffers between us are full, and then no more.
        let before = -1;
        while (before !== written) {
          before = written;
          for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
        }
        assert.ok(written < total, `${written} of ${total} lines were written to a paused reader`);
        flow.resume();
        await sink.settled();
        assert.deepEqual(sink.failures, []);
        assert.equal(sink.text.length, total * big.length);
        await thinker.close();
      },
    );
  });

  it('keeps a path prefix, sends the bearer token and reuses its connection', async () => {
    const seen: string[] = [];
    const sockets = new Set<unknown>();
    await withServer(
      (request, response) => {
        seen.push(`${request.url} ${request.headers.authorization} ${request.headers['content-type']}`);
        sockets.add(request.socket);
        request.resume().on('end', () => response.end(line('x') + doneLine));
      },
      async (url) => {
        const thinker = ollamaAt(`${url}/pool/one/`, { bearer: 'token' });
        for (let i = 0; i < 3; i++) {
          const sink = new RecordingSink();
          thinker.answer(aChatRequest(), sink, timeouts);
          await sink.settled();
          assert.deepEqual(sink.failures, []);
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.deepEqual(seen, Array(3).fill('/pool/one/api/chat Bearer token application/json'));
        assert.equal(sockets.size, 1);
        await thinker.close();
      },
    );
  });

  it('passes a management call through in both directions', async () => {
    await withServer(
      (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          response.writeHead(201, { 'content-type': 'text/x-echo' });
          response.end(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`);
        });
      },
      async (url) => {
        const thinker = ollamaAt(url);
        const told: string[] = [];
        await new Promise<void>((resolve, reject) => {
          const sink: ManagementSink = {
            head: (status, contentType) => void told.push(`${status} ${contentType}`),
            data(chunk, resume) {
              told.push(chunk.toString());
              setImmediate(resume);
              return false;
            },
            end: resolve,
            fail: reject,
          };
          const body = Readable.from([Buffer.from('a'), Buffer.from('b')]);
          const path = '/api/blobs/sha256:x';
          thinker.manage({ method: 'POST', path, contentType: 'application/octet-stream', body }, sink, {
            signal: never,
          });
        });
        assert.deepEqual(told, ['201 text/x-echo', 'POST /api/blobs/sha256:x ab']);
        await thinker.close();
      },
    );
  });

  it('lives without /api/ps, and refuses to be one of our own gateways', async () => {
    let own = false;
    const listener: RequestListener = (request, response) => {
      if (request.url === '/api/version') {
        if (own) response.setHeader('x-selfhost-gateway', '1');
        return void response.end('{"version":"1.2"}');
      }
      if (request.url === '/api/tags') return void response.end('{"models":[{"name":"m"},{"nonsense":1},null]}');
      response.statusCode = 404;
      response.end('404 page not found');
    };
    await withServer(listener, async (url) => {
      const thinker = ollamaAt(url);
      const report = await thinker.probe({ signal: never });
      assert.deepEqual(report, {
        version: '1.2',
        models: [{ name: 'm:latest', digest: '', raw: { name: 'm' } }],
        loaded: [],
        vramUsedBytes: undefined,
      });
      assert.equal(await probeOllama(url, { deadlineMs: 1_000, clock: systemClock }), 'ollama');
      own = true;
      await assert.rejects(thinker.probe({ signal: never }), /is a llm-self-host gateway/);
      assert.equal(await isOwnGateway(url, { deadlineMs: 1_000, clock: systemClock }), true);
      await thinker.close();
    });
  });

  it('finds nobody where nobody listens, and where somebody does not answer in time', async () => {
    let gone = '';
    await withServer(
      () => {},
      async (url) => {
        gone = url;
        assert.equal(await probeOllama(url, { deadlineMs: 50, clock: systemClock }), 'absent');
      },
    );
    assert.equal(await probeOllama(gone, { deadlineMs: 1_000, clock: systemClock }), 'absent');
  });

  it('fails at once what waits on a used connection when it is closed, and does not connect again', async () => {
    let requests = 0;
    const asked = Promise.withResolvers<void>();
    await withServer(
      (request, response) => {
        requests += 1;
        if (requests > 1) return asked.resolve();
        request.resume().on('end', () => response.end(line('x') + doneLine));
      },
      async (url) => {
        const thinker = ollamaAt(url);
        const [first, second] = [new RecordingSink(), new RecordingSink()];
        thinker.answer(aChatRequest(), first, timeouts);
        await first.settled();
        thinker.answer(aChatRequest(), second, timeouts);
        await asked.promise;
        await thinker.close();
        await second.settled();
        assert.deepEqual([second.failures[0]?.code, requests], ['upstream_failed', 2]);
      },
    );
  });

  it('refuses a URL that is none', () => {
    assert.throws(() => ollamaAt('localhost:11434'), { code: 'config_invalid' });
  });
});
