/** The fleet for people: where it stands, why, and what it costs. */
import type {
  FleetCommands,
  FleetHistory,
  FleetMachine,
  FleetOffers,
  FleetReport,
  FleetRental,
} from '../admin/admin-types.ts';
import { addMs, type EpochMs } from '../core/units.ts';
import type { FleetDeps } from '../fleet/fleet-deps.ts';
import type { GpuUse } from '../fleet/fleet-provider.ts';
import type { IntentStore, Rental } from '../fleet/intent-store.ts';
import { isStarting } from '../fleet/lifecycle.ts';
import { fleetOutlook } from '../fleet/outlook.ts';
import { isExhausted, type Reconciler } from '../fleet/reconciler.ts';

/** Steps of the machines that are shown; each has about seven. */
const stepsMax = 500;
const offersShown = 50;

export function createFleetCommands(fleet: Reconciler, deps: FleetDeps): FleetCommands {
  const { clock, store, options } = deps;
  return {
    report: () => reportOf(fleet, deps),

    async offers({ signal }): Promise<FleetOffers> {
      const { ranked, rejected } = await fleet.launcher.offers('normal', { signal });
      return {
        ranked: ranked
          .slice(0, offersShown)
          .map(({ offer, usdPerMillionTokens, tokensPerS, readyInS, chanceOfReady }) => ({
            id: offer.id,
            machineId: offer.machineId,
            hostId: offer.hostId,
            gpu: offer.gpuName,
            country: offer.country,
            datacenter: offer.datacenter,
            pricePerHourUsd: offer.pricePerHour / 1e6,
            usdPerMillionTokens,
            tokensPerS,
            readyInS,
            chanceOfReady,
            downloadMbps: offer.downloadMbps,
            reliability: offer.reliability,
          })),
        rejected: rejected.slice(0, offersShown).map(({ offer, reason }) => ({
          gpu: offer.gpuName,
          machineId: offer.machineId,
          pricePerHourUsd: offer.pricePerHour / 1e6,
          reason,
        })),
      };
    },

    history: (limit) => historyOf(store, fleet, limit),

    start({ workers, hours }) {
      fleet.release();
      fleet.floor(workers === 0 ? undefined : { workers, until: addMs(clock.now(), hours * 3_600_000) });
    },

    stop: ({ how }) => fleet.halt(how, 'stopped by the operator'),

    block({ kind, id, reason, hours }) {
      fleet.bench.block(kind, id, reason ?? 'blocked by the operator', hours);
      // What is rented there goes as well: that is why it is blocked.
      for (const rental of fleet.state.all())
        if ((kind === 'machine' ? rental.machineId : rental.hostId) === id)
          fleet.giveUp(rental.label, `${kind} ${id} is blocked`);
      fleet.poke();
    },

    unblock: ({ kind, id }) => fleet.bench.unblock(kind, id),
  };

  function reportOf(loop: Reconciler, { provider }: FleetDeps): FleetReport {
    const now = clock.now();
    const last = loop.last();
    const steps = Map.groupBy(store.events(stepsMax).toReversed(), ({ label }) => label);
    const machines = loop.state.all().map((rental) => machineOf(rental, loop, steps, now));
    const { caps } = options.budget;
    const usd = (cap: number | undefined) => (cap === undefined ? undefined : cap / 1e6);
    const floor = loop.manualFloor();
    const price = loop.launcher.nextPrice;
    return {
      provider: provider.name,
      name: options.name,
      model: options.model,
      ...standing(loop, now),
      at: last.at,
      target: last.plan?.target ?? 0,
      reasons: last.plan?.reasons ?? [],
      floor: floor && { workers: floor.workers, until: floor.until },
      machines,
      spend: {
        perHourUsd: loop.state.all().reduce((sum, rental) => sum + billingOf(rental).perHour, 0) / 1e6,
        dayUsd: (last.spend?.day ?? 0) / 1e6,
        monthUsd: (last.spend?.month ?? 0) / 1e6,
        caps: {
          perHourUsd: usd(caps.perHour),
          perDayUsd: usd(caps.perDay),
          perMonthUsd: usd(caps.perMonth),
          perRentalUsd: usd(caps.perRental),
        },
      },
      demand: last.demand && {
        tokensPerS: last.demand.perS300,
        queued: last.demand.queued,
        oldestQueuedS: last.demand.oldestQueuedS,
        running: last.demand.running,
        idleS: Number.isFinite(last.demand.idleS) ? last.demand.idleS : undefined,
      },
      nextPricePerHourUsd: usd(price),
      benched: loop.bench.rows().map(({ kind, id, strikes, until, reason }) => ({ kind, id, strikes, until, reason })),
    };
  }

  function standing(loop: Reconciler, now: EpochMs): Pick<FleetReport, 'state' | 'says'> {
    const last = loop.last();
    const halt = loop.halted();
    const rentals = loop.state.all();
    const ready = rentals.filter(({ phase }) => phase === 'ready').length;
    const launching = rentals.filter(({ phase }) => isStarting(phase)).length;
    const stopped = rentals.filter(({ phase }) => phase === 'stopped');
    const facts = { now, rentals, last, halt, refusal: loop.launcher.refusal, options };
    const outlook = fleetOutlook(facts);
    if (halt) return { state: 'stopped', says: `stopped: ${halt.reason}; \`llm-self-host fleet start\` ends that` };
    if (last.budget && isExhausted(last.budget)) return { state: 'exhausted', says: last.budget.reason };
    if (loop.launcher.refusal !== undefined)
      return { state: 'refused', says: `the market refuses us: ${loop.launcher.refusal}` };
    if (last.market.kind === 'unknown') return { state: 'unknown', says: last.market.reason };
    if (ready > 0)
      return { state: 'serving', says: `${ready} serving${launching > 0 ? `, ${launching} starting` : ''}` };
    if (launching > 0) {
      const seconds = outlook.kind === 'coming' ? Math.ceil(outlook.readyInMs / 1000) : 0;
      return { state: 'starting', says: `${launching} starting; the first is expected in about ${seconds} s` };
    }
    if (stopped.length > 0) {
      const perHour = stopped.reduce((sum, { storagePerHour }) => sum + storagePerHour, 0) / 1e6;
      const disks = `${stopped.length} stopped, whose ${stopped.length === 1 ? 'disk costs' : 'disks cost'} $${perHour.toFixed(4)} an hour`;
      return { state: 'asleep', says: `nothing runs; ${disks}; the next question starts one from its disk` };
    }
    return { state: 'asleep', says: 'nothing is rented; the next question starts a machine' };
  }

  function machineOf(
    rental: Rental,
    loop: Reconciler,
    steps: ReadonlyMap<string, readonly { readonly at: EpochMs; readonly kind: string; readonly text: string }[]>,
    now: EpochMs,
  ): FleetMachine {
    const { label } = rental;
    const gpuUse = gpuUseOf(loop, label);
    return {
      label,
      instanceId: rental.instanceId,
      machineId: rental.machineId,
      hostId: rental.hostId,
      gpu: rental.gpuName,
      country: rental.country,
      phase: rental.phase,
      phaseS: Math.max(0, now - rental.phaseAt) / 1000,
      ageS: Math.max(0, now - rental.createdAt) / 1000,
      billing: billingOf(rental).what,
      pricePerHourUsd: rental.pricePerHour / 1e6,
      billsPerHourUsd: billingOf(rental).perHour / 1e6,
      spentUsd: loop.spend.spentOn(rental) / 1e6,
      inFlight: loop.workers.inFlight(label),
      slots: options.slots,
      tokensPerS: loop.workers.tokensPerS(label),
      gpuUtilizationRatio: gpuUse?.utilizationRatio,
      vramUsedBytes: gpuUse?.vramUsedBytes,
      vramBytes: gpuUse?.vramBytes,
      reason: rental.reason,
      endReason: rental.endReason,
      timeline: (steps.get(label) ?? []).map(({ at, kind, text }) => ({ at, phase: kind, says: text })),
    };
  }
}

/** As of the last list of the market; undefined while that cannot be believed. */
export function gpuUseOf(loop: Pick<Reconciler, 'last'>, label: string): GpuUse | undefined {
  const { market } = loop.last();
  return market.kind === 'known' ? market.instances.get(label)?.gpuUse : undefined;
}

function billingOf({ meter, pricePerHour, storagePerHour }: Rental): {
  readonly what: FleetMachine['billing'];
  readonly perHour: number;
} {
  if (meter.gpuBilled) return { what: 'gpu', perHour: pricePerHour };
  return meter.storageBilled ? { what: 'storage', perHour: storagePerHour } : { what: 'nothing', perHour: 0 };
}

function historyOf(store: IntentStore, fleet: Pick<Reconciler, 'spend'>, limit: number): FleetHistory {
  return {
    rentals: store.recent(limit).map((rental): FleetRental => ({
      label: rental.label,
      instanceId: rental.instanceId,
      machineId: rental.machineId,
      hostId: rental.hostId,
      gpu: rental.gpuName,
      createdAt: rental.createdAt,
      readyAt: rental.readyAt,
      endedAt: rental.endedAt,
      phase: rental.phase,
      outcome: rental.outcome,
      reason: rental.reason,
      endReason: rental.endReason,
      pricePerHourUsd: rental.pricePerHour / 1e6,
      spentUsd: fleet.spend.settledOn(rental) / 1e6,
    })),
  };
}
