/** Numbers as the dashboard writes them. What is not known is a dash, never a zero. */
import { formatRange } from '../../core/format.ts';

export const dash = '–';

export function usd(micros: number | undefined): string {
  if (micros === undefined) return dash;
  const value = Math.abs(micros) / 1e6;
  const sign = micros < 0 ? '−' : '';
  if (value === 0) return '$0';
  // What is small is told with two digits that mean something.
  if (value < 0.01)
    return `${sign}$${Number(value.toPrecision(2)).toFixed(Math.min(8, 1 - Math.floor(Math.log10(value))))}`;
  return `${sign}$${value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(2)}`;
}

/** Of a saving; that there is none is said, and why stands in its method. */
export const intervalWords = ({ low, high }: { readonly low: number | undefined; readonly high: number | undefined }) =>
  low === undefined || high === undefined
    ? 'no interval'
    : `95 %: ${formatRange(low, high, (dollars) => usd(dollars * 1e6))}`;

export const share = (value: number | undefined): string =>
  value === undefined ? dash : `${Number((value * 100).toFixed(1))} %`;

export const whole = (value: number | undefined): string =>
  value === undefined ? dash : Math.round(value).toLocaleString('en');

/** In the reader's own time zone. */
export function clockTime(at: number): string {
  const time = new Date(at);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((each) => String(each).padStart(2, '0')).join(':');
}

export function dateTime(at: number): string {
  const time = new Date(at);
  const date = [time.getFullYear(), time.getMonth() + 1, time.getDate()];
  return `${date.map((each) => String(each).padStart(2, '0')).join('-')} ${clockTime(at)}`;
}
