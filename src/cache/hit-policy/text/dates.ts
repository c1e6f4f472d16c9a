/** Dates, times, weekdays and relative days in one spelling: `June 3rd 2025` = `3 June 2025` = `2025-06-03`. */
import type { NumberAt } from './number-at.ts';
import type { Token } from './tokens.ts';

const numbered = (words: string): [string, string][] =>
  words.split(' ').map((word, i) => [word, String(i + 1).padStart(2, '0')]);
const months = new Map([
  ...numbered('jan feb mar apr may jun jul aug sep oct nov dec'),
  ...numbered('january february march april may june july august september october november december'),
  ['sept', '09'] as const,
]);
/** In small letters, or first in a sentence, these are verbs or adjectives. */
const doubtful = new Set('may march august'.split(' '));
const beforeMonth = new Set(
  'in of by since until till before after during every each this next last from to for'.split(' '),
);

const weekdays = new Map(
  'monday tuesday wednesday thursday friday saturday sunday'
    .split(' ')
    .flatMap((day) => [[day, day] as const, [`${day}s`, day] as const]),
);
for (const [short, day] of Object.entries({ tues: 'tuesday', weds: 'wednesday', thurs: 'thursday' })) {
  weekdays.set(short, day);
}
const relativeDays = new Map([
  ['today', 'today'],
  ['todays', 'today'],
  ['tonight', 'tonight'],
  ['tomorrow', 'tomorrow'],
  ['tmrw', 'tomorrow'],
  ['yesterday', 'yesterday'],
  ['noon', '12:00'],
  ['midnight', '00:00'],
]);
const pointers = new Map([
  ['next', 'next'],
  ['coming', 'next'],
  ['last', 'last'],
  ['previous', 'last'],
  ['this', 'this'],
  ['current', 'this'],
]);
const spans = new Set(
  'day week weekend month quarter year decade century morning afternoon evening night summer winter spring autumn'.split(
    ' ',
  ),
);

/** Words with which a date may begin. */
export const dateWords: ReadonlySet<string> = new Set([
  ...months.keys(),
  ...weekdays.keys(),
  ...relativeDays.keys(),
  ...pointers.keys(),
  'q1',
  'q2',
  'q3',
  'q4',
]);

/** The date that begins with the word at `at`, if one does. */
export function dateWordAt(tokens: readonly Token[], at: number): NumberAt | undefined {
  const token = tokens[at]!;
  const day = weekdays.get(token.text) ?? relativeDays.get(token.text);
  if (day !== undefined) return date(day, 1);
  const pointer = pointers.get(token.text);
  if (pointer !== undefined) {
    const next = tokens[at + 1]?.text ?? '';
    const span = spans.has(next) ? next : weekdays.get(next);
    return span === undefined ? undefined : date(`${pointer}-${span}`, 2);
  }
  if (/^q[1-4]$/.test(token.text)) return date(token.text, 1);
  const month = monthOf(token);
  if (month === undefined) return undefined;
  const dayOfMonth = dayOf(tokens[at + 1]);
  if (dayOfMonth !== undefined) return withYear(tokens, at + 2, at, `${month}-${dayOfMonth}`);
  const skip = tokens[at + 1]?.text === 'of' ? 2 : 1;
  const year = yearOf(tokens[at + skip]);
  if (year !== undefined) return date(`${year}-${month}`, skip + 1);
  if (token.text.length === 3 && token.text !== 'may') return undefined;
  if (doubtful.has(token.text) && !beforeMonth.has(tokens[at - 1]?.text ?? '')) return undefined;
  return date(`--${month}`, 1);
}

/** The date or time that begins with the number at `at`, if one does. */
export function dateNumberAt(tokens: readonly Token[], at: number): NumberAt | undefined {
  const { text } = tokens[at]!;
  const time = /^(\d{1,2})(:\d\d)?(am|pm)?$/.exec(text);
  if (time !== null) {
    const next = tokens[at + 1]?.text;
    const half = time[3] ?? (next === 'am' || next === 'pm' ? next : undefined);
    if (half !== undefined) return date(timeOf(time[1]!, time[2], half), time[3] === undefined ? 2 : 1);
    if (time[2] !== undefined) return date(`${time[1]!.padStart(2, '0')}${time[2]}`, 1);
  }
  const iso = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/.exec(text);
  if (iso !== null) return date(`${iso[1]}-${iso[2]!.padStart(2, '0')}-${iso[3]!.padStart(2, '0')}`, 1);
  // Which of the two is the month differs by country, so it stays as written.
  const slashed = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$/.exec(text);
  if (slashed !== null) return date(`${Number(slashed[1])}/${Number(slashed[2])}/${slashed[3]}`, 1);
  if (/^(?:1[5-9]|20)\d0s$/.test(text)) return date(text, 1);
  if (/^[1-9]0s$/.test(text) && tokens[at - 1]?.text === 'the') return date(`19${text}`, 1);
  const day = dayOf(tokens[at]);
  if (day === undefined) return undefined;
  const skip = tokens[at + 1]?.text === 'of' ? 2 : 1;
  const later = tokens[at + skip];
  const month = later === undefined ? undefined : monthOf(later);
  return month === undefined ? undefined : withYear(tokens, at + skip + 1, at, `${month}-${day}`);
}

const date = (value: string, length: number): NumberAt => ({ kind: 'date', value, unit: '', length });

function withYear(tokens: readonly Token[], at: number, from: number, monthAndDay: string): NumberAt {
  const comma = tokens[at]?.text === ',' ? 1 : 0;
  const year = yearOf(tokens[at + comma]);
  if (year === undefined) return date(`--${monthAndDay}`, at - from);
  return date(`${year}-${monthAndDay}`, at + comma + 1 - from);
}

function monthOf(token: Token): string | undefined {
  if (token.kind !== 'word') return undefined;
  if ((token.text === 'may' || token.text === 'march') && token.raw === token.text) return undefined;
  return months.get(token.text);
}

function dayOf(token: Token | undefined): string | undefined {
  const day = token?.kind === 'number' ? /^(\d{1,2})(?:st|nd|rd|th)?$/.exec(token.text)?.[1] : undefined;
  return day !== undefined && Number(day) >= 1 && Number(day) <= 31 ? day.padStart(2, '0') : undefined;
}

function yearOf(token: Token | undefined): string | undefined {
  return token?.kind === 'number' && /^[12]\d{3}$/.test(token.text) ? token.text : undefined;
}

function timeOf(hour: string, minutes: string | undefined, half: string): string {
  const hours = (Number(hour) % 12) + (half === 'pm' ? 12 : 0);
  return `${String(hours).padStart(2, '0')}${minutes ?? ':00'}`;
}
