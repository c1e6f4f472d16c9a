import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { answering, failing, managedThinker } from '../../test/support/managed-thinker.ts';
import { startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';
import { AppError } from '../core/errors.ts';
import type { Thinker } from '../thinkers/thinker.ts';

const ndjson = 'application/x-ndjson';
const pulled = ['{"status":"pulling manifest"}\n', '{"status":"success"}\n'];

async function withAdmin(thinkers: readonly Thinker[], use: (admin: RunningAdmin) => Promise<void>): Promise<void> {
  const admin = await startAdmin({ thinkers });
  try {
    await use(admin);
  } finally {
    await admin.close();
  }
}

const post = (admin: RunningAdmin, path: string, body: unknown) =>
  fetch(admin.url + path, { method: 'POST', body: JSON.stringify(body) });

const linesOf = async (response: Response) =>
  (await response.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('management of one thinker', () => {
  it('passes the call and its answer through byte for byte', async () => {
    const odd = ['{"status": "pulling', ' manifest"}\r\n\n', 'not json\n{"status":"success"}'];
    const thinker = managedThinker('attic', answering(200, 'application/x-ndjson; charset=utf-8', ...odd));
    await withAdmin([thinker], async (admin) => {
      const sent = '{ "model":"llama3.2" ,"insecure":false}';
      const response = await fetch(`${admin.url}/api/pull`, { method: 'POST', body: sent });
      assert.equal(await response.text(), odd.join(''));
      assert.equal(response.headers.get('content-type'), 'application/x-ndjson; charset=utf-8');
      assert.equal(response.headers.get('x-selfhost-thinker'), 'attic');
      const call = thinker.calls[0]!;
      assert.deepEqual([call.method, call.path, (call.body as Buffer).toString()], ['POST', '/api/pull', sent]);
    });
  });

  it('passes a refusal through with its status', async () => {
    const refusing = answering(404, 'application/json', `{"error":"model 'x' not found"}`);
    await withAdmin([managedThinker('attic', refusing)], async (admin) => {
      const response = await fetch(`${admin.url}/api/delete`, { method: 'DELETE', body: '{"model":"x"}' });
      assert.equal(response.status, 404);
      assert.equal(await response.text(), `{"error":"model 'x' not found"}`);
    });
  });

  it('streams a blob up and asks for it with HEAD', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const bytes = Buffer.alloc(3 * 1024 * 1024, 7);
    let received: Buffer | undefined;
    const thinker = managedThinker('attic', (call, sink) => {
      if (call.method === 'HEAD') return answering(200, undefined)(call, sink, AbortSignal.abort());
      void buffer(call.body as Readable).then((whole) => {
        received = whole;
        sink.head(201, undefined);
        sink.end();
      });
    });
    await withAdmin([thinker], async (admin) => {
      const up = await fetch(`${admin.url}/api/blobs/${digest}`, { method: 'POST', body: bytes });
      assert.equal(up.status, 201);
      assert.ok(received?.equals(bytes));
      assert.equal((await fetch(`${admin.url}/api/blobs/${digest}`, { method: 'HEAD' })).status, 200);
      assert.equal((await fetch(`${admin.url}/api/blobs/..%2f..%2fetc`, { method: 'HEAD' })).status, 400);
    });
  });

  it('stops writing while the operator does not read, and goes on when they do', async () => {
    const chunk = Buffer.alloc(256 * 1024, 'x');
    const total = 200;
    let written = 0;
    const paused = Promise.withResolvers<void>();
    const thinker = managedThinker('attic', (_, sink) => {
      sink.head(200, ndjson);
      const pump = (): void => {
        while (written < total) {
          written++;
          if (!sink.data(chunk, pump)) return paused.resolve();
        }
        sink.end();
      };
      pump();
    });
    await withAdmin([thinker], async (admin) => {
      const outgoing = httpRequest(`${admin.url}/api/pull`, { method: 'POST' });
      outgoing.end('{"model":"x"}');
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
      await paused.promise;
      assert.ok(written < total, `all ${total} chunks were taken from a thinker whose reader stands still`);
      const received = await buffer(incoming);
      assert.equal(received.length, total * chunk.length);
    });
  });

  it('cancels on the thinker when the operator leaves', async () => {
    const left = Promise.withResolvers<void>();
    const thinker = managedThinker('attic', (_, sink, signal) => {
      sink.head(200, ndjson);
      sink.data(Buffer.from(pulled[0]!), () => {});
      signal.addEventListener('abort', () => left.resolve());
    });
    await withAdmin([thinker], async (admin) => {
      const leave = new AbortController();
      const response = await fetch(`${admin.url}/api/pull`, {
        method: 'POST',
        body: '{"model":"x"}',
        signal: leave.signal,
      });
      await response.body!.getReader().read();
      leave.abort();
      await left.promise;
    });
  });

  it('says in Ollama’s words that a thinker failed, before its answer or inside it', async () => {
    const error = new AppError('upstream_failed', 'thinker attic: connection refused');
    await withAdmin([managedThinker('attic', failing(error))], async (admin) => {
      const response = await post(admin, '/api/pull', { model: 'x' });
      assert.equal(response.status, 502);
      assert.deepEqual(await response.json(), { error: error.message, code: 'upstream_failed' });
    });
    const breaking = managedThinker('attic', (_, sink) => {
      sink.head(200, ndjson);
      sink.data(Buffer.from(pulled[0]!.trimEnd()), () => {});
      sink.fail(error);
    });
    await withAdmin([breaking], async (admin) => {
      const lines = await linesOf(await post(admin, '/api/pull', { model: 'x' }));
      assert.deepEqual(lines, [{ status: 'pulling manifest' }, { error: error.message, code: 'upstream_failed' }]);
    });
  });
});

describe('management of several thinkers', () => {
  it('asks each in turn, marks every line, and ends with success when all succeeded', async () => {
    const thinkers = ['attic', 'cellar'].map((name) => managedThinker(name, answering(200, ndjson, ...pulled)));
    await withAdmin(thinkers, async (admin) => {
      assert.deepEqual(await linesOf(await post(admin, '/api/pull', { model: 'x' })), [
        { status: 'pulling manifest', thinker: 'attic' },
        { status: 'success', thinker: 'attic' },
        { status: 'pulling manifest', thinker: 'cellar' },
        { status: 'success', thinker: 'cellar' },
        { status: 'success' },
      ]);
    });
  });

  it('ends with the error and goes on with the others when one fails', async () => {
    const thinkers = [
      managedThinker(
        'attic',
        answering(200, ndjson, pulled[0]!, '{"error":"pull model manifest: file does not exist"}\n'),
      ),
      managedThinker('cellar', failing(new AppError('upstream_failed', 'connection refused'))),
      managedThinker('garden', answering(200, ndjson, ...pulled)),
    ];
    await withAdmin(thinkers, async (admin) => {
      const lines = await linesOf(await post(admin, '/api/pull', { model: 'x' }));
      assert.deepEqual(lines.at(-1), {
        error:
          '/api/pull failed on attic: pull model manifest: file does not exist; cellar: connection refused; it succeeded on garden',
      });
      assert.ok(lines.some(({ status, thinker }) => status === 'success' && thinker === 'garden'));
    });
  });

  it('answers in one object when a stream is not wanted', async () => {
    const thinkers = ['attic', 'cellar'].map((name) =>
      managedThinker(name, answering(200, 'application/json', '{"status":"success"}')),
    );
    await withAdmin(thinkers, async (admin) => {
      const response = await post(admin, '/api/pull', { model: 'x', stream: false });
      assert.deepEqual(await response.json(), {
        status: 'success',
        thinkers: [
          { thinker: 'attic', status: 200 },
          { thinker: 'cellar', status: 200 },
        ],
      });
    });
  });

  it('has deleted a model when no thinker has it any more', async () => {
    const gone = answering(404, 'application/json', `{"error":"model 'x' not found"}`);
    const remove = (admin: RunningAdmin) =>
      fetch(`${admin.url}/api/delete`, { method: 'DELETE', body: '{"model":"x"}' });
    await withAdmin(
      [managedThinker('attic', answering(200, undefined)), managedThinker('cellar', gone)],
      async (admin) => {
        assert.equal((await remove(admin)).status, 200);
      },
    );
    await withAdmin([managedThinker('attic', gone), managedThinker('cellar', gone)], async (admin) => {
      const response = await remove(admin);
      assert.equal(response.status, 404);
      assert.match(((await response.json()) as { error: string }).error, /attic: model 'x' not found; cellar: model/);
    });
  });

  it('sends a blob to one only', async () => {
    const thinkers = ['attic', 'cellar'].map((name) => managedThinker(name, answering(201, undefined)));
    await withAdmin(thinkers, async (admin) => {
      const path = `/api/blobs/sha256:${'b'.repeat(64)}`;
      const refused = await fetch(admin.url + path, { method: 'POST', body: 'x' });
      assert.equal(refused.status, 400);
      assert.match(await refused.text(), /add \?thinker= with one of attic, cellar/);
      assert.equal((await fetch(`${admin.url}${path}?thinker=cellar`, { method: 'POST', body: 'x' })).status, 201);
      assert.deepEqual(
        thinkers.map(({ calls }) => calls.length),
        [0, 1],
      );
    });
  });
});

describe('who may be managed', () => {
  it('leaves rented thinkers alone, and says why', async () => {
    const own = managedThinker('attic', answering(200, ndjson, ...pulled));
    const rented = managedThinker('vast-1', answering(200, ndjson, ...pulled), 'rented');
    await withAdmin([own, rented], async (admin) => {
      assert.equal((await post(admin, '/api/pull', { model: 'x' })).status, 200);
      const refused = await post(admin, '/api/pull?thinker=vast-1', { model: 'x' });
      assert.equal(refused.status, 403);
      assert.match(((await refused.json()) as { error: string }).error, /thinker `vast-1` is rented: /);
      assert.equal((await post(admin, '/api/pull?thinker=nobody', { model: 'x' })).status, 400);
      assert.deepEqual([own.calls.length, rented.calls.length], [1, 0]);
    });
    await withAdmin([rented], async (admin) => {
      assert.equal((await post(admin, '/api/pull', { model: 'x' })).status, 403);
    });
    await withAdmin([], async (admin) => {
      assert.equal((await post(admin, '/api/pull', { model: 'x' })).status, 503);
    });
  });

  it('takes only the method of each route, and a body that is JSON for several', async () => {
    const thinkers = ['attic', 'cellar'].map((name) => managedThinker(name, answering(200, ndjson, ...pulled)));
    await withAdmin(thinkers, async (admin) => {
      assert.equal((await fetch(`${admin.url}/api/pull`)).status, 405);
      assert.equal((await post(admin, '/api/delete', {})).status, 405);
      assert.equal((await fetch(`${admin.url}/api/pull`, { method: 'POST', body: '{' })).status, 400);
      assert.equal((await post(admin, '/api/pull', ['x'])).status, 400);
      assert.deepEqual(
        thinkers.map(({ calls }) => calls.length),
        [0, 0],
      );
    });
  });
});
