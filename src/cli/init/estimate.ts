/** What it can cost and what it probably costs, before anything is rented. */
import type { WorkingHours } from './given.ts';

export interface Caps {
  readonly perHourUsd: number;
  readonly perDayUsd: number;
  readonly perMonthUsd: number;
  readonly perRentalUsd: number;
}

export interface Spending {
  /** The caps allow no more. */
  readonly dayMaxUsd: number;
  readonly monthMaxUsd: number;
  /** At the hours that were named, one machine at a time. */
  readonly hoursPerMonth: number;
  readonly monthUsd: number;
  readonly pricePerHourUsd: number;
  /** An hour of one machine, with the downloads of its start. */
  readonly firstHourUsd: number;
}

const hoursPerDay = 24;
const daysPerMonthMax = 31;
const weeksPerMonth = 365.25 / 12 / 7;
const daysPerMonth = 365.25 / 12;

export function spendingOf(plan: {
  readonly pricePerHourUsd: number;
  readonly startDownloadUsd: number;
  readonly caps: Caps;
  readonly hours: WorkingHours;
}): Spending {
  const { caps, pricePerHourUsd } = plan;
  const dayMaxUsd = Math.min(caps.perDayUsd, caps.perHourUsd * hoursPerDay, caps.perMonthUsd);
  const monthMaxUsd = Math.min(caps.perMonthUsd, dayMaxUsd * daysPerMonthMax);
  const hoursPerMonth = hoursAMonth(plan.hours);
  return {
    dayMaxUsd,
    monthMaxUsd,
    hoursPerMonth,
    monthUsd: Math.min(monthMaxUsd, hoursPerMonth * pricePerHourUsd),
    pricePerHourUsd,
    firstHourUsd: pricePerHourUsd + plan.startDownloadUsd,
  };
}

function hoursAMonth(hours: WorkingHours): number {
  if (hours.kind === 'on-demand') return hours.hoursPerDay * daysPerMonth;
  const [from, to] = [minutes(hours.from), minutes(hours.to)];
  const length = ((to - from + 24 * 60) % (24 * 60)) / 60;
  return length * hours.days.length * weeksPerMonth;
}

function minutes(time: string): number {
  const [hours, rest] = time.split(':').map(Number) as [number, number];
  return hours * 60 + rest;
}
