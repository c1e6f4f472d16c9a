import type { EpochMs } from '../../core/units.ts';
import type { FleetPolicy, ScheduleFloor } from './policy.ts';

const dayMinutes = 1440;

/** The highest floor that holds at this minute; 0 when none does. */
export function scheduleFloor(
  { schedule, utcOffsetMinutes }: Pick<FleetPolicy, 'schedule' | 'utcOffsetMinutes'>,
  now: EpochMs,
): number {
  const local = new Date(now + utcOffsetMinutes * 60_000);
  const day = local.getUTCDay();
  const minute = local.getUTCHours() * 60 + local.getUTCMinutes();
  return schedule.reduce(
    (floor, entry) => (isWithin(entry, day, minute) ? Math.max(floor, entry.workersMin) : floor),
    0,
  );
}

function isWithin({ days, fromMinute, toMinute }: ScheduleFloor, day: number, minute: number): boolean {
  if (fromMinute <= toMinute) return days.includes(day) && minute >= fromMinute && minute < toMinute;
  const yesterday = (day + 6) % 7;
  return (
    (days.includes(day) && minute >= fromMinute && minute < dayMinutes) ||
    (days.includes(yesterday) && minute < toMinute)
  );
}
