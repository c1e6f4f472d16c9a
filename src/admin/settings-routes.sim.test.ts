import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';
import type { AuditView, SettingsView, SettingStepView } from './admin-types.ts';

const keys = { operator: 'operator-key-of-the-test', viewer: 'viewer-key-of-the-test' };

describe('settings on the operator port', () => {
  let admin: RunningAdmin;
  before(async () => {
    admin = await startAdmin({ rents: true, key: keys.operator, viewerKey: keys.viewer });
  });
  after(() => admin?.close());

  const ask = (method: string, path: string, { key, body }: { key?: string; body?: unknown } = {}) =>
    fetch(admin.url + path, {
      method,
      headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const view = async () => (await (await ask('GET', '/api/settings', { key: keys.viewer })).json()) as SettingsView;
  const find = async (name: string) => (await view()).runTime.find((each) => each.name === name)!;

  it('are changed and undone by an operator alone, and each try is written down with its values', async () => {
    const body = { name: 'fleet.idleTimeoutMs', value: 600_000 };
    assert.equal((await ask('POST', '/api/settings', { body })).status, 401);
    assert.equal((await ask('POST', '/api/settings', { body, key: keys.viewer })).status, 403);
    assert.equal((await find(body.name)).value, 1_800_000);
    const changed = await ask('POST', '/api/settings', { body, key: keys.operator });
    assert.deepEqual(await changed.json(), {
      name: body.name,
      before: 1_800_000,
      after: 600_000,
    } satisfies SettingStepView);
    assert.deepEqual(await find(body.name), {
      name: body.name,
      value: 600_000,
      written: 1_800_000,
      changedAt: admin.clock.now(),
    });
    const path = `/api/settings/${body.name}`;
    assert.equal((await ask('DELETE', path, { key: keys.viewer })).status, 403);
    assert.equal((await ask('DELETE', path, { key: keys.operator })).status, 200);
    assert.deepEqual([(await find(body.name)).value, (await find(body.name)).changedAt], [1_800_000, undefined]);
    const audit = (await (await ask('GET', '/api/audit', { key: keys.viewer })).json()) as AuditView;
    assert.deepEqual(
      audit.entries.map(({ action, status, role, detail }) => [action, status, role, detail]),
      [
        ['DELETE /api/settings/:id', 200, 'operator', 'fleet.idleTimeoutMs: 600000 → 1800000'],
        ['DELETE /api/settings/:id', 403, 'viewer', ''],
        ['POST /api/settings', 200, 'operator', 'fleet.idleTimeoutMs: 1800000 → 600000'],
        ['POST /api/settings', 403, 'viewer', ''],
      ],
    );
  });

  it('say what is wrong with what is asked', async () => {
    for (const [body, why] of [
      [{ name: 'cache.ttlMs' }, /value: .*expected \{"name": "cache\.ttlMs"/],
      [{ name: 'cache.ttlMs', value: -1 }, /cache\.ttlMs is -1/],
      [{ name: 'admin.keyFile', value: 1 }, /cannot be changed while the gateway runs/],
      [{ name: 'cache.ttlMs', value: 1, at: 2 }, /the body|at/],
    ] as const) {
      const reply = await ask('POST', '/api/settings', { body, key: keys.operator });
      const { error } = (await reply.json()) as { error: { code: string; message: string } };
      assert.deepEqual([reply.status, error.code], [400, 'bad_request']);
      assert.match(error.message, why);
    }
  });
});
