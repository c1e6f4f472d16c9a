import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { EmbeddingModel } from '../embedding-model.ts';
import { dot } from '../../core/vector.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { embeddingModelConformance } from './conformance.ts';
import { createEndpointEmbedding, type EndpointOptions } from './endpoint.ts';

interface Seen {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: { readonly model: string; readonly input: readonly string[]; readonly truncate?: boolean };
}

const call = { signal: new AbortController().signal };

describe('endpoint embedding', () => {
  let server: Server;
  let clock: FakeClock;
  let seen: Seen[];
  let answer: (request: Seen, response: ServerResponse) => void;
  let opened: EmbeddingModel[];

  /** A vector by the length of the text, not of norm 1. */
  const vectorOf = (input: string): number[] => [input.length, 3, 0, 4];
  const ollama = ({ body }: Seen, response: ServerResponse): void => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ model: body.model, embeddings: body.input.map(vectorOf), total_duration: 1 }));
  };

  beforeEach(async () => {
    clock = new FakeClock();
    seen = [];
    opened = [];
    answer = ollama;
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const known = { path: request.url!, headers: request.headers, body: JSON.parse(body) as Seen['body'] };
        seen.push(known);
        server.emit('seen');
        answer(known, response);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    await Promise.all(opened.map((model) => model.close()));
    server.closeAllConnections();
    server.close();
    assert.equal(clock.pendingTimers, 0);
  });

  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  async function open(options: Partial<EndpointOptions> = {}): Promise<EmbeddingModel> {
    const model = await createEndpointEmbedding({
      url: options.url ?? url(),
      model: 'tiny',
      kind: 'ollama',
      clock,
      logger: silentLogger,
      ...options,
    });
    opened.push(model);
    return model;
  }
  /** Never answers; the test moves the clock. */
  const silent = (): void => undefined;

  embeddingModelConformance('endpoint', () => open());

  it('asks Ollama, learns the dimensions, and scales to norm 1', async () => {
    const model = await open({ bearer: 'secret' });
    assert.equal(model.dimensions, 4);
    assert.equal(model.id, 'endpoint-ollama-tiny-4');
    const vectors = await model.embed(['', 'twelve chars'], call);
    assert.deepEqual(
      vectors.map((vector) => [...vector].map((value) => Number(value.toFixed(4)))),
      [
        [0, 0.6, 0, 0.8],
        [0.9231, 0.2308, 0, 0.3077],
      ],
    );
    assert.ok(vectors.every((vector) => Math.abs(dot(vector, vector) - 1) < 1e-6));
    assert.equal(seen[1]!.path, '/api/embed');
    assert.equal(seen[1]!.headers.authorization, 'Bearer secret');
    assert.equal(seen[1]!.body.truncate, false);
  });

  it('asks OpenAI under either base URL, and puts vectors in the order of their index', async () => {
    answer = ({ body }, response) =>
      response.end(
        JSON.stringify({
          data: body.input
            .map((input, index) => ({ object: 'embedding', index, embedding: vectorOf(input) }))
            .reverse(),
        }),
      );
    for (const base of [url(), `${url()}/v1`, `${url()}/v1/`]) {
      const model = await open({ kind: 'openai', url: base });
      const [first, second] = await model.embed(['a', 'aaaaaaaaa'], call);
      assert.ok(first![0]! < second![0]!);
      assert.equal(seen.at(-1)!.path, '/v1/embeddings');
      assert.equal('truncate' in seen.at(-1)!.body, false);
    }
  });

  it('gives up after its deadline, which grows with the number of texts', async () => {
    const model = await open({ deadlineMs: 100 });
    answer = silent;
    const one = assert.rejects(model.embed(['a'], call), { code: 'embedding_failed', message: /longer than 100 ms/ });
    const three = model.embed(['a', 'b', 'c'], call);
    const late = assert.rejects(three, { message: /longer than 300 ms/ });
    await clock.advance(100);
    await one;
    await clock.advance(200);
    await late;
  });

  it('stops at the caller’s abort and does not count it against the server', async () => {
    const model = await open({ breaker: { failuresMax: 1, restMs: 1_000, restMaxMs: 1_000 } });
    answer = silent;
    const abort = new AbortController();
    const pending = assert.rejects(model.embed(['a'], { signal: abort.signal }), { code: 'embedding_failed' });
    await once(server, 'seen');
    abort.abort();
    await pending;
    answer = ollama;
    assert.equal((await model.embed(['a'], call)).length, 1);
  });

  it('opens after failures in a row, spares the server, and closes after a probe in the background', async () => {
    const model = await open({ breaker: { failuresMax: 3, restMs: 1_000, restMaxMs: 8_000 } });
    answer = (_request, response) => response.writeHead(500).end('out of memory');
    for (let n = 0; n < 3; n++) await assert.rejects(model.embed(['a'], call), { message: /status 500 out of memory/ });
    const asked = seen.length;
    await assert.rejects(model.embed(['a'], call), { message: /failed 3 times in a row and rests for 1000 ms/ });
    assert.equal(seen.length, asked);

    // The first probe fails: the rest doubles.
    await clock.advance(1_000);
    await assert.rejects(model.embed(['a'], call), { message: /being tried again/ });
    await until(() => seen.length > asked, model, /rests for 2000 ms more/);

    answer = ollama;
    await clock.advance(2_000);
    await until(() => seen.length > asked + 1, model, undefined);
    assert.equal((await model.embed(['a'], call)).length, 1);
  });

  /** Asks again, turn by turn of the event loop, until the model answers, or refuses as expected. */
  async function until(reached: () => boolean, model: EmbeddingModel, refusal: RegExp | undefined): Promise<void> {
    for (;;) {
      const message = await model.embed(['a'], call).then(
        () => undefined,
        (error: Error) => error.message,
      );
      if (reached() && (message === undefined ? refusal === undefined : refusal?.test(message))) return;
      assert.match(message ?? '', /being tried again/);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('gives a probe the time to load a cold model', async () => {
    const model = await open({ breaker: { failuresMax: 1, restMs: 1_000, restMaxMs: 8_000 }, probeDeadlineMs: 5_000 });
    answer = silent;
    const late = assert.rejects(model.embed(['a'], call), { message: /longer than 100 ms/ });
    await clock.advance(100);
    await late;
    await clock.advance(1_000);
    let finish: (() => void) | undefined;
    answer = (request, response) => {
      finish = () => ollama(request, response);
    };
    const probed = once(server, 'seen');
    await assert.rejects(model.embed(['a'], call), { message: /being tried again/ });
    await probed;
    await clock.advance(4_000);
    answer = ollama;
    finish!();
    await until(() => true, model, undefined);
  });

  it('refuses at once over its bound of calls', async () => {
    const model = await open({ inFlightMax: 1 });
    answer = silent;
    const first = assert.rejects(model.embed(['a'], call), { message: /longer than/ });
    await assert.rejects(model.embed(['b'], call), { message: /1 calls are running, which is the most/ });
    await clock.advance(100);
    await first;
    await assert.rejects(model.embed(Array.from({ length: 33 }, String), call), { message: /33 texts in one call/ });
  });

  it('refuses answers that are not the vectors asked for', async () => {
    const model = await open({ breaker: { failuresMax: 99, restMs: 1, restMaxMs: 1 } });
    for (const [body, message] of [
      ['{"embeddings":[[1,2,3]]}', /gives 3 dimensions, expected 4/],
      ['{"embeddings":[[1,2,3,4],[1,2,3,4]]}', /no 1 vectors/],
      ['{"embeddings":[[1,"2",3,4]]}', /no 1 vectors/],
      ['{"embeddings":[[0,0,0,0]]}', /without direction/],
      ['{"embeddings":null}', /no 1 vectors/],
      ['null', /no 1 vectors/],
      ['<html>', /failed: /],
    ] as const) {
      answer = (_request, response) => response.end(body);
      await assert.rejects(model.embed(['a'], call), { code: 'embedding_failed', message });
    }
  });

  it('says how to get a model that the server does not have', async () => {
    answer = (_request, response) => response.writeHead(404).end('{"error":"model \\"tiny\\" not found"}');
    await assert.rejects(open(), { code: 'embedding_failed', message: /status 404 .*run `ollama pull tiny`/ });
  });

  it('refuses dimensions other than those configured', async () => {
    await assert.rejects(open({ dimensions: 5 }), { message: /gives 4 dimensions for tiny, configured are 5/ });
  });

  it('starts without the server when the dimensions of the model are known, and not otherwise', async () => {
    const away = url();
    server.close();
    await once(server, 'close');
    const model = await open({ url: away, model: 'all-minilm' });
    assert.equal(model.dimensions, 384);
    assert.equal(model.similarityMin, 0.95);
    await assert.rejects(model.embed(['a'], call), { code: 'embedding_failed', message: /failed: / });
    await assert.rejects(open({ url: away, model: 'tiny' }), {
      message: /start the server, or configure the dimensions/,
    });
  });

  it('does not hold up the start for a server that is slow, when the dimensions of the model are known', async () => {
    answer = silent;
    const opening = open({ model: 'all-minilm' });
    await once(server, 'seen');
    await clock.advance(500);
    assert.equal((await opening).dimensions, 384);
    await clock.advance(10_000);
  });

  it('is strict with models nobody has looked at, and follows the configuration', async () => {
    assert.equal((await open({ model: 'all-minilm:33m' })).similarityMin, 0.97);
    assert.equal((await open({ similarityMin: 0.8 })).similarityMin, 0.8);
  });

  it('refuses calls after close', async () => {
    const model = await open();
    await model.close();
    await assert.rejects(model.embed(['a'], call), { code: 'embedding_failed', message: /closed/ });
  });
});
