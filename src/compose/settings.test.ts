import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { createRunTimeSettings } from './run-time-settings.ts';
import { createSettings } from './settings.ts';

const settingsOf = (config: Config) =>
  createSettings(config, createRunTimeSettings(config, { clock: new FakeClock(), logger: silentLogger }))();

describe('settings as they are shown', () => {
  it('tells what was changed from what is as it comes', () => {
    const { source, settings } = settingsOf(resolveConfig({ cache: { mode: 'exact-only' } }, {}));
    assert.equal(source, undefined);
    const find = (name: string) => settings.find((row) => row.name === name);
    assert.deepEqual(find('cache.mode'), { name: 'cache.mode', value: 'exact-only', isDefault: false });
    assert.equal(find('cache.ttlMs')!.isDefault, true);
  });

  it('shows no key, no token and no password', () => {
    const secrets = ['the-secret-api-key-of-a-team', 'the-secret-admin-key-here', 'pass-word-in-an-address'];
    const config = resolveConfig(
      { thinkers: [{ url: `http://user:${secrets[2]!}@gpu.example:11434` }] },
      { SELFHOST_API_KEYS: `team:${secrets[0]!}`, SELFHOST_ADMIN_KEY: secrets[1]! },
    );
    const text = JSON.stringify(settingsOf(config));
    for (const secret of secrets) assert.ok(!text.includes(secret), secret);
    assert.ok(!text.includes(config.adminKeySha256!));
    assert.match(text, /\[redacted\]@gpu\.example/);
  });
});
