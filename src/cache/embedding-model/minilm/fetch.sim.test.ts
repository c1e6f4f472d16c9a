import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Agent } from 'undici';
import { systemClock, type Clock } from '../../../core/clock.ts';
import { seededRandom } from '../../../core/random.ts';
import { fetchMiniLm, type FetchMiniLmOptions, type FetchProgress } from './fetch.ts';
import type { KnownFile } from './known-files.ts';

const random = seededRandom(3);
const content = Buffer.from(Array.from({ length: 300_000 }, () => random.int(256)));
const file: KnownFile = {
  path: 'onnx/model.bin',
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
};

/** Backoff takes no time; everything else is the real clock. */
const eager: Clock = { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(0, signal) };

describe('fetchMiniLm', () => {
  let folder: string;
  let server: Server;
  let agent: Agent;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let ranges: (string | undefined)[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fetch-'));
    ranges = [];
    agent = new Agent();
    server = createServer((request, response) => {
      ranges.push(request.headers.range);
      answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    await agent.destroy();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const baseUrl = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/minilm`;
  const fetch = (options: Partial<FetchMiniLmOptions> = {}) =>
    fetchMiniLm({
      folder,
      baseUrl: options.baseUrl ?? baseUrl(),
      files: [file],
      clock: eager,
      random: seededRandom(1),
      signal: new AbortController().signal,
      dispatcher: agent,
      onProgress,
      ...options,
    });
  const target = (): string => join(folder, file.path);
  const serveRange = (request: IncomingMessage, response: ServerResponse, body = content): void => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = body.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': rest.length,
      ...(from > 0 && { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }),
    });
    response.end(rest);
  };
  /** Sends some bytes, and cuts the connection when they have been stored. */
  let cut: { readonly bytes: number; readonly response: ServerResponse } | undefined;
  const serveCut = (response: ServerResponse, bytes: number): void => {
    cut = { bytes, response };
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, bytes));
  };
  const onProgress = ({ fileBytes }: FetchProgress): void => {
    if (fileBytes === cut?.bytes) cut.response.destroy();
  };
  const left = async (): Promise<string[]> => (await readdir(folder, { recursive: true })).sort();

  it('downloads, checks, names the file last, and tells its progress', async () => {
    answer = (request, response) => {
      assert.equal(request.url, '/models/minilm/onnx/model.bin');
      serveRange(request, response);
    };
    const progress: FetchProgress[] = [];
    const result = await fetch({ onProgress: (step) => progress.push(step) });
    assert.deepEqual(result, { fetched: [file.path], present: [], receivedBytes: content.length });
    assert.deepEqual(await readFile(target()), content);
    assert.deepEqual(await left(), ['onnx', 'onnx/model.bin']);
    assert.deepEqual(progress.at(-1), {
      file: file.path,
      fileBytes: content.length,
      fileBytesTotal: content.length,
      bytes: content.length,
      bytesTotal: content.length,
    });
    assert.ok(progress.every(({ bytes }, at) => at === 0 || bytes >= progress[at - 1]!.bytes));
  });

  it('asks for nothing when the file is there and right', async () => {
    answer = serveRange;
    await fetch();
    ranges = [];
    assert.deepEqual(await fetch(), { fetched: [], present: [file.path], receivedBytes: 0 });
    assert.deepEqual(ranges, []);
  });

  it('replaces a file that is there and wrong', async () => {
    answer = serveRange;
    await fetch();
    await writeFile(target(), Buffer.alloc(content.length));
    assert.deepEqual((await fetch()).fetched, [file.path]);
    assert.deepEqual(await readFile(target()), content);
  });

  it('resumes where the connection was cut, within the call', async () => {
    answer = (request, response) =>
      request.headers.range === undefined ? serveCut(response, 100_000) : serveRange(request, response);
    const result = await fetch();
    assert.equal(ranges.length, 2);
    assert.equal(ranges[1], 'bytes=100000-');
    assert.equal(result.receivedBytes, content.length);
    assert.deepEqual(await readFile(target()), content);
  });

  it('resumes what an aborted call left', async () => {
    const abort = new AbortController();
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 150_000));
    };
    const stop = new Error('enough');
    await assert.rejects(
      fetch({ signal: abort.signal, onProgress: ({ fileBytes }) => fileBytes === 150_000 && abort.abort(stop) }),
      (error) => error === stop,
    );
    assert.deepEqual(await left(), ['onnx', 'onnx/model.bin.part']);
    answer = serveRange;
    const result = await fetch();
    assert.equal(ranges.at(-1), 'bytes=150000-');
    assert.equal(result.receivedBytes, content.length - 150_000);
    assert.deepEqual(await readFile(target()), content);
  });

  it('starts over when the server has no ranges', async () => {
    let calls = 0;
    answer = (_request, response) => {
      if (++calls === 1) return serveCut(response, 100_000);
      response.writeHead(200, { 'content-length': content.length });
      response.end(content);
    };
    await fetch();
    assert.equal(calls, 2);
    assert.deepEqual(await readFile(target()), content);
  });

  it('throws a foreign part away and fetches afresh, once', async () => {
    answer = serveRange;
    await fetch();
    await rm(target());
    await writeFile(`${target()}.part`, Buffer.alloc(1_000));
    await fetch();
    assert.deepEqual(ranges.slice(1), ['bytes=1000-', undefined]);
    assert.deepEqual(await readFile(target()), content);
  });

  it('refuses content of the right size and the wrong hash, and leaves nothing behind', async () => {
    answer = (request, response) => serveRange(request, response, Buffer.alloc(content.length));
    await assert.rejects(fetch(), { code: 'embedding_failed', message: /has sha256 [0-9a-f]{64}, expected/ });
    assert.deepEqual(await left(), ['onnx']);
    assert.equal(ranges.length, 1);
  });

  it('refuses a file of the wrong size before reading it, and a longer one without length', async () => {
    answer = (request, response) => serveRange(request, response, content.subarray(0, 1_000));
    await assert.rejects(fetch(), { message: /holds 1000 bytes, expected 300000/ });
    answer = (_request, response) => response.end(Buffer.alloc(2 * content.length));
    await assert.rejects(fetch(), { code: 'embedding_failed' });
    answer = (_request, response) => {
      response.write(content);
      response.end('more');
    };
    await assert.rejects(fetch(), { message: /holds more than 300000 bytes/ });
  });

  it('does not repeat what cannot get better', async () => {
    for (const status of [401, 403, 404, 410]) {
      ranges = [];
      answer = (_request, response) => response.writeHead(status).end('no');
      await assert.rejects(fetch(), {
        code: 'embedding_failed',
        message: new RegExp(`answered with ${status}; .*--mirror`),
      });
      assert.equal(ranges.length, 1);
    }
  });

  it('tries again after 503, a bounded number of times', async () => {
    let calls = 0;
    answer = (request, response) =>
      ++calls < 3 ? response.writeHead(503, { 'retry-after': '1' }).end() : serveRange(request, response);
    await fetch();
    assert.equal(calls, 3);
    await rm(target());
    answer = (_request, response) => response.writeHead(503).end();
    ranges = [];
    await assert.rejects(fetch(), { message: /answered 503 \(5 tries\); check the network/ });
    assert.equal(ranges.length, 5);
  });

  it('follows redirects, keeps the range, and stops at a circle', async () => {
    answer = (request, response) => {
      if (request.url!.startsWith('/models')) response.writeHead(302, { location: '/storage/blob' }).end();
      else if (request.headers.range === undefined) serveCut(response, 50_000);
      else serveRange(request, response);
    };
    await fetch();
    assert.deepEqual(ranges, [undefined, undefined, 'bytes=50000-', 'bytes=50000-']);
    assert.deepEqual(await readFile(target()), content);
    await rm(target());
    answer = (_request, response) => response.writeHead(302, { location: '/round' }).end();
    await assert.rejects(fetch(), { message: /redirects more than 5 times/ });
  });

  it('says when nobody answers', async () => {
    const gone = baseUrl();
    server.close();
    await once(server, 'close');
    await assert.rejects(fetch({ baseUrl: gone }), { code: 'embedding_failed', message: /cannot reach 127.0.0.1/ });
  });
});
