import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';
import { sessionLimits } from './sessions.ts';

const key = 'correct-horse-battery-staple';
const viewerKey = 'a-key-that-may-only-look';

interface Reply {
  readonly status: number;
  readonly cookie: string | undefined;
  readonly body: { readonly error?: { readonly code: string }; readonly role?: string; readonly path?: string };
}

async function withAdmin(use: (admin: RunningAdmin, send: Send) => Promise<void>): Promise<void> {
  const admin = await startAdmin({ key, viewerKey });
  const send: Send = async (path, { method = 'GET', cookie, body, headers = {} } = {}) => {
    const reply = await fetch(admin.url + path, {
      method,
      headers: { ...(method !== 'GET' && { origin: admin.url }), ...(cookie !== undefined && { cookie }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    return {
      status: reply.status,
      cookie: reply.headers.get('set-cookie')?.split(';')[0],
      body: (reply.headers.get('content-type')?.startsWith('application/json')
        ? JSON.parse(text)
        : {}) as Reply['body'],
    };
  };
  try {
    await use(admin, send);
  } finally {
    await admin.close();
  }
}

type Send = (
  path: string,
  options?: { method?: string; cookie?: string | undefined; body?: unknown; headers?: Record<string, string> },
) => Promise<Reply>;

const login = (send: Send, body: unknown) => send('/api/session', { method: 'POST', body });

describe('sessions of the operator port', () => {
  it('tells a stranger only that a key is needed', () =>
    withAdmin(async (_, send) => {
      assert.deepEqual((await send('/api/session')).body, { keyRequired: true });
      assert.equal((await send('/api/status')).status, 401);
      assert.equal((await send('/api/live?topics=status')).status, 401);
      assert.equal((await send('/api/audit')).status, 401);
    }));

  it('opens with a key, is good for every route, and ends when asked to', () =>
    withAdmin(async (_, send) => {
      const { status, cookie, body } = await login(send, { key });
      assert.deepEqual([status, body.role], [200, 'operator']);
      assert.equal((await send('/api/status', { cookie })).status, 200);
      assert.equal((await send('/api/cache/purge', { method: 'POST', cookie, body: { all: true } })).status, 200);
      await send('/api/session', { method: 'DELETE', cookie });
      assert.equal((await send('/api/status', { cookie })).status, 401);
    }));

  it('lets a viewer look and touch nothing, by session or by key', () =>
    withAdmin(async (_, send) => {
      const { cookie, body } = await login(send, { key: viewerKey });
      assert.equal(body.role, 'viewer');
      const authorization = { authorization: `Bearer ${viewerKey}` };
      for (const shown of [{ cookie }, { headers: authorization }]) {
        for (const path of ['/api/status', '/api/requests', '/metrics', '/api/audit'])
          assert.equal((await send(path, shown)).status, 200, path);
        for (const [method, path] of [
          ['POST', '/api/cache/purge'],
          ['POST', '/api/cache/flush'],
          ['DELETE', '/api/cache/entries/x'],
          ['POST', '/api/requests/x/feedback'],
          ['POST', '/api/session/link'],
          ['POST', '/api/pull'],
        ] as const) {
          const reply = await send(path, { method, body: { all: true }, ...shown });
          assert.equal(reply.status, 403, path);
        }
      }
    }));

  it('takes no change from a browser that does not say which page asked for it', () =>
    withAdmin(async (admin, send) => {
      const { cookie } = await login(send, { key });
      const reply = await fetch(`${admin.url}/api/cache/flush`, { method: 'POST', headers: { cookie: cookie! } });
      assert.equal(reply.status, 403);
      const foreign = { origin: 'https://evil.example' };
      assert.equal((await send('/api/cache/flush', { method: 'POST', cookie, headers: foreign })).status, 403);
      assert.equal((await send('/api/session', { method: 'POST', body: { key }, headers: foreign })).status, 403);
    }));

  it('logs in by a link once, and not when it is old', () =>
    withAdmin(async (admin, send) => {
      const { cookie } = await login(send, { key });
      const link = async () => {
        const { body } = await send('/api/session/link', { method: 'POST', cookie });
        return /^\/login#link=([\w-]{32})$/.exec(body.path!)![1]!;
      };
      const first = await link();
      assert.equal((await login(send, { link: first })).body.role, 'operator');
      assert.equal((await login(send, { link: first })).status, 401);
      const second = await link();
      await admin.clock.advance(sessionLimits.linkMs);
      assert.equal((await login(send, { link: second })).status, 401);
    }));

  it('ends a session after its time', () =>
    withAdmin(async (admin, send) => {
      const { cookie } = await login(send, { key });
      await admin.clock.advance(sessionLimits.sessionMs);
      assert.equal((await send('/api/status', { cookie })).status, 401);
    }));

  it('keeps a bounded number of sessions, the newest', () =>
    withAdmin(async (_, send) => {
      const first = await login(send, { key });
      for (let i = 0; i < sessionLimits.sessionsMax; i++) await login(send, { key });
      assert.equal((await send('/api/status', { cookie: first.cookie })).status, 401);
    }));

  it('slows down who guesses', () =>
    withAdmin(async (admin, send) => {
      for (let i = 0; i < sessionLimits.attemptsMax; i++)
        assert.equal((await login(send, { key: `guess ${i}` })).status, 401);
      const refused = await login(send, { key });
      assert.deepEqual([refused.status, refused.body.error?.code], [429, 'rate_limited']);
      await admin.clock.advance(sessionLimits.attemptsWindowMs);
      assert.equal((await login(send, { key })).status, 200);
    }));

  it('writes down every try to change something, and who it was', () =>
    withAdmin(async (_, send) => {
      await login(send, { key: 'wrong' });
      const { cookie } = await login(send, { key });
      await send('/api/cache/flush', { method: 'POST', cookie });
      await send('/api/cache/flush', { method: 'POST', headers: { authorization: `Bearer ${viewerKey}` } });
      const { body } = await send('/api/audit', { cookie });
      const { entries } = body as unknown as {
        entries: { action: string; status: number; role?: string; via?: string }[];
      };
      assert.deepEqual(
        entries.map(({ action, status, role, via }) => [action, status, role, via]),
        [
          ['POST /api/cache/flush', 403, 'viewer', 'key'],
          ['POST /api/cache/flush', 200, 'operator', 'session'],
          ['POST /api/session', 200, undefined, undefined],
          ['POST /api/session', 401, undefined, undefined],
        ],
      );
    }));
});
