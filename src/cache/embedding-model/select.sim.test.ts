import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { systemClock } from '../../core/clock.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { writeRandomMiniLm } from '../../testing/random-minilm/write-random-minilm.ts';
import { chooseEmbedding } from './select.ts';

const deps = { clock: systemClock, logger: silentLogger };

describe('chooseEmbedding', () => {
  let empty: string;
  let random: string;
  before(async () => {
    empty = await mkdtemp(join(tmpdir(), 'embedder-'));
    random = await mkdtemp(join(tmpdir(), 'embedder-'));
    await writeRandomMiniLm(random, { hidden: 64 });
  });
  after(async () => {
    await rm(empty, { recursive: true });
    await rm(random, { recursive: true });
  });

  it('takes the lexical embedder when there are no MiniLM files, and says how to get them', async () => {
    const { embedding, why, remedy } = await chooseEmbedding({ kind: 'auto', folder: empty }, deps);
    assert.equal(embedding.kind, 'lexical');
    assert.equal(why, `no MiniLM files in ${empty}`);
    assert.match(remedy!, /run `llm-self-host embedder fetch`/);
  });

  it('falls back to lexical with the reason when the files fail their check', async () => {
    const { embedding, why, remedy } = await chooseEmbedding({ kind: 'auto', folder: random }, deps);
    assert.equal(embedding.kind, 'lexical');
    assert.match(why, /^MiniLM cannot be used: /);
    assert.match(remedy!, /embedder check/);
  });

  it('falls back to lexical and names the module when the runtime is missing', async () => {
    const { embedding, why, remedy } = await chooseEmbedding(
      { kind: 'auto', folder: random },
      { ...deps, runtime: 'no-such-runtime' },
    );
    assert.equal(embedding.kind, 'lexical');
    assert.match(why, /onnxruntime-node is not/);
    assert.match(remedy!, /npm install onnxruntime-node/);
  });

  it('falls back to lexical when the download fails', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const downloadUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const choice = await chooseEmbedding({ kind: 'auto', folder: empty, download: true, downloadUrl }, deps);
    server.closeAllConnections();
    server.close();
    assert.equal(choice.embedding.kind, 'lexical');
    assert.match(choice.why, /answered with 404/);
    assert.match(choice.remedy!, /embedder fetch/);
  });

  it('does what the configuration names, or refuses with the remedy', async () => {
    const lexical = await chooseEmbedding({ kind: 'lexical', folder: empty }, deps);
    assert.equal(lexical.embedding.kind, 'lexical');
    assert.equal(lexical.remedy, undefined);
    await assert.rejects(chooseEmbedding({ kind: 'minilm', folder: empty }, deps), {
      code: 'config_invalid',
      message: /embedding\.kind is minilm: .*embedder fetch`; or set embedding\.kind to auto or lexical/,
    });
    await assert.rejects(chooseEmbedding({ kind: 'endpoint', folder: empty }, deps), { code: 'config_invalid' });
  });

  it('opens an endpoint with its bearer', async () => {
    let authorization: string | undefined;
    const server = createServer((request, response) => {
      ({ authorization } = request.headers);
      request.resume().on('end', () => response.end('{"embeddings":[[1,2]]}'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { embedding, why } = await chooseEmbedding(
      {
        kind: 'endpoint',
        folder: empty,
        endpoint: { url, api: 'ollama', model: 'tiny' },
        bearers: { [url]: 'secret' },
      },
      deps,
    );
    assert.equal(embedding.kind, 'endpoint');
    assert.equal(embedding.dimensions, 2);
    assert.equal(why, `tiny at ${url}, chosen by the configuration`);
    assert.equal(authorization, 'Bearer secret');
    await embedding.close();
    server.closeAllConnections();
    server.close();
  });

  it('does not load onnxruntime, the tokenizer or undici for the lexical embedder', async () => {
    const program = `
      const { registerHooks } = await import('node:module');
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      const { chooseEmbedding } = await import(${JSON.stringify(new URL('./select.ts', import.meta.url).href)});
      const { embedding } = await chooseEmbedding({ kind: 'auto', folder: ${JSON.stringify(empty)} }, {});
      console.log(JSON.stringify({ kind: embedding.kind, loaded }));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    const { kind, loaded } = JSON.parse(stdout) as { kind: string; loaded: string[] };
    assert.equal(kind, 'lexical');
    assert.ok(loaded.some((url) => url.endsWith('/lexical.ts')));
    assert.deepEqual(
      loaded.filter((url) => url.includes('/node_modules/')),
      [],
    );
  });
});
