import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { runProcess } from '../../../test/support/cli.ts';
import { loadConfig } from '../../config/load.ts';
import { startVastWorld, type VastWorld } from '../../sim/world.ts';

describe('llm-self-host connect vast', () => {
  let market: VastWorld;
  let folder: string;
  let config: string;
  before(async () => {
    market = await startVastWorld({ seed: 7, badShare: 0, takenShare: 0, occupiedShare: 0, rateLimits: 'off' });
  });
  after(() => market.close());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'selfhost-connect-'));
    config = join(folder, 'gateway.yaml');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const caps = ['--per-hour-usd', '2', '--per-day-usd', '5', '--per-month-usd', '50', '--per-rental-usd', '4'];
  const connect = (...words: string[]) =>
    runProcess(
      ['connect', 'vast', '--config', config, '--vast-url', market.url, '--model', 'llama3.1:8b', ...caps, ...words],
      { environment: { SELFHOST_VAST_API_KEY: market.key } },
    );

  it('adds the fleet and its key, and leaves all else as it was written', async () => {
    const before = '# mine\ncache:\n  mode: exact-only # on purpose\n';
    writeFileSync(config, before);
    const { code, out, err } = await connect('--yes');
    assert.equal(code, 0, err);
    assert.match(out, /what was there is in .*before-[^]*up --config [^]*fleet start\n$/);
    const text = readFileSync(config, 'utf8');
    assert.ok(text.startsWith(before), text);
    assert.ok(!text.includes(market.key));
    const key = join(folder, 'gateway.secrets', 'vast-key');
    assert.equal(statSync(key).mode & 0o777, 0o600);
    const { fleet, cache, discovery, vastKey } = await loadConfig({}, { config });
    assert.deepEqual(
      [fleet.provider, fleet.model, fleet.caps?.perDayUsd, cache.mode, discovery, vastKey],
      ['vast', 'llama3.1:8b', 5, 'exact-only', 'off', market.key],
    );
    assert.deepEqual(market.history(), [], 'nothing is rented');
  });

  it('keeps servers of your own beside the machines, and what was found by itself out', async () => {
    writeFileSync(config, 'thinkers:\n  - url: http://gpu:11434\n');
    assert.equal((await connect('--yes')).code, 0);
    const own = await loadConfig({}, { config });
    assert.deepEqual([own.thinkers.length, own.discovery], [1, 'auto']);
    writeFileSync(config, 'discovery: auto # for the demo\n');
    assert.equal((await connect('--yes')).code, 0);
    assert.equal((await loadConfig({}, { config })).discovery, 'off');
  });

  it('replaces a fleet only when told, and touches nothing that it does not understand', async () => {
    writeFileSync(config, 'fleet: { provider: "off", name: mine }\n# the end\n');
    assert.equal((await connect('--yes')).code, 0);
    const first = readFileSync(config, 'utf8');
    const again = await connect('--yes');
    assert.match(again.err, /rents machines already \(llama3\.1:8b\); add --overwrite/);
    assert.equal(readFileSync(config, 'utf8'), first);
    assert.equal((await connect('--yes', '--overwrite', '--gpu', 'RTX 3090')).code, 0);
    assert.deepEqual((await loadConfig({}, { config })).fleet.machines.gpuNames, ['RTX 3090']);

    writeFileSync(config, 'gateway: { prot: 1 }\n');
    const names = readdirSync(folder);
    assert.match((await connect('--yes')).err, /is not a valid configuration/);
    assert.deepEqual(readdirSync(folder), names);
    rmSync(config);
    assert.match((await connect('--yes')).err, /there is no .*gateway\.yaml; `llm-self-host init --answers vast`/);
  });
});
