import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { configHash, resolveConfig } from './load.ts';
import { changesPath, readChanges, writeChanges } from './run-time.ts';

describe('settings changed at run time', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'selfhost-run-time-'));
  after(() => rmSync(dataDir, { recursive: true }));
  const load = (file: object) => resolveConfig(file, { SELFHOST_DATA_DIR: dataDir });
  const hour = 3_600_000;

  it('hold instead of what the file says, and leave the rest of it as it is', () => {
    const file = { cache: { ttlMs: hour, mode: 'exact-only' } };
    const before = load(file);
    assert.deepEqual([before.cache.ttlMs, before.changes], [hour, []]);
    writeChanges(dataDir, [
      { name: 'cache.ttlMs', value: 2 * hour, at: 5 },
      { name: 'fleet.spares.max', value: 0, at: 6 },
      { name: 'fleet.idleTimeoutMs', value: 60_000, at: 7 },
    ]);
    const { cache, fleet, changes, ...rest } = load(file);
    assert.deepEqual(
      [cache.ttlMs, cache.mode, fleet.spares.max, fleet.idleTimeoutMs],
      [2 * hour, 'exact-only', 0, 60_000],
    );
    assert.deepEqual(changes, [
      { name: 'cache.ttlMs', value: 2 * hour, at: 5, written: hour },
      { name: 'fleet.spares.max', value: 0, at: 6, written: 2 },
      { name: 'fleet.idleTimeoutMs', value: 60_000, at: 7, written: undefined },
    ]);
    assert.notEqual(configHash({ ...rest, cache, fleet, changes }), configHash(before));
    assert.equal(statSync(changesPath(dataDir)).mode & 0o777, 0o600);
    assert.deepEqual(file, { cache: { ttlMs: hour, mode: 'exact-only' } }, 'the file is not written to');
  });

  it('are refused where they are out of bounds, unknown or cut, by the name of their file', () => {
    const refused = (text: string, why: RegExp) => {
      writeFileSync(changesPath(dataDir), text);
      assert.throws(() => load({}), { code: 'config_invalid', message: why });
    };
    const change = (fields: object) => JSON.stringify({ version: 1, changes: [{ at: 1, ...fields }] });
    refused(change({ name: 'cache.ttlMs', value: 0 }), /settings\.json is not valid:\s+cache\.ttlMs is 0; /);
    refused(change({ name: 'admin.port', value: 1 }), /settings\.json holds settings .* cannot be read/);
    refused('{"version": 1, "chan', /settings\.json holds settings .* move it away to go by the configuration alone/);
    // Machines can be stopped all the same.
    assert.deepEqual(resolveConfig({}, {}, { dataDir, changedAtRunTime: 'ignored' }).changes, []);
    rmSync(changesPath(dataDir));
    assert.deepEqual(readChanges(dataDir), []);
  });
});
