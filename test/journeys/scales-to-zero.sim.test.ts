/**
 * Promise: nothing runs while nobody asks, the first question waits for a machine and is answered; idle, it is stopped, the next question
 * has it back at once, and afterwards all is given back.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { WhatIfChange, WhatIfReply } from '../../src/admin/admin-types.ts';
import { startVastWorld, type VastWorld } from '../../src/sim/world.ts';
import { fleetModel, startFleetGateway, worldOptions, type FleetWorld } from '../support/fleet-world.ts';

describe('journey: scales to zero', () => {
  let world: VastWorld;
  let fleet: FleetWorld;
  before(async () => {
    // In this market the machine that is rented stays the cheapest: one that is dear is given back rather than stopped.
    world = await startVastWorld(worldOptions(14));
    fleet = await startFleetGateway(world, { fleet: { spares: { max: 1, keepMs: 300_000 } } });
  });
  after(async () => {
    await fleet?.close();
    await world?.close();
  });

  /** Of the first slot; undefined: not told. */
  async function gpuGauges() {
    const text = await (await fleet.admin('GET', '/metrics')).text();
    const valueOf = (name: string) => {
      const line = new RegExp(`^selfhost_thinker_${name}\\{slot="t1"\\} (.*)$`, 'm').exec(text);
      return line ? Number(line[1]) : undefined;
    };
    return { utilization: valueOf('gpu_utilization_ratio'), vramUsed: valueOf('vram_used_bytes') };
  }

  it('lists its model while it sleeps, in every dialect', async () => {
    const tags = (await (await fetch(`${fleet.gateway.gatewayUrl}/api/tags`)).json()) as { models: { name: string }[] };
    const list = (await (await fetch(`${fleet.gateway.gatewayUrl}/v1/models`)).json()) as { data: { id: string }[] };
    assert.deepEqual(
      [tags.models.map(({ name }) => name), list.data.map(({ id }) => id)],
      [[fleetModel], [fleetModel]],
    );
    await fleet.until('the market has been asked', ({ state }) => state === 'asleep');
    assert.equal(world.instances().length, 0);
  });

  it('tells a plain question when to come back, and answers a streamed one when the machine is there', async () => {
    const streamed = fleet.ask('What is a lighthouse?', { stream: true });
    const plain = await fleet.ask('What is a walnut?');
    assert.equal(plain.status, 503);
    assert.ok(Number(plain.headers.get('retry-after')) >= 5, `retry-after: ${plain.headers.get('retry-after')}`);
    assert.match(((await plain.json()) as { error: string }).error, /is starting and is expected in about \d+ s/);
    const lines = (await (await streamed).text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { done: boolean });
    assert.equal(lines.at(-1)?.done, true);
    const { machines } = await fleet.report();
    assert.deepEqual(machines[0]?.timeline.map(({ phase }) => phase).slice(0, 2), ['requested', 'creating']);
    assert.deepEqual([machines[0]?.phase, machines[0]?.billing], ['ready', 'gpu']);
    assert.equal((await fleet.ask('What is a trombone?')).headers.get('x-selfhost-cache'), 'miss');
    const { utilization, vramUsed } = await gpuGauges();
    assert.ok(utilization! >= 0 && utilization! <= 1, `utilisation ${utilization}`);
    assert.ok(vramUsed! > 4e9 && vramUsed! < 24e9, `${vramUsed} bytes in use`);
    const [machine] = (await fleet.report()).machines;
    assert.equal(machine!.vramUsedBytes, vramUsed);
    assert.ok(machine!.vramBytes! > vramUsed!);
  });

  it('stops the machine when nobody asks any more, and has it back for the next question without renting', async () => {
    const { machines, says, spend } = await fleet.until(
      'it is stopped',
      (report) => report.machines[0]?.phase === 'stopped',
    );
    assert.deepEqual([machines[0]!.billing, world.instances()[0]!.status], ['storage', 'exited']);
    assert.ok(
      spend.perHourUsd < 0.05 && spend.perHourUsd === machines[0]!.billsPerHourUsd,
      `$${spend.perHourUsd} an hour`,
    );
    assert.match(says, /^nothing runs; 1 stopped, whose disk costs \$0\.0\d+ an hour; /);
    const rented = world.history().length;
    const lines = (await (await fleet.ask('What is a pelican?', { stream: true })).text()).trim().split('\n');
    assert.equal((JSON.parse(lines.at(-1)!) as { done: boolean }).done, true);
    assert.equal(world.history().length, rented);
    const back = (await fleet.report()).machines[0]!;
    assert.deepEqual([back.instanceId, back.phase], [machines[0]!.instanceId, 'ready']);
  });

  it('gives the machine back when nobody asks any more, and goes on answering from the cache', async () => {
    await fleet.until('nothing is rented', ({ machines }) => machines.length === 0);
    assert.equal(world.instances().length, 0);
    assert.deepEqual(await gpuGauges(), { utilization: undefined, vramUsed: undefined });
    const rented = world.history().length;
    const again = await fleet.ask('What is a trombone?');
    assert.deepEqual([again.status, again.headers.get('x-selfhost-cache')], [200, 'exact']);
    assert.equal(world.history().length, rented);
  });

  it('knows what it cost: the meter is within 1 % of the bill', async () => {
    const report = await fleet.until(
      'the charges are settled',
      ({ spend }) => {
        const bill = world.bill().totalUsd;
        return Math.abs(spend.dayUsd - bill) <= 0.01 * bill;
      },
      20_000,
    );
    assert.ok(report.spend.dayUsd > 0);
  });

  it('replays as it was: every hit, every start, and its cost within 1 %, the stopped machine included', async () => {
    const replay = async (change: WhatIfChange) => {
      const reply = await fleet.admin('POST', '/api/money/whatif', { days: 1, changes: [change] });
      return ((await reply.json()) as WhatIfReply).reports[0]!;
    };
    const { recorded, scenario, agreement, fleetModelError } = await replay({});
    assert.equal(agreement, 1);
    assert.deepEqual([scenario.exact, scenario.semantic, scenario.misses], [recorded.exact, 0, recorded.misses]);
    assert.ok(Math.abs(scenario.costUsd! / recorded.costUsd! - 1) < 0.01, `${scenario.costUsd} ${recorded.costUsd}`);
    console.log(`the model of machines is off by ${fleetModelError}`);
    // The model of machines, before it is scaled by the bill: seconds of ours are minutes there.
    assert.ok(Math.abs(fleetModelError!) < 0.5, `${fleetModelError}`);
    assert.notEqual((await replay({ sparesMax: 0 })).scenario.costUsd, scenario.costUsd);
  });
});
