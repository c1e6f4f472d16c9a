/** What past starts say about the next ones: how long they take, how many fail, whether to stop trying. */
import type { EpochMs } from '../../core/units.ts';
import type { LaunchRecord } from './observation.ts';
import type { FleetPolicy } from './policy.ts';

const recentMax = 20;
/** Nine of ten starts go well where nothing is known. */
const launchPrior = { good: 9, bad: 1 };
/** Above the need, whatever the odds. */
const hedgeMax = 2;
/** A start that is nine times in ten good is not hedged; of four such ones, one in three times one is missing. */
const hedgeConfidence = 0.85;

/** From a decision to a ready machine: the 80th percentile of the last starts, and the tick that notices it. */
export function leadTimeS(
  launches: readonly LaunchRecord[],
  policy: Pick<FleetPolicy, 'leadTimePriorS' | 'tickS'>,
): number {
  const times = recent(launches, 'ready')
    .map(({ tookS }) => tookS)
    .sort((a, b) => a - b);
  const p80 = times[Math.max(0, Math.ceil(0.8 * times.length) - 1)] ?? policy.leadTimePriorS;
  return p80 + policy.tickS;
}

/** How long starts take and bill, as a replay of the fleet takes them: means of the last ones that went well. */
export interface StartTimes {
  /** From nothing: to a machine that answers, and of that with a GPU on the bill. */
  readonly coldS: number;
  readonly coldBilledS: number;
  /** From a disk; all of it is billed. */
  readonly warmS: number;
}

export function startTimes(
  launches: readonly LaunchRecord[],
  restarts: readonly LaunchRecord[],
  policy: Pick<FleetPolicy, 'leadTimePriorS' | 'restartPriorS'>,
): StartTimes {
  const mean = (records: readonly LaunchRecord[], of: (record: LaunchRecord) => number, prior: number): number => {
    const good = recent(records, 'ready');
    return good.length === 0 ? prior : good.reduce((total, record) => total + of(record), 0) / good.length;
  };
  const coldS = mean(launches, ({ tookS }) => tookS, policy.leadTimePriorS);
  return {
    coldS,
    coldBilledS: Math.min(
      coldS,
      mean(launches, ({ billedS }) => billedS, coldS),
    ),
    warmS: mean(restarts, ({ tookS }) => tookS, policy.restartPriorS),
  };
}

/** Mean of the Beta posterior that a start ends ready. */
export function chanceOfStart(launches: readonly LaunchRecord[], prior = launchPrior): number {
  const ended = launches.filter(({ outcome }) => outcome === 'ready' || outcome === 'failed').slice(-recentMax);
  const good = ended.filter(({ outcome }) => outcome === 'ready').length;
  return (prior.good + good) / (prior.good + prior.bad + ended.length);
}

/** GPU time billed by one start, mean of the last ones. */
export function billedLaunchS(launches: readonly LaunchRecord[], priorS: number): number {
  const billed = recent(launches, 'ready').map(({ billedS }) => billedS);
  return billed.length === 0 ? priorS : billed.reduce((total, value) => total + value, 0) / billed.length;
}

/** How many more to start, so that `missing` of all that start end ready; those over are given back. */
export function launchesFor(question: {
  readonly missing: number;
  readonly launching: number;
  readonly isUrgent: boolean;
  readonly launches: readonly LaunchRecord[];
  readonly policy: Pick<FleetPolicy, 'hedging'>;
}): number {
  const { missing, launching, isUrgent, launches, policy } = question;
  const isHedged = policy.hedging === 'always' || (policy.hedging === 'urgent' && isUrgent);
  return Math.max(0, (isHedged ? hedged(missing, chanceOfStart(launches)) : missing) - launching);
}

/** The fewest starts of which `missing` end ready with `hedgeConfidence`. */
function hedged(missing: number, chance: number): number {
  let starts = missing;
  while (starts < missing + hedgeMax && chanceOfAtLeast(missing, starts, chance) < hedgeConfidence) starts += 1;
  return starts;
}

/** Of `tries` independent ones. */
function chanceOfAtLeast(successes: number, tries: number, chance: number): number {
  let sum = 0;
  let term = chance ** tries;
  // From all of them down to as many as are needed: each failure more by its binomial factor.
  for (let failures = 0; failures <= tries - successes; failures++) {
    sum += term;
    term *= ((tries - failures) / (failures + 1)) * ((1 - chance) / chance);
  }
  return sum;
}

/** Left of the caps per minute and hour. */
export function launchesAllowed(
  launches: readonly LaunchRecord[],
  policy: Pick<FleetPolicy, 'launchesPerMinuteMax' | 'launchesPerHourMax'>,
  now: EpochMs,
): number {
  const within = (ms: number) => launches.filter(({ at }) => at > now - ms).length;
  return Math.max(
    0,
    Math.min(policy.launchesPerMinuteMax - within(60_000), policy.launchesPerHourMax - within(3_600_000)),
  );
}

/** Undefined while starts succeed. After failures in a row, when the next try may be made: one, not as many as are missing. */
export function breakerOpenUntil(
  launches: readonly LaunchRecord[],
  policy: Pick<FleetPolicy, 'breakerFailures' | 'breakerBaseS' | 'breakerMaxS'>,
): EpochMs | undefined {
  const ended = launches.filter(({ outcome }) => outcome === 'ready' || outcome === 'failed');
  const good = ended.findLastIndex(({ outcome }) => outcome === 'ready');
  const failed = ended.slice(good + 1);
  const over = failed.length - policy.breakerFailures;
  if (over < 0) return undefined;
  const last = failed.reduce((latest, { at, tookS }) => Math.max(latest, at + tookS * 1000), 0);
  return (last + Math.min(policy.breakerBaseS * 2 ** Math.min(over, 30), policy.breakerMaxS) * 1000) as EpochMs;
}

const recent = (launches: readonly LaunchRecord[], outcome: LaunchRecord['outcome']): LaunchRecord[] =>
  launches.filter((launch) => launch.outcome === outcome).slice(-recentMax);
