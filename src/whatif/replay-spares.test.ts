/** A fleet that stops its machines, run by the real loop over a market in memory, and the same day replayed. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { requestId } from '../core/ids.ts';
import { epochMs } from '../core/units.ts';
import { launchRecords, restartRecords } from '../fleet/observation-of.ts';
import { startTimes } from '../fleet/plan/launches.ts';
import { anAnswer } from '../ledger/ledger/conformance.ts';
import { createMemoryLedger } from '../ledger/ledger/memory.ts';
import type { AnswerEntry } from '../ledger/ledger.ts';
import { aRunningFleet, rigModel } from '../testing/fleet-rig.ts';
import type { MarketMachine } from '../testing/fake-market.ts';
import { replayFleet } from './replay-fleet.ts';
import { whatIf } from './what-if.ts';

const minuteMs = 60_000;
const answerMs = 5_000;
/** A question each twenty seconds, for so long, after so long without any; minutes. */
const bursts = [
  { pause: 1, length: 45 },
  { pause: 55, length: 60 },
  { pause: 110, length: 40 },
  { pause: 30, length: 70 },
] as const;
const endMs = 8 * 60 * minuteMs;

/** Status of a machine by how long it has had the one before. */
const bootMs: Partial<
  Record<MarketMachine['status'], { readonly after: number; readonly next: MarketMachine['status'] }>
> = {
  creating: { after: 20_000, next: 'loading' },
  loading: { after: 45_000, next: 'running' },
};

function arrivals(): readonly number[] {
  let at = 0;
  return bursts.flatMap(({ pause, length }) => {
    const from = at + pause * minuteMs;
    at = from + length * minuteMs;
    return Array.from({ length: length * 3 }, (_, i) => from + i * 20_000);
  });
}

/** Eight hours of the real loop. */
async function aDay() {
  const ledger = createMemoryLedger();
  const { clock, market, fleet, demand, store, pool, deps } = await aRunningFleet({
    ledger,
    policy: { sparesMax: 1, workersMax: 1, classSlots: 4, idle: { kind: 'after', idleS: 600 } },
  });
  const began = clock.now();
  const since = new Map<MarketMachine, { readonly status: string; readonly at: number }>();
  const asks = arrivals().map((after, i): AnswerEntry =>
    anAnswer({
      at: epochMs(began + after),
      requestId: requestId(`r${i}`),
      question: `q${i}`,
      promptTokens: 100,
      completionTokens: 400,
      ttftMs: 500,
      totalMs: answerMs,
      gpuMs: answerMs,
    }),
  );
  let next = 0;
  const waiting: AnswerEntry[] = [];
  let running: { readonly ask: AnswerEntry; readonly endsAt: number }[] = [];
  while (clock.now() < began + endMs) {
    await clock.advance(2_000);
    const now = clock.now();
    for (const machine of market.alive) {
      const { status } = machine;
      const known = since.get(machine);
      if (known?.status !== status) since.set(machine, { status, at: now });
      else if (bootMs[status] && now - known.at >= bootMs[status].after)
        market.become(machine, bootMs[status].next, 'success');
    }
    for (; next < asks.length && asks[next]!.at <= now; next++) {
      const { requestId: id, tenant: key, promptTokens } = asks[next]!;
      demand.arrived({ id, key, model: rigModel, tokensMax: undefined, promptTokens }, now);
      waiting.push(asks[next]!);
    }
    for (const { ask } of running.filter(({ endsAt }) => endsAt <= now))
      demand.ended(ask.requestId, { promptTokens: 100, completionTokens: 400 }, now);
    running = running.filter(({ endsAt }) => endsAt > now);
    while (waiting.length > 0 && running.length < 4 && pool.views().some(({ state }) => state === 'ready')) {
      const ask = waiting.shift()!;
      demand.started(ask.requestId);
      running.push({ ask, endsAt: now + answerMs });
    }
  }
  const { policy } = deps.options;
  const starts = startTimes(launchRecords(store, clock.now()), restartRecords(store, clock.now()), policy);
  const rentals = fleet.rentals(50);
  await fleet.stop();
  const range = { from: began, to: epochMs(clock.now() + 1) };
  return { asks, policy, starts, rentals, range, ledger, totals: await ledger.totals(range) };
}

it('costs what the ledger says within 1 %, disks of stopped machines included, and starts as often', async () => {
  const { asks, policy, starts, rentals, range, totals } = await aDay();
  const { costs, seconds } = totals;
  const gpuUsd = (costs.gpu_busy + costs.gpu_idle + costs.gpu_cold) / 1e6;
  const storageUsd = costs.storage / 1e6;
  assert.deepEqual([rentals.length, rentals.flatMap((rental) => rental.restarts ?? []).length], [1, 3]);
  const replayed = replayFleet(
    asks.map((ask) => ({ ask, source: 'thinker' as const, score: undefined })),
    { policy, gpuUsdPerHour: 0.4, storageUsdPerHour: 0.007, gpuSpeed: 1, starts, until: range.to },
  );
  console.log(
    `GPU $${gpuUsd.toFixed(4)}, replayed $${replayed.gpuUsd.toFixed(4)}; disks $${storageUsd.toFixed(4)}, replayed $${replayed.storageUsd.toFixed(4)}`,
  );
  assert.deepEqual([replayed.starts, replayed.restarts], [1, 3]);
  const isWithin = (found: number, real: number) =>
    assert.ok(Math.abs(found / real - 1) < 0.01, `${found}, really ${real}`);
  isWithin(replayed.gpuUsd, gpuUsd);
  isWithin(replayed.storageUsd, storageUsd);
  // The GPU was let go for hours.
  assert.ok(seconds.storage - (seconds.gpu_busy + seconds.gpu_idle + seconds.gpu_cold) > 2 * 3600);

  const facts = {
    recording: {
      range,
      asks,
      comparisons: new Map(),
      kept: new Map(),
      removedAt: new Map(),
      labels: [],
      leftOut: 0,
    },
    totals,
    rentedGpuUsd: gpuUsd,
    rentedGpuHours: gpuUsd / 0.393,
    ownGpuUsd: 0,
    settings: { ttlMs: 3_600_000, gpuUsdPerHour: undefined, fleet: policy, starts, ownHosts: new Set<string>() },
  };
  const same = whatIf(facts, {});
  isWithin(same.scenario.costUsd!, totals.total / 1e6);
  assert.ok(Math.abs(same.fleetModelError!) < 0.01, `${same.fleetModelError}`);
  // Given back instead, it starts from nothing each time, which takes longer.
  const without = whatIf(facts, { sparesMax: 0 });
  assert.ok(without.scenario.coldWaits > same.scenario.coldWaits, JSON.stringify([without.scenario, same.scenario]));
});
