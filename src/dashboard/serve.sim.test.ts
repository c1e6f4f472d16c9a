import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';
import { createDashboardFiles } from './serve.ts';

describe('files of the dashboard', () => {
  let admin: RunningAdmin;
  before(async () => {
    const dashboard = createDashboardFiles({
      onMissing: (error) => {
        throw error;
      },
    });
    admin = await startAdmin({ dashboard, key: 'an-operator-key-of-a-test' });
  });
  after(() => admin?.close());

  const scriptPath = async (): Promise<string> =>
    /src="(\/assets\/main-\w+\.js)"/.exec(await (await fetch(admin.url)).text())![1]!;

  it('let only files of ours run, and speak to nobody else', async () => {
    const reply = await fetch(admin.url);
    const policy = reply.headers.get('content-security-policy')!;
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"])
      assert.ok(policy.includes(rule), rule);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(reply.headers.get('x-frame-options'), 'DENY');
    const html = await reply.text();
    assert.doesNotMatch(
      html,
      /<script>|<style>|style=|onclick|https?:\/\/(?!www\.w3\.org)/,
      'nothing inline, nothing from elsewhere',
    );
  });

  it('are the same for every page, and for whoever may log in', async () => {
    const pages = ['/', '/login', '/savings', '/requests', '/cache', '/fleet', '/what-if', '/alerts', '/settings'];
    const bodies = await Promise.all(pages.map(async (path) => await (await fetch(admin.url + path)).text()));
    assert.equal(new Set(bodies).size, 1);
    assert.equal((await fetch(`${admin.url}/plain`)).status, 401);
    assert.equal((await fetch(`${admin.url}/no-such-page`)).status, 401);
    assert.equal((await fetch(`${admin.url}/assets/../../package.json`)).status, 401);
    assert.equal((await fetch(`${admin.url}/assets/no-such-file.js`)).status, 401);
  });

  it('are kept by browsers under their name, small, and not sent twice', async () => {
    const path = await scriptPath();
    const script = await fetch(admin.url + path, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8');
    assert.equal(script.headers.get('content-encoding'), 'gzip');
    assert.match(script.headers.get('cache-control')!, /immutable/);
    const plain = await fetch(admin.url + path, { headers: { 'accept-encoding': 'identity' } });
    assert.equal(await plain.text(), await script.text());
    const again = await fetch(admin.url + path, { headers: { 'if-none-match': script.headers.get('etag')! } });
    assert.equal(again.status, 304);
    assert.equal((await fetch(admin.url)).headers.get('cache-control'), 'no-cache');
  });

  it('give way to the plain page where they were not built', async () => {
    const missing: unknown[] = [];
    const bare = await startAdmin({ dashboard: { file: async () => undefined } });
    try {
      const html = await (await fetch(bare.url)).text();
      assert.match(html, /<h2 id="traffic-title">Traffic<\/h2>/);
      assert.deepEqual(missing, []);
    } finally {
      await bare.close();
    }
  });
});
