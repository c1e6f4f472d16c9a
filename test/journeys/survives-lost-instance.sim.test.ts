/** Promise: when a rented machine dies, nobody who had not begun to read notices, who had is told, and another takes its place. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startVastWorld, type VastWorld } from '../../src/sim/world.ts';
import { startFleetGateway, worldOptions, type FleetWorld } from '../support/fleet-world.ts';

describe('journey: survives a lost instance', () => {
  let world: VastWorld;
  let fleet: FleetWorld;
  before(async () => {
    world = await startVastWorld({ ...worldOptions(23), pace: 'instant' });
    fleet = await startFleetGateway(world, { fleet: { idleTimeoutMs: 3_600_000, thinkersMin: 1, thinkersMax: 1 } });
  });
  after(async () => {
    await fleet?.close();
    await world?.close();
  });

  it('waits for the replacement with a question that came to the dead machine', async () => {
    const { machines } = await fleet.until('a machine serves', ({ state }) => state === 'serving', 60_000);
    assert.equal((await fleet.ask('What is a walnut?')).status, 200);
    world.inject({ kind: 'lose', instanceId: Number(machines[0]!.instanceId) });
    const answer = await fleet.ask('What is a trombone?', { stream: true });
    const lines = (await answer.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { done?: boolean; error?: string });
    assert.deepEqual([answer.status, lines.at(-1)?.done, lines.at(-1)?.error], [200, true, undefined]);
    const { rentals } = (await (await fleet.admin('GET', '/api/fleet/history')).json()) as {
      rentals: { instanceId: string; endReason?: string; outcome: string }[];
    };
    const lost = rentals.find(({ instanceId }) => instanceId === machines[0]!.instanceId);
    assert.match(lost?.endReason ?? '', /^lost: /);
  });

  it('gives the dead machine back: what the market bills is what we have', async () => {
    await fleet.until(
      'the lists agree',
      ({ machines }) => {
        const ours = machines.map(({ instanceId }) => String(instanceId)).toSorted();
        const theirs = world
          .instances()
          .map(({ id }) => String(id))
          .toSorted();
        return ours.length === 1 && ours.join() === theirs.join();
      },
      60_000,
    );
  });
});
