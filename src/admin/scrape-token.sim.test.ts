import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startAdmin } from '../../test/support/running-admin.ts';
import { httpCall } from '../testing/http-call.ts';

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

it('opens the metrics with the scrape token or the operator key, and nothing else with the token', async () => {
  const admin = await startAdmin({ key: 'operator-key', metricsToken: 'scrape-token' });
  try {
    const status = async (path: string, headers: Record<string, string>, method = 'GET') =>
      (await httpCall(admin.url + path, { headers, method })).status;
    assert.equal(await status('/metrics', bearer('scrape-token')), 200);
    assert.equal(await status('/metrics?x=1', bearer('scrape-token')), 200);
    assert.equal(await status('/metrics', bearer('operator-key')), 200);
    assert.equal(await status('/metrics', {}), 401);
    assert.equal(await status('/metrics', bearer('another-token')), 401);
    const basic = `Basic ${Buffer.from(':scrape-token').toString('base64')}`;
    assert.equal(await status('/metrics', { authorization: basic }), 401, 'a browser repeats a password by itself');
    for (const path of ['/', '/api/status', '/api/requests', '/api/cache/entries', '/metrics/x', '//metrics']) {
      assert.equal(await status(path, bearer('scrape-token')), 401, path);
    }
    assert.equal(await status('/metrics', bearer('scrape-token'), 'POST'), 401);
    assert.equal(await status('/api/cache/flush', bearer('scrape-token'), 'POST'), 401);
  } finally {
    await admin.close();
  }
});

it('lets a collector in under any name of the host when it has the token', async () => {
  const admin = await startAdmin({ metricsToken: 'scrape-token' });
  try {
    const headers = { host: 'gateway:11436' };
    assert.equal((await httpCall(`${admin.url}/metrics`, { headers })).status, 403);
    const reply = await httpCall(`${admin.url}/metrics`, { headers: { ...headers, ...bearer('scrape-token') } });
    assert.equal(reply.status, 200);
    assert.match(reply.headers['content-type']!, /^text\/plain; version=0\.0\.4/);
  } finally {
    await admin.close();
  }
});
