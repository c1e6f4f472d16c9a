/**
 * What the money allows, as pure arithmetic: how many machines may run, whether one more may be rented, and
 * when everything must stop. The reconciler asks before each rental and at each tick, and obeys.
 */
import { usdMicros, type EpochMs, type UsdMicros } from '../core/units.ts';

/** A cap that is undefined does not bind. Days and months are those of the budget's time zone. */
export interface BudgetCaps {
  /** The prices of all machines that run, together. */
  readonly perHour: UsdMicros | undefined;
  readonly perDay: UsdMicros | undefined;
  readonly perMonth: UsdMicros | undefined;
  /** What one rental may cost from its start to its end. */
  readonly perRental: UsdMicros | undefined;
}

export interface BudgetPolicy {
  readonly caps: BudgetCaps;
  readonly utcOffsetMinutes: number;
  /**
   * `as-needed` rents while there is money for the next hour of it; `even` also spreads what is left over the
   * rest of the period, so that a busy morning cannot use up the evening's.
   */
  readonly pacing: 'as-needed' | 'even';
  /**
   * Time that machines may go on billing after the stop was decided: the drain, and an hour of the provider's
   * that does not answer. Its cost is kept back from every cap, so that the stop itself stays inside.
   */
  readonly stopReserveS: number;
}

export const budgetDefaults: BudgetPolicy = {
  caps: { perHour: undefined, perDay: undefined, perMonth: undefined, perRental: undefined },
  utcOffsetMinutes: 0,
  pacing: 'as-needed',
  stopReserveS: 900,
};

export interface SpendSoFar {
  readonly day: UsdMicros;
  readonly month: UsdMicros;
  /** Every machine that bills, or may: starting, serving, draining, stopped, being destroyed. */
  readonly rentals: readonly RentalSpend[];
}

export interface RentalSpend {
  readonly id: string;
  /** What it bills now: of a stopped one its disk. */
  readonly pricePerHour: UsdMicros;
  /** A stopped one is no machine that runs: it counts as money alone. */
  readonly kind: 'running' | 'stopped';
  readonly spent: UsdMicros;
}

export type BudgetPeriod = 'hour' | 'day' | 'month' | 'rental';

export interface BudgetAlert {
  readonly period: 'day' | 'month';
  readonly share: 0.5 | 0.8 | 0.95;
  readonly spent: UsdMicros;
  readonly cap: UsdMicros;
}

/** Every verdict also names the rentals that have reached their own cap: they are drained, whatever else holds. */
export type BudgetVerdict =
  /** Rent as needed; no more than `workersMax` rented machines at the price that was asked for. */
  | {
      readonly kind: 'open';
      readonly workersMax: number;
      readonly bound: BudgetPeriod | undefined;
      readonly reason: string;
      readonly alerts: readonly BudgetAlert[];
      readonly rentalsOver: readonly string[];
    }
  /** Drain and destroy everything rented, now; `until` the period ends. */
  | {
      readonly kind: 'stop';
      readonly bound: 'day' | 'month';
      readonly until: EpochMs;
      readonly reason: string;
      readonly alerts: readonly BudgetAlert[];
      readonly rentalsOver: readonly string[];
    };

export interface BudgetQuestion {
  readonly policy: BudgetPolicy;
  readonly spend: SpendSoFar;
  /** Of the next machine; 0 while none is known, then only what runs counts. */
  readonly nextPricePerHour: UsdMicros;
  readonly now: EpochMs;
}

const alertShares = [0.5, 0.8, 0.95] as const;
const hourS = 3600;

/**
 * Spend never passes a cap as long as the reconciler acts on the verdict within `stopReserveS` less a tick.
 * Monotone: more spent never allows more machines.
 */
export function budgetVerdict(question: BudgetQuestion): BudgetVerdict {
  const { policy, spend, now } = question;
  const reserve = (burnOf(spend.rentals) * policy.stopReserveS) / hourS;
  const alerts = alertsOf(policy.caps, spend);
  const rentalsOver = spend.rentals.filter((rental) => isRentalOver(rental, policy)).map(({ id }) => id);
  for (const { period, cap, spent, endsAt } of periodsOf(policy, spend, now)) {
    if (spent + reserve < cap) continue;
    const reason = `${usd(spent)} of ${usd(cap)} are spent this ${period}, and stopping may cost another ${usd(reserve)}`;
    return { kind: 'stop', bound: period, until: endsAt, reason, alerts, rentalsOver };
  }
  return { kind: 'open', ...workersAllowed(question), alerts, rentalsOver };
}

export type RentVerdict =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'refused'; readonly bound: BudgetPeriod; readonly reason: string };

export interface RentQuestion {
  readonly policy: BudgetPolicy;
  readonly spend: SpendSoFar;
  readonly pricePerHour: UsdMicros;
  /** Traffic and other costs of the start itself. */
  readonly launchCost: UsdMicros;
  readonly now: EpochMs;
}

/** Asked before each rental, with all that are under way in `spend.rentals`. */
export function mayRent({ policy, spend, pricePerHour, launchCost, now }: RentQuestion): RentVerdict {
  const { caps } = policy;
  const burnPerHour = burnOf(spend.rentals) + pricePerHour;
  if (caps.perHour !== undefined && burnPerHour > caps.perHour)
    return refused('hour', `${usd(burnPerHour)} an hour with this machine; the cap is ${usd(caps.perHour)}`);
  const reserve = (burnPerHour * policy.stopReserveS) / hourS;
  const shortest = launchCost + (pricePerHour * policy.stopReserveS) / hourS;
  if (caps.perRental !== undefined && shortest >= caps.perRental)
    return refused(
      'rental',
      `starting and stopping it costs ${usd(shortest)}; a rental may cost ${usd(caps.perRental)}`,
    );
  for (const { period, cap, spent } of periodsOf(policy, spend, now))
    if (spent + launchCost + reserve >= cap)
      return refused(
        period,
        `${usd(spent)} of ${usd(cap)} are spent this ${period}; with this machine the rest is needed to stop`,
      );
  return { kind: 'allowed' };
}

const burnOf = (rentals: readonly RentalSpend[]): number =>
  rentals.reduce((sum, { pricePerHour }) => sum + pricePerHour, 0);

const refused = (bound: BudgetPeriod, reason: string): RentVerdict => ({ kind: 'refused', bound, reason });

/** The rest of the cap must pay the drain as well. */
function isRentalOver({ pricePerHour, spent }: RentalSpend, { caps, stopReserveS }: BudgetPolicy): boolean {
  return caps.perRental !== undefined && spent + (pricePerHour * stopReserveS) / hourS >= caps.perRental;
}

interface Period {
  readonly period: 'day' | 'month';
  readonly cap: UsdMicros;
  readonly spent: UsdMicros;
  readonly endsAt: EpochMs;
}

function periodsOf({ caps, utcOffsetMinutes }: BudgetPolicy, spend: SpendSoFar, now: EpochMs): Period[] {
  const periods: Period[] = [];
  if (caps.perDay !== undefined)
    periods.push({ period: 'day', cap: caps.perDay, spent: spend.day, endsAt: endOfDay(now, utcOffsetMinutes) });
  if (caps.perMonth !== undefined)
    periods.push({
      period: 'month',
      cap: caps.perMonth,
      spent: spend.month,
      endsAt: endOfMonth(now, utcOffsetMinutes),
    });
  return periods;
}

/** What runs is paid for first; what is left buys machines at the price of the next one. */
function workersAllowed({ policy, spend, nextPricePerHour, now }: BudgetQuestion): {
  readonly workersMax: number;
  readonly bound: BudgetPeriod | undefined;
  readonly reason: string;
} {
  const runs = spend.rentals.filter(({ kind }) => kind === 'running');
  const running = runs.length;
  const burnPerHour = burnOf(runs);
  const disksPerHour = burnOf(spend.rentals) - burnPerHour;
  const price = nextPricePerHour > 0 ? nextPricePerHour : running > 0 ? burnPerHour / running : 0;
  let allowed: { workersMax: number; bound: BudgetPeriod | undefined; reason: string } = {
    workersMax: Infinity,
    bound: undefined,
    reason: 'no budget binds',
  };
  const limit = (ratePerHour: number, bound: BudgetPeriod, reason: string, atLeast = 0) => {
    if (price <= 0) return;
    const left = Math.max(0, ratePerHour - disksPerHour);
    // Machines that run may cost less or more than the next one would.
    const affordable =
      left >= burnPerHour
        ? running + Math.floor((left - burnPerHour) / price + 1e-9)
        : Math.floor((running * left) / burnPerHour + 1e-9);
    const workersMax = Math.max(atLeast, affordable);
    if (workersMax < allowed.workersMax) allowed = { workersMax, bound, reason };
  };
  if (policy.caps.perHour !== undefined)
    limit(policy.caps.perHour, 'hour', `${usd(policy.caps.perHour)} an hour is the cap`);
  for (const { period, cap, spent, endsAt } of periodsOf(policy, spend, now)) {
    const leftH = (endsAt - now) / 3_600_000;
    // Less than the reserve ahead is no shorter: the stop may take that long.
    const hours = Math.max(policy.pacing === 'even' ? leftH : Math.min(leftH, 1), policy.stopReserveS / hourS);
    // The last of the money keeps one machine, until it is needed to stop that one.
    const lastOnes = cap - spent > (price * 2 * policy.stopReserveS) / hourS ? 1 : 0;
    limit((cap - spent) / hours, period, `${usd(cap - spent)} are left this ${period}`, lastOnes);
  }
  return allowed;
}

function alertsOf(caps: BudgetCaps, spend: SpendSoFar): BudgetAlert[] {
  const reached = (period: 'day' | 'month', spent: UsdMicros, cap: UsdMicros | undefined): BudgetAlert[] => {
    const share = alertShares.findLast((each) => cap !== undefined && cap > 0 && spent >= each * cap);
    return share === undefined ? [] : [{ period, share, spent, cap: cap! }];
  };
  return [...reached('day', spend.day, caps.perDay), ...reached('month', spend.month, caps.perMonth)];
}

const dayMs = 86_400_000;

export function startOfDay(now: EpochMs, utcOffsetMinutes: number): EpochMs {
  const offsetMs = utcOffsetMinutes * 60_000;
  return (Math.floor((now + offsetMs) / dayMs) * dayMs - offsetMs) as EpochMs;
}

export function endOfDay(now: EpochMs, utcOffsetMinutes: number): EpochMs {
  return (startOfDay(now, utcOffsetMinutes) + dayMs) as EpochMs;
}

export function startOfMonth(now: EpochMs, utcOffsetMinutes: number): EpochMs {
  return monthFrom(now, utcOffsetMinutes, 0);
}

export function endOfMonth(now: EpochMs, utcOffsetMinutes: number): EpochMs {
  return monthFrom(now, utcOffsetMinutes, 1);
}

function monthFrom(now: EpochMs, utcOffsetMinutes: number, further: number): EpochMs {
  const offsetMs = utcOffsetMinutes * 60_000;
  const local = new Date(now + offsetMs);
  return (Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + further, 1) - offsetMs) as EpochMs;
}

/** `$1.25`; four digits below a cent. */
function usd(micros: number): string {
  const value = usdMicros(micros) / 1e6;
  return `$${value !== 0 && Math.abs(value) < 0.01 ? value.toFixed(4) : value.toFixed(2)}`;
}
