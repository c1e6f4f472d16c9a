import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { resolveConfig } from '../config/load.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { fleetOptions, withRunTime } from './fleet-options.ts';
import { createRunTimeSettings } from './run-time-settings.ts';

const caps = { perHourUsd: 1, perDayUsd: 5, perMonthUsd: 100, perRentalUsd: 5 };

describe('run-time settings', () => {
  let dataDir: string;
  const clock = new FakeClock();
  const open = (fleet: object = { provider: 'vast', model: 'llama3.2', caps, idleTimeoutMs: 1_800_000 }) => {
    const config = resolveConfig({ fleet }, { SELFHOST_DATA_DIR: dataDir, SELFHOST_VAST_API_KEY: 'key' });
    return { config, settings: createRunTimeSettings(config, { clock, logger: silentLogger }) };
  };
  beforeEach(() => void (dataDir = mkdtempSync(join(tmpdir(), 'selfhost-settings-'))));
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('hold at once, after a restart, and until they are undone', () => {
    const first = open();
    assert.deepEqual(first.settings.change('fleet.idleTimeoutMs', 600_000), {
      name: 'fleet.idleTimeoutMs',
      before: 1_800_000,
      after: 600_000,
    });
    first.settings.change('cache.ttlMs', 60_000);
    assert.deepEqual([first.settings.fleetIdleTimeoutMs(), first.settings.cacheTtlMs()], [600_000, 60_000]);
    const again = open();
    assert.deepEqual(again.settings.view(), [
      { name: 'cache.ttlMs', value: 60_000, written: 86_400_000, changedAt: clock.now() },
      { name: 'cache.falseHitShareMax', value: 0.05, written: 0.05, changedAt: undefined },
      { name: 'fleet.idleTimeoutMs', value: 600_000, written: 1_800_000, changedAt: clock.now() },
      { name: 'fleet.spares.max', value: 2, written: 2, changedAt: undefined },
    ]);
    assert.equal(again.config.fleet.idleTimeoutMs, 600_000);
    assert.equal(again.settings.undo('fleet.idleTimeoutMs').after, 1_800_000);
    assert.equal(again.settings.fleetIdleTimeoutMs(), 1_800_000);
    assert.deepEqual([open().config.fleet.idleTimeoutMs, open().config.cache.ttlMs], [1_800_000, 60_000]);
  });

  it('tell who has to know, of what is undone too, and of nothing that was refused', () => {
    const { settings } = open();
    const told: unknown[] = [];
    settings.onChange(({ name, after }) => void told.push([name, after]));
    settings.change('cache.falseHitShareMax', 0.02);
    assert.throws(() => settings.change('cache.falseHitShareMax', 0.9));
    settings.undo('cache.falseHitShareMax');
    assert.deepEqual(told, [
      ['cache.falseHitShareMax', 0.02],
      ['cache.falseHitShareMax', 0.05],
    ]);
  });

  it('are what the control law goes by from its next tick on, and undone it weighs the idle time itself', () => {
    const { config, settings } = open({ provider: 'vast', model: 'llama3.2', caps });
    const policy = () => withRunTime(fleetOptions(config).policy, settings);
    assert.deepEqual([policy().idle.kind, policy().sparesMax], ['break-even', 2]);
    settings.change('fleet.idleTimeoutMs', 300_000);
    settings.change('fleet.spares.max', 5);
    assert.deepEqual([policy().idle, policy().sparesMax], [{ kind: 'after', idleS: 300 }, 5]);
    assert.equal(settings.undo('fleet.idleTimeoutMs').after, undefined);
    assert.equal(policy().idle.kind, 'break-even');
  });

  it('refuse what is out of bounds, what needs a restart, and what changes nothing', () => {
    const { settings } = open();
    const refused = (act: () => unknown, message: RegExp) => assert.throws(act, { code: 'bad_request', message });
    refused(() => settings.change('cache.ttlMs', 0), /cache\.ttlMs is 0/);
    refused(() => settings.change('fleet.spares.max', 1.5), /fleet\.spares\.max is 1\.5/);
    refused(() => settings.change('admin.port', 1), /cannot be changed while the gateway runs; cache\.ttlMs, /);
    refused(() => settings.undo('cache.ttlMs'), /is as the configuration says/);
    assert.deepEqual(open().config.changes, []);
    refused(() => open({}).settings.change('fleet.spares.max', 1), /no machine is rented/);
    assert.deepEqual(
      open({})
        .settings.view()
        .map(({ name }) => name),
      ['cache.ttlMs', 'cache.falseHitShareMax'],
    );
  });

  it('do not hold where they cannot be kept', () => {
    const { settings } = open();
    rmSync(dataDir, { recursive: true });
    assert.throws(() => settings.change('cache.ttlMs', 60_000), /ENOENT/);
    assert.equal(settings.cacheTtlMs(), 86_400_000);
    assert.equal(settings.view()[0]!.changedAt, undefined);
    dataDir = mkdtempSync(join(tmpdir(), 'selfhost-settings-'));
  });
});
