import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { model, post, startRig, type Rig } from './harness.ts';

interface Told {
  readonly status: number;
  readonly message: string;
  readonly type: string | undefined;
  readonly retryAfter: string | null;
}

/** The three ways to ask, and where each dialect puts its error. */
const dialects = {
  ollama: {
    path: '/api/chat',
    extra: { stream: false },
    read: (body: Body) => ({ message: body.error as unknown as string, type: undefined }),
  },
  openai: {
    path: '/v1/chat/completions',
    extra: {},
    read: (body: Body) => ({ message: body.error.message, type: body.error.type }),
  },
  anthropic: {
    path: '/v1/messages',
    extra: { max_tokens: 50 },
    read: (body: Body) => ({ message: body.error.message, type: body.error.type }),
  },
} as const;
interface Body {
  readonly error: { readonly message: string; readonly type: string };
}

describe('errors in the dialect of whoever asks', () => {
  let rig: Rig;
  // A fresh one for each: a thinker that fails or is busy in one test must not be resting in the next.
  beforeEach(async () => {
    rig = await startRig({
      config: {
        timeouts: { firstTokenWarmMs: 400, firstTokenColdMs: 400, stallMs: 400, connectMs: 1000 },
        admission: { queueWaitMaxMs: 1500 },
        // The one thinker fails on purpose and must stay in use.
        router: { ejectAfterFailures: 100 },
      },
    });
  });
  afterEach(() => rig.close());

  async function ask(dialect: keyof typeof dialects, name: string, extra: object = {}): Promise<Told> {
    const { path, extra: own, read } = dialects[dialect];
    const answer = await post(`${rig.url}${path}`, {
      model: name,
      messages: [{ role: 'user', content: `about ${name}` }],
      ...own,
      ...extra,
    });
    return {
      status: answer.status,
      ...read((await answer.json()) as Body),
      retryAfter: answer.headers.get('retry-after'),
    };
  }

  const cases: readonly (readonly [string, { status: number; openai: string; anthropic: string; says: RegExp }])[] = [
    [
      'no-such-model',
      { status: 404, openai: 'not_found_error', anthropic: 'not_found_error', says: /no-such-model.*not found/ },
    ],
    [
      'fault-context-length',
      { status: 400, openai: 'invalid_request_error', anthropic: 'invalid_request_error', says: /context/ },
    ],
    ['fault-reset', { status: 502, openai: 'api_error', anthropic: 'api_error', says: /./ }],
    ['fault-html-502', { status: 502, openai: 'api_error', anthropic: 'api_error', says: /./ }],
    ['fault-503-busy', { status: 503, openai: 'api_error', anthropic: 'overloaded_error', says: /busy/ }],
    [
      'fault-silent',
      { status: 504, openai: 'api_error', anthropic: 'timeout_error', says: /began no answer within 400 ms/ },
    ],
    ['fault-stall-5', { status: 504, openai: 'api_error', anthropic: 'timeout_error', says: /./ }],
    ['fault-cut-5', { status: 502, openai: 'api_error', anthropic: 'api_error', says: /./ }],
    ['fault-eof-5', { status: 502, openai: 'api_error', anthropic: 'api_error', says: /done/ }],
    ['fault-malformed-5', { status: 502, openai: 'api_error', anthropic: 'api_error', says: /./ }],
    ['fault-inband-error-5', { status: 502, openai: 'api_error', anthropic: 'api_error', says: /./ }],
  ];
  for (const [name, expected] of cases) {
    it(`${name}: ${expected.status}, nothing cached`, async () => {
      const entries = rig.gateway.status().cache.entries;
      const [ollama, openai, anthropic] = await Promise.all([
        ask('ollama', name),
        ask('openai', name),
        ask('anthropic', name),
      ]);
      for (const told of [ollama, openai, anthropic]) {
        assert.equal(told.status, expected.status, told.message);
        assert.match(told.message, expected.says);
      }
      assert.equal(openai.type, expected.openai);
      assert.equal(anthropic.type, expected.anthropic);
      assert.equal(rig.gateway.status().cache.entries, entries);
    });
  }

  it('an error that may pass is tried again before the first token, unseen by the client', async () => {
    const answer = await post(`${rig.url}/api/chat`, {
      model: 'fault-500-once',
      messages: [{ role: 'user', content: 'try again' }],
      stream: false,
    });
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
    const busy = await post(`${rig.url}/api/chat`, {
      model: 'fault-503-busy-once',
      messages: [{ role: 'user', content: 'try again' }],
      stream: false,
    });
    assert.equal(busy.status, 200);
    await busy.body?.cancel();
  });

  it('an NDJSON stream that breaks ends with one error line and no done', async () => {
    const answer = await post(`${rig.url}/api/chat`, {
      model: 'fault-cut-5',
      messages: [{ role: 'user', content: 'break' }],
    });
    assert.equal(answer.status, 200);
    const lines = (await answer.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { error?: string; done?: boolean });
    assert.equal(typeof lines.at(-1)?.error, 'string');
    assert.ok(lines.every((line) => line.done !== true));
  });

  it('bodies that cannot be read are told why', async () => {
    const raw = (body: string, headers: Record<string, string> = {}) =>
      fetch(`${rig.url}/api/chat`, { method: 'POST', body, headers });
    const error = async (answer: Response) => ((await answer.json()) as { error: string }).error;
    const empty = await raw('');
    assert.equal(empty.status, 400);
    assert.equal(await error(empty), 'missing request body');
    const broken = await raw('{"model": ');
    assert.equal(broken.status, 400);
    assert.match(await error(broken), /not valid JSON/);
    const unknown = await raw('{}', { 'content-encoding': 'lzma' });
    assert.match(await error(unknown), /lzma.*zstd/);
    const wrong = await raw('[]');
    assert.equal(wrong.status, 400);
  });

  it('a body over the limit is refused before it is read', async () => {
    const small = await startRig({ config: { gateway: { bodyBytesMax: 2048 } } });
    try {
      const answer = await post(`${small.url}/v1/chat/completions`, {
        model,
        messages: [{ role: 'user', content: 'x'.repeat(5000) }],
      });
      assert.equal(answer.status, 413);
      assert.match(((await answer.json()) as Body).error.message, /2048 bytes.*gateway.bodyBytesMax/);
    } finally {
      await small.close();
    }
  });

  it('unknown routes and wrong methods are told what there is', async () => {
    const unknown = await fetch(`${rig.url}/v1/nothing`);
    assert.equal(unknown.status, 404);
    const wrong = await fetch(`${rig.url}/api/chat`);
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.get('allow'), 'POST');
    assert.match(((await wrong.json()) as { error: string }).error, /POST/);
    const tolerated = await fetch(`${rig.url}//api/version/`);
    assert.equal(tolerated.status, 200);
    await tolerated.body?.cancel();
  });

  it('foreign pages are refused, local ones are not', async () => {
    const foreign = await fetch(`${rig.url}/api/tags`, { headers: { origin: 'https://evil.example' } });
    assert.equal(foreign.status, 403);
    const local = await fetch(`${rig.url}/api/tags`, { headers: { origin: 'http://localhost:3000' } });
    assert.equal(local.headers.get('access-control-allow-origin'), 'http://localhost:3000');
    await local.body?.cancel();
    const { port } = new URL(rig.url);
    const status = await new Promise((resolve, reject) => {
      httpRequest({ host: '127.0.0.1', port, path: '/api/tags', headers: { host: 'rebound.example' } }, (answer) =>
        resolve(answer.resume().statusCode),
      )
        .on('error', reject)
        .end();
    });
    assert.equal(status, 403);
  });

  it('a request that does not arrive in time is told so', async () => {
    const slow = await startRig({ config: { gateway: { bodyTimeoutMs: 300 } } });
    try {
      const socket = connect(Number(new URL(slow.url).port), '127.0.0.1');
      socket.write('POST /api/chat HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\n{');
      let reply = '';
      for await (const chunk of socket) reply += String(chunk);
      assert.match(reply, /^HTTP\/1.1 408 /);
      assert.match(reply, /gateway\.bodyTimeoutMs/);
    } finally {
      await slow.close();
    }
  });

  it('what is no HTTP is told so', async () => {
    const socket = connect(Number(new URL(rig.url).port), '127.0.0.1');
    socket.write('hello?\r\n\r\n');
    let reply = '';
    for await (const chunk of socket) reply += String(chunk);
    assert.match(reply, /^HTTP\/1.1 400 /);
  });

  it('a refused request without a body keeps its connection', async () => {
    const guarded = await startRig({ environment: { SELFHOST_API_KEYS: 'team:0123456789abcdef' } });
    try {
      const refused = await fetch(`${guarded.url}/v1/models`);
      assert.equal(refused.status, 401);
      assert.notEqual(refused.headers.get('connection'), 'close');
      await refused.body?.cancel();
    } finally {
      await guarded.close();
    }
  });
});
