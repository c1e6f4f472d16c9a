/** Promise: what an operator changes while the gateway runs holds for the next answer, and after a restart. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { CacheRowView, StatusReport } from '../../src/admin/admin-types.ts';
import { until } from '../support/until.ts';
import { startVastWorld, type VastWorld } from '../../src/sim/world.ts';
import { startFleetGateway, worldOptions, type FleetWorld } from '../support/fleet-world.ts';
import { model, post, startRig, type Rig } from './harness.ts';

describe('journey: settings at run time', () => {
  let dataDir: string;
  let rig: Rig;
  const open = async () => (rig = await startRig({ dataDir, config: { cache: { ttlMs: 86_400_000 } } }));
  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'selfhost-settings-'));
    await open();
  });
  after(async () => {
    await rig?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const lifeOf = async (content: string): Promise<number> => {
    await (await post(`${rig.url}/api/chat`, { model, stream: false, messages: [{ role: 'user', content }] })).text();
    let entry: CacheRowView | undefined;
    // It is stored when the answer has been sent.
    await until('it is stored', async () => {
      const reply = await fetch(`${rig.adminUrl}/api/cache/entries?contains=${encodeURIComponent(content)}`);
      ({
        entries: [entry],
      } = (await reply.json()) as { entries: readonly CacheRowView[] });
      return entry !== undefined;
    });
    return (entry!.ageS + entry!.expiresInS) / 3600;
  };
  const isAbout = (hours: number, expected: number) =>
    assert.ok(hours > 0.85 * expected && hours < 1.15 * expected, `${hours} h`);
  const overriding = async () =>
    ((await (await fetch(`${rig.adminUrl}/api/status`)).json()) as StatusReport).overriding.map(({ name }) => name);

  it('keeps answers as long as it was told last, and as configured once that is undone', async () => {
    isAbout(await lifeOf('What is a walnut?'), 24);
    const change = { name: 'cache.ttlMs', value: 2 * 3_600_000 };
    assert.equal((await post(`${rig.adminUrl}/api/settings`, change)).status, 200);
    isAbout(await lifeOf('What is a chestnut?'), 2);
    await rig.close();
    await open();
    assert.deepEqual(await overriding(), ['cache.ttlMs']);
    isAbout(await lifeOf('What is a hazelnut?'), 2);
    assert.equal((await fetch(`${rig.adminUrl}/api/settings/cache.ttlMs`, { method: 'DELETE' })).status, 200);
    isAbout(await lifeOf('What is an almond?'), 24);
    assert.deepEqual(await overriding(), []);
  });

  it('allows as many wrong hits as it was told last', async () => {
    const target = async () =>
      ((await (await fetch(`${rig.adminUrl}/api/status`)).json()) as StatusReport).cache.semantic?.target;
    assert.equal(await target(), 0.05);
    await post(`${rig.adminUrl}/api/settings`, { name: 'cache.falseHitShareMax', value: 0.02 });
    assert.equal(await target(), 0.02);
    await rig.close();
    await open();
    assert.equal(await target(), 0.02);
    await fetch(`${rig.adminUrl}/api/settings/cache.falseHitShareMax`, { method: 'DELETE' });
    assert.equal(await target(), 0.05);
  });
});

describe('journey: settings of a fleet at run time', () => {
  let world: VastWorld;
  let fleet: FleetWorld;
  before(async () => {
    world = await startVastWorld(worldOptions(31));
    fleet = await startFleetGateway(world, { fleet: { idleTimeoutMs: 24 * 3_600_000, spares: { max: 0 } } });
  });
  after(async () => {
    await fleet?.close();
    await world?.close();
  });

  it('lets a machine that was to wait for a day go within minutes once it is told to', async () => {
    const lines = (await (await fleet.ask('What is a lighthouse?', { stream: true })).text()).trim().split('\n');
    assert.equal((JSON.parse(lines.at(-1)!) as { done: boolean }).done, true);
    const [machine] = (await fleet.report()).machines;
    assert.equal(machine?.phase, 'ready');
    const reply = await fleet.admin('POST', '/api/settings', { name: 'fleet.idleTimeoutMs', value: 60_000 });
    assert.equal(reply.status, 200);
    await fleet.until('it is given back', ({ machines }) => machines.length === 0);
    assert.equal(world.instances().length, 0);
  });
});
