import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { aRecord, aStatus, anEntry, startAdmin } from '../../test/support/running-admin.ts';
import { entryId, modelName } from '../core/ids.ts';
import { addMs } from '../core/units.ts';

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** `fetch` would set Host and Origin by itself; here the test decides. */
function send(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (incoming) => {
      text(incoming).then(
        (received) => resolve({ status: incoming.statusCode!, headers: incoming.headers, body: received }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const codeOf = (reply: Reply): unknown => (JSON.parse(reply.body) as { error: { code: string } }).error.code;

const guarded = ['/', '/metrics', '/api/status', '/api/openapi.json', '/api/requests', '/api/cache/entries'];

describe('operator port: who may', () => {
  it('answers programs on this machine when it has no key', async () => {
    const admin = await startAdmin();
    try {
      for (const path of guarded) {
        for (const host of ['127.0.0.1:11436', 'localhost:11436', '[::1]:11436', 'LOCALHOST']) {
          assert.equal((await send(admin.port, path, { headers: { host } })).status, 200, `${path} for ${host}`);
        }
      }
    } finally {
      await admin.close();
    }
  });

  it('refuses a name that a stranger may point at this machine', async () => {
    const admin = await startAdmin();
    try {
      for (const host of ['evil.example', 'evil.example:11436', '127.0.0.1.evil.example', '10.0.0.1:11436']) {
        const reply = await send(admin.port, '/api/status', { headers: { host } });
        assert.equal(reply.status, 403, host);
        assert.equal(codeOf(reply), 'forbidden');
      }
    } finally {
      await admin.close();
    }
  });

  it('refuses what a foreign page sends, with or without a key', async () => {
    for (const key of [undefined, 'a key of the operator']) {
      const entries = [anEntry()];
      const admin = await startAdmin({ entries, ...(key && { key }) });
      try {
        const authorization = { authorization: `Basic ${Buffer.from(`:${key}`).toString('base64')}` };
        const host = `127.0.0.1:${admin.port}`;
        for (const origin of ['https://evil.example', 'http://localhost:3000', 'null']) {
          const headers = { host, origin, ...(key && authorization) };
          const reply = await send(admin.port, '/api/cache/purge', { method: 'POST', headers, body: { all: true } });
          assert.equal(reply.status, 403, `${origin} with key ${key}`);
        }
        assert.equal(entries.length, 1);
        const own = { host, origin: `http://${host}`, ...(key && authorization) };
        assert.equal((await send(admin.port, '/api/status', { headers: own })).status, 200);
      } finally {
        await admin.close();
      }
    }
  });

  it('asks for its key everywhere but on the liveness probe', async () => {
    const key = 'correct horse battery';
    const admin = await startAdmin({ key });
    try {
      for (const path of [...guarded, '/api/pull', '/nowhere']) {
        const bare = await send(admin.port, path);
        assert.equal(bare.status, 401, path);
        assert.match(bare.headers['www-authenticate'] ?? '', /^Basic .*Bearer$/);
        for (const wrong of ['Bearer wrong', 'Bearer ', `Bearer ${key}x`, `bearer`, key]) {
          const reply = await send(admin.port, path, { headers: { authorization: wrong } });
          assert.equal(reply.status, 401, `${path} with ${wrong}`);
        }
      }
      assert.equal((await send(admin.port, '/healthz')).body, '{"status":"ok"}\n');
    } finally {
      await admin.close();
    }
  });

  it('takes its key as a bearer, and as the password a browser asks for', async () => {
    const key = 'correct-horse-battery';
    const admin = await startAdmin({ key });
    try {
      const basic = Buffer.from(`ada:${key}`).toString('base64');
      for (const authorization of [`Bearer ${key}`, `bearer ${key}`, `Basic ${basic}`]) {
        // With a key, any name will do.
        const headers = { authorization, host: 'gpu.example' };
        for (const path of guarded) assert.equal((await send(admin.port, path, { headers })).status, 200, path);
      }
    } finally {
      await admin.close();
    }
  });
});

describe('operator port: reading', () => {
  it('tells the status and the requests as JSON, never for a cache', async () => {
    const admin = await startAdmin();
    try {
      admin.requests.add(aRecord({ id: 'one' }));
      admin.requests.add(aRecord({ id: 'two' }));
      const status = await send(admin.port, '/api/status');
      assert.deepEqual(JSON.parse(status.body), JSON.parse(JSON.stringify(aStatus())));
      assert.equal(status.headers['cache-control'], 'no-store');
      const list = JSON.parse((await send(admin.port, '/api/requests?limit=1')).body) as { requests: { id: string }[] };
      assert.deepEqual(
        list.requests.map(({ id }) => id),
        ['two'],
      );
      assert.equal((JSON.parse((await send(admin.port, '/api/requests/one')).body) as { id: string }).id, 'one');
      assert.equal((await send(admin.port, '/api/requests/three')).status, 404);
    } finally {
      await admin.close();
    }
  });

  it('refuses a limit that is not a whole number within its bound', async () => {
    const admin = await startAdmin();
    try {
      for (const limit of ['0', '-1', '1.5', '1001', 'all', '']) {
        const reply = await send(admin.port, `/api/requests?limit=${limit}`);
        assert.equal(reply.status, 400, limit);
        assert.match(reply.body, /limit is `.*`; expected a whole number from 1 to 1000/);
      }
    } finally {
      await admin.close();
    }
  });

  it('serves the metrics that Prometheus reads', async () => {
    const admin = await startAdmin();
    try {
      const reply = await send(admin.port, '/metrics');
      assert.match(reply.headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
      assert.match(reply.body, /^selfhost_cache_lookups_total\{result="hit_exact"\} 0$/m);
    } finally {
      await admin.close();
    }
  });

  it('answers HEAD as GET without a body', async () => {
    const admin = await startAdmin();
    try {
      for (const path of ['/', '/healthz', '/api/status']) {
        const [head, get] = [await send(admin.port, path, { method: 'HEAD' }), await send(admin.port, path)];
        assert.equal(head.status, 200);
        assert.equal(head.body, '');
        assert.equal(head.headers['content-length'], get.headers['content-length']);
      }
    } finally {
      await admin.close();
    }
  });

  it('names what a route takes, and says which routes do not exist', async () => {
    const admin = await startAdmin();
    try {
      const wrong = await send(admin.port, '/api/status', { method: 'POST' });
      assert.equal(wrong.status, 405);
      assert.equal(wrong.headers.allow, 'GET, HEAD');
      const both = await send(admin.port, '/api/cache/entries/x', { method: 'PUT' });
      assert.equal(both.headers.allow, 'GET, HEAD, DELETE');
      assert.equal((await send(admin.port, '/api/chat', { method: 'POST', body: {} })).status, 404);
      assert.equal((await send(admin.port, '/api/requests/%E0%A4%A')).status, 404);
    } finally {
      await admin.close();
    }
  });

  it('writes nothing into the page that a stranger could have worded', async () => {
    const admin = await startAdmin();
    try {
      admin.requests.add(aRecord({ model: '<script>alert(1)</script>', outcome: 'client_error', error: '"&\'<b>' }));
      const page = await send(admin.port, '/');
      assert.equal(page.body.match(/<script/g)?.length, 1);
      assert.ok(!page.body.includes('<b>'));
      assert.match(String(page.headers['content-security-policy']), /default-src 'none'; style-src 'sha256-/);
    } finally {
      await admin.close();
    }
  });
});

describe('operator port: stored answers', () => {
  const older = anEntry({ id: entryId('old'), storedAt: addMs(anEntry().storedAt, -7_200_000) });
  const other = anEntry({ id: entryId('other'), model: modelName('qwen3:8b') });

  it('lists them newest first, narrowed down, page by page', async () => {
    const admin = await startAdmin({ entries: [anEntry(), other, older] });
    const ids = async (query: string) => {
      const list = JSON.parse((await send(admin.port, `/api/cache/entries${query}`)).body) as {
        entries: { id: string; ageS: number }[];
        before?: number;
      };
      return { ids: list.entries.map(({ id }) => id), before: list.before };
    };
    try {
      assert.deepEqual(await ids(''), { ids: ['entry-1', 'other', 'old'], before: undefined });
      assert.deepEqual((await ids('?model=llama3.2')).ids, ['entry-1', 'old']);
      assert.deepEqual((await ids('?contains=TOWER')).ids.length, 3);
      assert.deepEqual((await ids('?contains=bridge')).ids, []);
      const first = await ids('?limit=2');
      assert.deepEqual(first.ids, ['entry-1', 'other']);
      assert.deepEqual((await ids(`?limit=2&before=${first.before}`)).ids, ['old']);
    } finally {
      await admin.close();
    }
  });

  it('shows one whole, without its vector, and removes it', async () => {
    const entries = [anEntry()];
    const admin = await startAdmin({ entries });
    try {
      const shown = JSON.parse((await send(admin.port, '/api/cache/entries/entry-1')).body) as Record<string, unknown>;
      assert.equal((shown['answer'] as { text: string }).text, 'Three hundred metres.');
      assert.deepEqual(shown['semantic'], { text: 'How tall is the tower?', embeddingModel: 'lexical-1' });
      const removed = await send(admin.port, '/api/cache/entries/entry-1', { method: 'DELETE' });
      assert.deepEqual(JSON.parse(removed.body), { removed: 1 });
      assert.deepEqual(entries, []);
      for (const method of ['GET', 'DELETE']) {
        const gone = await send(admin.port, '/api/cache/entries/entry-1', { method });
        assert.equal(codeOf(gone), 'entry_not_found');
      }
    } finally {
      await admin.close();
    }
  });

  it('forgets what the filter names, and everything only when told so', async () => {
    const entries = [anEntry(), other, older];
    const admin = await startAdmin({ entries });
    const purge = (body: unknown) => send(admin.port, '/api/cache/purge', { method: 'POST', body });
    try {
      for (const body of [{}, { all: false }, { model: '' }, { all: true, model: 'x' }, { olderThan: 60 }, [], 'all']) {
        const refused = await purge(body);
        assert.equal(refused.status, 400, JSON.stringify(body));
      }
      assert.equal(entries.length, 3);
      assert.deepEqual(JSON.parse((await purge({ olderThanS: 3600 })).body), { removed: 1 });
      assert.deepEqual(JSON.parse((await purge({ model: 'qwen3:8b' })).body), { removed: 1 });
      assert.deepEqual(JSON.parse((await purge({ all: true })).body), { removed: 1 });
      assert.deepEqual(admin.cache.purged.at(-1), {});
    } finally {
      await admin.close();
    }
  });

  it('flushes everything at once, and counts the flushes', async () => {
    const entries = [anEntry(), other];
    const admin = await startAdmin({ entries });
    try {
      for (const epoch of [1, 2]) {
        const reply = await send(admin.port, '/api/cache/flush', { method: 'POST' });
        assert.deepEqual([reply.status, JSON.parse(reply.body)], [200, { epoch }]);
      }
      assert.deepEqual(entries, []);
      assert.equal((await send(admin.port, '/api/cache/flush')).status, 405);
    } finally {
      await admin.close();
    }
  });

  it('refuses a body larger than any filter can be', async () => {
    const admin = await startAdmin();
    try {
      const reply = await send(admin.port, '/api/cache/purge', {
        method: 'POST',
        body: { contains: 'x'.repeat(70_000) },
      });
      assert.equal(reply.status, 413);
      assert.equal(codeOf(reply), 'body_too_large');
    } finally {
      await admin.close();
    }
  });
});
