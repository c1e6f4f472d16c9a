import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AppError } from '../core/errors.ts';
import { epochMs } from '../core/units.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { countedProvider } from './counted-provider.ts';
import { instanceId, type FleetProvider } from './fleet-provider.ts';
import type { Rental } from './intent-store.ts';
import type { Phase } from './lifecycle.ts';
import { countStep, stopReasonOf } from './rental-metrics.ts';

const aRental = (phase: Phase, atS: number, over: Partial<Rental> = {}): Rental =>
  ({
    phase,
    phaseAt: epochMs(atS * 1000),
    createdAt: epochMs(0),
    readyAt: undefined,
    endReason: undefined,
    outcome: 'pending',
    ...over,
  }) as Rental;

/** Counters that are not zero, and sums of histograms. */
async function counted(metrics: ReturnType<typeof createMetrics>): Promise<readonly string[]> {
  const text = await metrics.registry.metrics();
  return text
    .split('\n')
    .filter((line) =>
      /^selfhost_(thinker_(starts|stops)_total|provider_requests_total|thinker_cold_start_seconds_sum)/.test(line),
    )
    .filter((line) => !line.endsWith(' 0'))
    .map((line) => line.replace('selfhost_', ''));
}

it('counts a start with the time of each of its stages, once', async () => {
  const metrics = createMetrics();
  const life = [aRental('requested', 0), aRental('creating', 2), aRental('loading', 10), aRental('starting', 70)];
  life.push(aRental('ready', 100, { outcome: 'ready' }));
  life.forEach((to, index) => {
    const from = life[index - 1];
    if (from !== undefined) countStep(metrics, from, to, false);
  });
  const readyAt = epochMs(100_000);
  countStep(metrics, aRental('draining', 200, { readyAt }), aRental('ready', 210, { readyAt }), false);
  assert.deepEqual(await counted(metrics), [
    'thinker_starts_total{result="ok"} 1',
    'thinker_cold_start_seconds_sum{stage="rent"} 10',
    'thinker_cold_start_seconds_sum{stage="image"} 60',
    'thinker_cold_start_seconds_sum{stage="model"} 30',
    'thinker_cold_start_seconds_sum{stage="total"} 100',
  ]);
});

it('tells what failed from what took too long and from what was called off', async () => {
  const metrics = createMetrics();
  const end = (endReason: string, outcome: Rental['outcome']) =>
    countStep(metrics, aRental('loading', 5), aRental('destroying', 9, { endReason, outcome }), false);
  end('still loading after 900 s', 'failed');
  end('its host is offline', 'failed');
  end('enough machines are ready', 'cancelled');
  assert.deepEqual(await counted(metrics), [
    'thinker_starts_total{result="timeout"} 1',
    'thinker_starts_total{result="failed"} 1',
  ]);
});

it('says why a machine that served was given back', () => {
  assert.equal(stopReasonOf('lost: it has not answered for 60 s', false), 'unhealthy');
  assert.equal(stopReasonOf('it makes 3 tokens a second and made 90; its last answer has ended', false), 'unhealthy');
  assert.equal(stopReasonOf('$8 of $8 are spent this day, and stopping may cost another $0.10', false), 'budget');
  assert.equal(stopReasonOf('1 were needed within the hold time; its last answer has ended', false), 'idle');
  assert.equal(stopReasonOf('asked by an operator', true), 'manual');
});

it('counts calls to the market by how they ended', async () => {
  const metrics = createMetrics();
  const errors = [undefined, 'provider_unavailable', 'provider_refused', 'offer_gone', 'aborted'] as const;
  const market = {
    name: 'm',
    destroy: () => {
      const code = left.shift();
      return code === undefined ? Promise.resolve() : Promise.reject(new AppError(code, 'no'));
    },
  } as unknown as FleetProvider;
  const left = [...errors];
  const provider = countedProvider(market, metrics);
  const options = { signal: new AbortController().signal };
  for (const code of errors) {
    const call = provider.destroy(instanceId('1'), options);
    await (code === undefined ? call : assert.rejects(call, { code }));
  }
  assert.deepEqual(await counted(metrics), [
    'provider_requests_total{op="destroy",outcome="ok"} 1',
    'provider_requests_total{op="destroy",outcome="unavailable"} 1',
    'provider_requests_total{op="destroy",outcome="refused"} 1',
    'provider_requests_total{op="destroy",outcome="gone"} 1',
  ]);
});
