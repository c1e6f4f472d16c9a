import type { EpochMs } from '../../core/units.ts';

export interface QuietHours {
  /** `HH:MM`; a `to` before `from` is on the next day. */
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  /** Whether pages wait, too. */
  readonly pages: 'through' | 'wait';
}

export function isQuiet({ from, to, timeZone }: Omit<QuietHours, 'pages'>, at: EpochMs): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    .formatToParts(at)
    .reduce<Record<string, number>>((out, { type, value }) => ({ ...out, [type]: Number(value) }), {});
  const now = parts['hour']! * 60 + parts['minute']!;
  const [start, end] = [minutesOf(from), minutesOf(to)];
  return start <= end ? now >= start && now < end : now >= start || now < end;
}

function minutesOf(clock: string): number {
  const [hours, minutes] = clock.split(':').map(Number);
  return hours! * 60 + minutes!;
}
