/** From the configuration's words to what the loop and its law are run with. */
import type { Config } from '../config/schema.ts';
import { weekdays } from '../config/schema/fleet.ts';
import { modelName } from '../core/ids.ts';
import { usdMicros } from '../core/units.ts';
import { budgetDefaults } from '../fleet/budget.ts';
import type { FleetOptions } from '../fleet/fleet-deps.ts';
import { phaseDeadlines } from '../fleet/lifecycle.ts';
import { offerWeightDefaults } from '../fleet/offers.ts';
import { fleetPolicyDefaults, idleDefault, type FleetPolicy, type ScheduleFloor } from '../fleet/plan/policy.ts';
import type { RunTimeSettings } from './run-time-settings.ts';
import { workerPort } from '../fleet/bootstrap/launch.ts';

/** The image of Ollama, GB: what a machine loads before the model. */
const imageGb = 2.4;
/** Of a class that nobody has measured: a 7B model on a 4090, by slots as the batch curve of the law has it. */
const singleTokensPerS = 100;
const batchExponent = 2 / 3;
/** A machine that the market shows as running and that does not answer is given up after this long. */
const lostAfterMs = 60_000;
/** Never exceeded, whatever the law wants: it asks for 3 and 20 at most itself. */
const createsPerMinuteMax = 6;
const createsPerHourMax = 40;
const restartsPerHourMax = 120;

/** `fleet.model` and `fleet.caps` are there: `loadConfig` refuses a provider without them. */
export function fleetOptions({ fleet }: Config): FleetOptions {
  const { machines, vast, caps } = fleet;
  return {
    name: fleet.name,
    model: modelName(fleet.model!),
    slots: vast.slots,
    workerPort,
    policy: policyOf(fleet),
    budget: {
      ...budgetDefaults,
      utcOffsetMinutes: fleet.utcOffsetMinutes,
      caps: {
        perHour: usdMicros(caps!.perHourUsd * 1e6),
        perDay: usdMicros(caps!.perDayUsd * 1e6),
        perMonth: usdMicros(caps!.perMonthUsd * 1e6),
        perRental: usdMicros(caps!.perRentalUsd * 1e6),
      },
    },
    needs: {
      vramMibMin: Math.round(machines.vramGbMin * 1000),
      cudaMin: machines.cudaMin,
      directPortsMin: 2,
      downloadMbpsMin: machines.downloadMbpsMin,
      diskGb: vast.diskGb,
      reliabilityMin: machines.reliabilityMin,
      durationSMin: machines.leaseHoursMin * 3600,
      pricePerHourMax: usdMicros(machines.pricePerHourMaxUsd * 1e6),
      gpuNames: machines.gpuNames,
      countries: vast.countries,
      verification: vast.hosts,
      hosting: vast.datacenterOnly ? 'datacenter' : 'any',
    },
    workload: {
      imageGb,
      modelGb: fleet.modelGb,
      utilisation: fleetPolicyDefaults.utilisationMax,
      upGbPerHour: 0.05,
      downGbPerHour: 0.05,
      lifeHours: 4,
    },
    weights: offerWeightDefaults,
    deadlines: phaseDeadlines,
    createsPerMinuteMax,
    createsPerHourMax,
    restartsPerHourMax,
    lostAfterMs,
    startDownloadGb: imageGb + fleet.modelGb,
  };
}

function policyOf(fleet: Config['fleet']): FleetPolicy {
  const { slots } = fleet.vast;
  return {
    ...fleetPolicyDefaults,
    workersMin: fleet.thinkersMin,
    workersMax: fleet.thinkersMax,
    schedule: fleet.schedule.map(floorOf),
    utcOffsetMinutes: fleet.utcOffsetMinutes,
    spareKeepMaxS: fleet.spares.keepMs / 1000,
    classSlots: slots,
    classTokensPerS: singleTokensPerS * slots ** batchExponent,
    idle: { ...idleDefault, launchGb: imageGb + fleet.modelGb },
  };
}

/** With what may be changed while it runs, as it holds now. */
export function withRunTime(
  policy: FleetPolicy,
  settings: Pick<RunTimeSettings, 'fleetIdleTimeoutMs' | 'fleetSparesMax'>,
): FleetPolicy {
  const idleTimeoutMs = settings.fleetIdleTimeoutMs();
  return {
    ...policy,
    sparesMax: settings.fleetSparesMax(),
    ...(idleTimeoutMs !== undefined && { idle: { kind: 'after', idleS: idleTimeoutMs / 1000 } }),
  };
}

function floorOf(row: Config['fleet']['schedule'][number]): ScheduleFloor {
  const minutes = (time: string): number => {
    const [hours, rest] = time.split(':').map(Number) as [number, number];
    return hours * 60 + rest;
  };
  return {
    days: row.days.map((day) => weekdays.indexOf(day)),
    fromMinute: minutes(row.from),
    toMinute: minutes(row.to),
    workersMin: row.thinkersMin,
  };
}
