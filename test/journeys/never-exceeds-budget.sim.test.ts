/** Promise: a cap on spending is never passed; at the cap machines go, new questions are told so, and stored answers go on. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startVastWorld, type VastWorld } from '../../src/sim/world.ts';
import { fleetModel, startFleetGateway, worldOptions, type FleetWorld } from '../support/fleet-world.ts';

const capUsd = 0.3;

describe('journey: never exceeds the budget', () => {
  let world: VastWorld;
  let fleet: FleetWorld;
  before(async () => {
    world = await startVastWorld({ ...worldOptions(31), timeScale: 240, pace: 'instant', bootScale: 0.3 });
    fleet = await startFleetGateway(world, {
      fleet: {
        caps: { perHourUsd: 1, perDayUsd: capUsd, perMonthUsd: 10, perRentalUsd: 5 },
        thinkersMin: 1,
        idleTimeoutMs: 3_600_000,
      },
    });
  });
  after(async () => {
    await fleet?.close();
    await world?.close();
  });

  it('stops before the cap of the day, with everything given back', async () => {
    await fleet.until('a machine serves', ({ state }) => state === 'serving', 60_000);
    assert.equal((await fleet.ask('What is a walnut?')).status, 200);
    await fleet.until(
      'the budget stops it',
      ({ state, machines }) => state === 'exhausted' && machines.length === 0,
      90_000,
    );
    assert.equal(world.instances().length, 0);
    const { totalUsd } = world.bill();
    assert.ok(totalUsd > 0.3 * capUsd && totalUsd <= capUsd, `billed $${totalUsd} under a cap of $${capUsd}`);
  });

  it('tells new questions in the dialect of their client, and answers stored ones', async () => {
    const native = await fleet.ask('What is a trombone?');
    assert.equal(native.status, 402);
    assert.match(((await native.json()) as { error: string }).error, /no machine may be rented .* raise fleet\.caps/);
    const openai = await fetch(`${fleet.gateway.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: fleetModel, messages: [{ role: 'user', content: 'What is a pelican?' }] }),
    });
    assert.equal(openai.status, 402);
    assert.equal(((await openai.json()) as { error: { code: string } }).error.code, 'budget_exhausted');
    const again = await fleet.ask('What is a walnut?');
    assert.deepEqual([again.status, again.headers.get('x-selfhost-cache')], [200, 'exact']);
  });
});
