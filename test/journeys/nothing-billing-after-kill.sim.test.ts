/** Promise: the kill switch works with the gateway dead, and no gateway that comes back rents against it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startVastWorld, type VastWorld } from '../../src/sim/world.ts';
import { runCommand, startProcess } from '../support/cli.ts';
import { until } from '../support/until.ts';

describe('journey: nothing bills after the kill switch', () => {
  let world: VastWorld;
  let folder: string;
  before(async () => {
    world = await startVastWorld({ seed: 41, badShare: 0, takenShare: 0, bootScale: 0.05, pace: 'instant' });
    folder = await mkdtemp(join(tmpdir(), 'selfhost-kill-'));
    await writeFile(
      join(folder, 'fleet.yaml'),
      `discovery: "off"
telemetry: { logLevel: silent }
fleet:
  provider: vast
  model: qwen2:7b-instruct-q6_K
  caps: { perHourUsd: 2, perDayUsd: 10, perMonthUsd: 100, perRentalUsd: 5 }
  thinkersMin: 1
  machines: { gpuNames: [] }
  vast: { url: ${world.url} }
`,
    );
  });
  after(async () => {
    await world?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('gives back what a gateway had rented that was killed, and keeps the next one from renting', async () => {
    const environment = {
      SELFHOST_VAST_API_KEY: world.key,
      SELFHOST_DATA_DIR: join(folder, 'data'),
      SELFHOST_CONFIG: join(folder, 'fleet.yaml'),
    };
    const serve = ['serve', '--port', '0', '--admin-port', '0', '--json'];
    const first = await startProcess(serve, { environment });
    await until('a machine is rented', () => world.instances().some(({ status }) => status === 'running'), 60_000);
    await first.stop('SIGKILL');
    assert.ok(world.instances().length > 0);

    const stopped = await runCommand(['fleet', 'stop', '--json', '--admin-url', 'http://127.0.0.1:9'], { environment });
    const told = JSON.parse(stopped.out) as { stopped: boolean; via: string; destroyed: unknown[]; left: unknown[] };
    assert.deepEqual([told.stopped, told.via, told.left], [true, 'market', []]);
    assert.ok(told.destroyed.length > 0);
    assert.equal(world.instances().length, 0);

    const rented = world.history().length;
    const second = await startProcess(serve, { environment });
    const adminUrl = String(second.ready['adminUrl']);
    const status = async () =>
      JSON.parse((await runCommand(['fleet', 'status', '--json', '--admin-url', adminUrl])).out) as {
        state: string;
        at?: number;
      };
    await until('the fleet has looked', async () => (await status()).at !== undefined, 30_000);
    assert.equal((await status()).state, 'stopped');
    assert.equal(world.history().length, rented);
    await second.stop();
    assert.equal(world.instances().length, 0);
  });
});
