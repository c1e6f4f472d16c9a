/**
 * The part of a gateway that rents, in a process of its own that can be killed: the real loop, store, ledger, market
 * driver and checks, against a simulated market in accelerated time. Demand comes from the parent.
 */
import { createRunTimeSettings } from '../../src/compose/run-time-settings.ts';
import { createFleet } from '../../src/compose/fleet.ts';
import { resolveConfig } from '../../src/config/load.ts';
import { systemClock } from '../../src/core/clock.ts';
import { modelName, tenantId } from '../../src/core/ids.ts';
import { seededRandom } from '../../src/core/random.ts';
import { scaledClock } from '../../src/core/scaled-clock.ts';
import { epochMs } from '../../src/core/units.ts';
import { createEmbeddedLedger } from '../../src/ledger/ledger/embedded.ts';
import { createLogger, silentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createThinkerPool } from '../../src/thinkers/pool.ts';
import type { ChildSetup, FromChild, ToChild } from './messages.ts';

const setup = JSON.parse(process.argv[2]!) as ChildSetup;
const { timeScale, seed, dataDir } = setup;
const clock = scaledClock(systemClock, timeScale, epochMs(setup.anchor));
const random = seededRandom(seed);
const logger = process.env['CHAOS_LOG'] === undefined ? silentLogger : createLogger(process.env['CHAOS_LOG'] as 'info');
const metrics = createMetrics();
const generousMs = 5_000 * timeScale;
const model = 'qwen2:7b-instruct-q6_K';
const config = resolveConfig(
  {
    fleet: {
      provider: 'vast',
      model,
      caps: { perHourUsd: 5, perDayUsd: 20, perMonthUsd: 100, perRentalUsd: 10 },
      thinkersMax: 3,
      idleTimeoutMs: 60_000,
      // Short, so that a run ends with nothing.
      spares: { max: 2, keepMs: 900_000 },
      machines: { gpuNames: [], downloadMbpsMin: 100 },
      vast: { url: setup.url, timeoutMs: 600_000, tokensPerSMin: 0 },
    },
    timeouts: { connectMs: generousMs },
  },
  { SELFHOST_DATA_DIR: dataDir, SELFHOST_VAST_API_KEY: setup.key },
);
const base = { clock, random, logger, metrics };
const pool = createThinkerPool({ ...base, options: { probeIntervalMs: 5_000, probeTimeoutMs: generousMs } });
pool.start();
const ledger = await createEmbeddedLedger({ dataDir, clock: systemClock, logger });
const fleet = createFleet(config, base, { pool, ledger, settings: createRunTimeSettings(config, base) })!;
const send = (message: FromChild): void => void process.send?.(message);
const asked: string[] = [];
let asks = 0;

process.on('message', (message: ToChild) => {
  switch (message.kind) {
    case 'ask':
      for (let i = 0; i < message.requests; i++) {
        const id = `${process.pid}-${asks++}`;
        asked.push(id);
        fleet.work.arrived({
          id,
          tenant: tenantId('chaos'),
          model: modelName(model),
          outputLimit: 400,
          promptTokens: 100,
        });
      }
      return;
    case 'answer-all':
      for (const id of asked.splice(0)) fleet.work.ended(id, { promptTokens: 100, completionTokens: 200 });
      return;
    case 'report':
      void report();
  }
});
process.on('disconnect', () => process.exit(0));
await fleet.start();
send({ kind: 'started' });

async function report(): Promise<void> {
  // First what the rows say: what they say was told is in the ledger then.
  const rentals = fleet.loop.rentals(1_000);
  const alive = fleet.loop.state.all();
  await ledger.flush();
  const { total } = await ledger.totals({ from: epochMs(0), to: epochMs(clock.now() + 86_400_000) });
  send({
    kind: 'report',
    ledgerMicros: total,
    alive: alive.map(({ label, phase, instanceId }) => ({ label, phase, instanceId })),
    rented: rentals.length,
    restarts: rentals.reduce((sum, { restarts = [] }) => sum + restarts.length, 0),
    posted: Object.fromEntries(
      rentals.map((rental) => [
        rental.instanceId ?? '-',
        { ...rental.meter.posted, unsureMs: rental.meter.unsureMs, why: rental.endReason },
      ]),
    ),
    unsettled: rentals.filter(
      ({ instanceId, settledAt, phase }) => instanceId !== undefined && phase === 'gone' && settledAt === undefined,
    ).length,
  });
}
