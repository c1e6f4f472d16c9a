import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { epochMs, usdMicros } from '../core/units.ts';
import { fleetPolicyDefaults } from '../fleet/plan/policy.ts';
import { anAnswer } from '../ledger/ledger/conformance.ts';
import { createMemoryLedger } from '../ledger/ledger/memory.ts';
import type { AnswerEntry } from '../ledger/ledger.ts';
import type { Comparison, Recording } from './recording.ts';
import { replayFleet } from './replay-fleet.ts';
import { whatIf, type WhatIfFacts } from './what-if.ts';

const began = Date.parse('2026-06-01T08:00:00Z');
const minute = 60_000;
const hour = 60 * minute;
const policy = { ...fleetPolicyDefaults, leadTimePriorS: 120, classSlots: 4 };

/** Two bursts of an hour with six hours between them, every question asked about three times. */
function working(count = 400): readonly AnswerEntry[] {
  const random = seededRandom(7);
  return Array.from({ length: count }, (_, i) => {
    const at = began + (i < count / 2 ? 0 : 7 * hour) + random.float() * hour;
    return anAnswer({
      at: epochMs(Math.floor(at)),
      requestId: requestId(`r${i}`),
      question: `q${random.int(count / 3)}`,
      totalMs: 4_000,
      ttftMs: 500,
      gpuMs: 3_500,
    });
  }).toSorted((a, b) => a.at - b.at);
}

function recordingOf(asks: readonly AnswerEntry[], changes: Partial<Recording> = {}): Recording {
  return {
    range: { from: epochMs(began), to: epochMs(began + 24 * hour) },
    asks,
    comparisons: new Map(),
    kept: new Map(
      asks.map((ask) => [ask.requestId, { storedAt: ask.at + ask.totalMs, expiresAt: ask.at + 24 * hour }]),
    ),
    removedAt: new Map(),
    labels: [],
    leftOut: 0,
    ...changes,
  };
}

async function factsOf(recording: Recording, rentedUsd: number, fleet = true): Promise<WhatIfFacts> {
  const ledger = createMemoryLedger();
  ledger.append({
    kind: 'cost',
    at: epochMs(began + hour),
    component: 'gpu_busy',
    subject: 'i1',
    seconds: 3600,
    amount: usdMicros(rentedUsd * 1e6),
  });
  return {
    recording,
    totals: await ledger.totals(recording.range),
    rentedGpuUsd: fleet ? rentedUsd : 0,
    rentedGpuHours: fleet ? 1 : 0,
    ownGpuUsd: fleet ? 0 : rentedUsd,
    settings: { ttlMs: 24 * hour, gpuUsdPerHour: 0.5, fleet: fleet ? policy : undefined, ownHosts: new Set() },
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
const replayed = (asks: readonly AnswerEntry[], changes: object = {}, gpuSpeed = 1) =>
  replayFleet(
    asks.map((ask) => ({ ask, source: 'thinker' as const, score: undefined })),
    { policy: { ...policy, ...changes }, gpuUsdPerHour: 0.5, gpuSpeed },
  );

describe('fleet replay', () => {
  it('answers every miss, bills every machine from its start to its end, and sleeps when nobody asks', () => {
    const asks = working();
    const found = replayed(asks);
    assert.equal(found.waitsMs.length, asks.length);
    assert.ok(found.waitsMs.every((ms) => ms >= 490));
    // Each burst wakes it once at least, and the six hours between them are not billed.
    assert.ok(found.starts >= 2 && found.coldWaits > 0);
    assert.ok(found.gpuHours > 2 && found.gpuHours < 8, `${found.gpuHours} h`);
    assert.ok(found.busyHours + found.coldHours < found.gpuHours);
    assert.ok(Math.abs(found.gpuUsd - found.gpuHours * 0.5) < 1e-9);
  });

  it('costs more and starts less often with a longer idle time', () => {
    const asks = working();
    const soon = replayed(asks, { holdS: 60, idle: { kind: 'after', idleS: 60 } });
    const late = replayed(asks, { holdS: 60, idle: { kind: 'after', idleS: 8 * 3600 } });
    assert.ok(late.gpuUsd > 1.5 * soon.gpuUsd, `${soon.gpuUsd} ${late.gpuUsd}`);
    assert.ok(late.coldWaits <= soon.coldWaits && late.starts <= soon.starts);
  });

  it('is the same each time, and faster on a faster GPU', () => {
    const asks = working();
    assert.deepEqual(replayed(asks), replayed(asks));
    assert.ok(mean(replayed(asks, {}, 2).waitsMs) < mean(replayed(asks).waitsMs));
  });

  it('keeps to the most machines allowed, and lets people wait', () => {
    const asks = working(5_000);
    const one = replayed(asks, { workersMax: 1 });
    const many = replayed(asks, { workersMax: 8 });
    assert.ok(one.gpuHours < many.gpuHours);
    assert.ok(mean(one.waitsMs) > mean(many.waitsMs), `${mean(one.waitsMs)} ${mean(many.waitsMs)}`);
  });
});

describe('what if', () => {
  it('costs what it cost when nothing is changed, to the cent', async () => {
    const facts = await factsOf(recordingOf(working()), 1.83);
    const { recorded, scenario, fleetModelError } = whatIf(facts, {});
    assert.equal(recorded.costUsd, 1.83);
    assert.ok(Math.abs(scenario.costUsd! - 1.83) < 1e-9);
    assert.notEqual(fleetModelError, undefined);
  });

  it('asks a thinker again for what was evicted in the very millisecond of the question', async () => {
    const asks = [0, 60_000].map((after, i) =>
      anAnswer({ at: epochMs(began + after), requestId: requestId(`r${i}`), question: 'q', totalMs: 100 }),
    );
    const [first, again] = asks;
    const recording = recordingOf(asks, { removedAt: new Map([[first!.requestId, again!.at]]) });
    const { agreement, scenario } = whatIf(await factsOf(recording, 1, false), {});
    assert.deepEqual([agreement, scenario.misses], [1, 2]);
  });

  it('saves GPU time when answers live longer, in proportion to the replays', async () => {
    const asks = working();
    const short = recordingOf(asks, {
      kept: new Map(
        asks.map(({ requestId: id, at, totalMs }) => [
          id,
          { storedAt: at + totalMs, expiresAt: at + totalMs + minute },
        ]),
      ),
    });
    const facts = await factsOf(short, 2);
    const { scenario } = whatIf({ ...facts, settings: { ...facts.settings, ttlMs: minute } }, { ttlMs: 10 * hour });
    assert.ok(scenario.exact > 100, `${scenario.exact} hits`);
    assert.ok(scenario.costUsd! < 2);
  });

  it('changes nothing but the price on hosts of one’s own', async () => {
    const facts = await factsOf(recordingOf(working()), 2, false);
    assert.equal(whatIf(facts, { gpuUsdPerHour: 0.25 }).scenario.costUsd, 1);
    const idle = whatIf(facts, { idleS: 60, machinesMax: 1 });
    assert.equal(idle.scenario.costUsd, 2);
    assert.match(idle.reach.join('\n'), /no machine was rented/);
  });

  it('bounds wrong hits by what was judged at or above the threshold, and says where judgement ends', async () => {
    const asks = Array.from({ length: 300 }, (_, i) =>
      anAnswer({ at: epochMs(began + i * minute), requestId: requestId(`r${i}`), question: `q${i}`, totalMs: 1000 }),
    );
    const comparisons = new Map(
      asks.slice(1).map((ask, i): [string, Comparison] => [
        ask.requestId,
        {
          cut: 0.95,
          cuts: [],
          candidates: [{ answerOf: requestId('r0'), score: 0.9 + (i % 10) / 100, nearDuplicate: false, served: false }],
        },
      ]),
    );
    const labels = Array.from({ length: 200 }, (_, i) => ({
      score: 0.9 + (i % 10) / 100,
      right: i % 10 >= 5 || i % 20 === 0,
      drawnWith: 1,
    }));
    const facts = await factsOf(recordingOf(asks, { comparisons, labels }), 1, false);
    const strict = whatIf(facts, { threshold: 0.95 }).scenario;
    const loose = whatIf(facts, { threshold: 0.9 }).scenario;
    assert.ok(loose.semantic > strict.semantic && strict.semantic > 0);
    assert.equal(strict.falseHits!.estimate, 0);
    assert.ok(strict.falseHits!.high > 0 && strict.falseHits!.high < 0.05);
    assert.ok(loose.falseHits!.estimate > 0.3);
    assert.match(whatIf(facts, { threshold: 0.5 }).reach.join('\n'), /below 0\.900 nothing has been judged/);
  });
});
