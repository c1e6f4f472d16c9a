/** Numbers of a prompt in one spelling: `1,000` = `1000` = `one thousand`, with unit, currency or date bound to them. */
import type { Token } from './tokens.ts';

export interface NumberAt {
  /** `1000`, `3|percent`, `5|km`, `1st`, `2024-01-05`, `15:00`, `3.10`. */
  readonly value: string;
  /** Tokens it takes. */
  readonly length: number;
}

/** The number that begins at `at`, if one does. */
export function numberAt(tokens: readonly Token[], at: number): NumberAt | undefined {
  const token = tokens[at]!;
  const date = dateAt(tokens, at);
  if (date !== undefined) return date;
  if (token.kind === 'number') return written(tokens, at, token.text);
  if (token.kind !== 'word') return undefined;
  const ordinal = ordinals.get(token.text);
  if (ordinal !== undefined && !isTimeUnit(tokens, at)) return { value: ordinal, length: 1 };
  if (/^v\d/.test(token.text)) return { value: token.text.slice(1), length: 1 };
  return spelled(tokens, at);
}

const small = new Map(
  `zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
   eighteen nineteen`
    .split(/\s+/)
    .map((word, value) => [word, value]),
);
const tens = new Map(
  'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ').map((word, i) => [word, (i + 2) * 10]),
);
const scales = new Map([
  ['hundred', 100],
  ['dozen', 12],
  ['thousand', 1e3],
  ['million', 1e6],
  ['billion', 1e9],
  ['trillion', 1e12],
]);
const ordinals = new Map(
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth'
    .split(' ')
    .map((word, i) => [word, `${i + 1}${['st', 'nd', 'rd'][i] ?? 'th'}`]),
);
const months = new Map(
  'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ').map((word, i) => [word, String(i + 1).padStart(2, '0')]),
);
const fullMonths = new Set(
  'january february march april may june july august september october november december sept'.split(' '),
);

const units = new Map<string, string>();
for (const [unit, names] of Object.entries({
  percent: '% percent',
  usd: '$ usd dollar dollars bucks',
  eur: '€ eur euro euros',
  gbp: '£ gbp quid',
  jpy: '¥ jpy yen',
  inr: '₹ inr rupee rupees',
  pound: 'pound pounds',
  km: 'km kms kilometer kilometers kilometre kilometres',
  m: 'm meter meters metre metres',
  cm: 'cm centimeter centimeters centimetre centimetres',
  mm: 'mm millimeter millimeters millimetre millimetres',
  mile: 'mi mile miles',
  ft: 'ft foot feet',
  inch: 'inch inches',
  yard: 'yd yard yards',
  kg: 'kg kgs kilo kilos kilogram kilograms',
  g: 'g gram grams',
  mg: 'mg milligram milligrams',
  lb: 'lb lbs',
  oz: 'oz ounce ounces',
  l: 'l liter liters litre litres',
  ml: 'ml milliliter milliliters millilitre millilitres',
  ms: 'ms millisecond milliseconds',
  s: 's sec secs second seconds',
  min: 'min mins minute minutes',
  h: 'h hr hrs hour hours',
  day: 'day days',
  week: 'wk week weeks',
  month: 'month months',
  year: 'yr yrs year years',
  celsius: 'c celsius °c',
  fahrenheit: 'f fahrenheit °f',
  degree: 'degree degrees °',
  byte: 'byte bytes',
  bit: 'bit bits',
  kb: 'kb',
  mb: 'mb',
  gb: 'gb',
  tb: 'tb',
  kib: 'kib',
  mib: 'mib',
  gib: 'gib',
  mph: 'mph',
  kmh: 'kmh',
  watt: 'w watt watts',
  kw: 'kw',
  kwh: 'kwh',
  volt: 'v volt volts',
  hz: 'hz',
  mhz: 'mhz',
  ghz: 'ghz',
  px: 'px pixel pixels',
})) {
  for (const name of names.split(' ')) units.set(name, unit);
}
/** Letters that are units only when glued to the number: apart they are words or names. */
const gluedOnly = new Set(['c', 'f', 'v', 'w', 's', 'h', 'l', 'g', 'm']);

/** "a second", "per second", "30 seconds": a time, not a place in a row. */
function isTimeUnit(tokens: readonly Token[], at: number): boolean {
  if (tokens[at]!.text !== 'second') return false;
  const before = tokens[at - 1]?.text;
  return before === 'a' || before === 'per' || before === 'each' || before === 'every' || before === 'one';
}

function written(tokens: readonly Token[], at: number, text: string): NumberAt {
  const [, currency = '', digits = '', tail = ''] = /^([$€£¥₹]?)([+-]?\d+(?:[.,:/-]\d+)*)(.*)$/.exec(text) ?? [];
  const next = tokens[at + 1];
  const afternoon = tail === 'pm' || tail === 'am' ? tail : next?.text === 'pm' || next?.text === 'am' ? next.text : '';
  if (afternoon !== '' && /^\d{1,2}(?::\d\d)?$/.test(digits)) {
    return { value: timeOf(digits, afternoon), length: tail === '' ? 2 : 1 };
  }
  let value = plain(digits);
  let length = 1;
  if (tail === 'k' && /^\d+(?:\.\d+)?$/.test(value)) value = scaled(value, 1e3);
  else if (/^(?:st|nd|rd|th)$/.test(tail)) return { value: value + tail, length };
  else if (tail !== '') {
    const unit = units.get(tail);
    return { value: unit === undefined ? value + tail : `${value}|${unit}`, length };
  }
  const scale = next?.kind === 'word' ? scales.get(next.text) : undefined;
  if (scale !== undefined && /^[+-]?\d+(?:\.\d+)?$/.test(value)) {
    value = scaled(value, scale);
    length += 1;
  }
  return bound(tokens, at, value, length, currency);
}

function spelled(tokens: readonly Token[], at: number): NumberAt | undefined {
  const first = tokens[at]!.text;
  if (first === 'one' && !isCountedOne(tokens, at)) return undefined;
  if (!small.has(first) && !tens.has(first) && !scales.has(first)) return undefined;
  let total = 0;
  let group = 0;
  let length = 0;
  for (let i = at; i < tokens.length; i++) {
    const word = tokens[i]!.text;
    const next = tokens[i + 1]?.text ?? '';
    if (word === 'and' && length > 0 && group % 100 === 0 && (small.has(next) || tens.has(next))) continue;
    const unit = small.get(word);
    const ten = tens.get(word);
    const scale = scales.get(word);
    if (unit !== undefined && group % (unit < 10 ? 10 : 100) === 0) group += unit;
    else if (ten !== undefined && group % 100 === 0) group += ten;
    else if (scale === 100 || scale === 12) group = (group || 1) * scale;
    else if (scale !== undefined) {
      total += (group || 1) * scale;
      group = 0;
    } else break;
    length = i - at + 1;
    if (unit === 0) break;
  }
  return bound(tokens, at, String(total + group), length, '');
}

/** "one" is a number in "one apple", and none in "no one", "which one", "one of them", "how does one". */
function isCountedOne(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.text ?? '';
  const after = tokens[at + 1]?.text ?? '';
  return after !== '' && after !== 'of' && !beforePronounOne.has(before);
}
const beforePronounOne = new Set(
  'no any some every each which this that the do does can could should would will may'.split(' '),
);

/** Binds the unit or currency that stands beside the number. */
function bound(tokens: readonly Token[], at: number, value: string, length: number, currency: string): NumberAt {
  const next = tokens[at + length];
  if (currency !== '') return { value: `${value}|${units.get(currency)}`, length };
  if (next === undefined || gluedOnly.has(next.text)) return { value, length };
  const unit = units.get(next.text);
  return unit === undefined ? { value, length } : { value: `${value}|${unit}`, length: length + 1 };
}

function dateAt(tokens: readonly Token[], at: number): NumberAt | undefined {
  const month = monthOf(tokens[at]!);
  if (month !== undefined) {
    const day = dayOf(tokens[at + 1]);
    if (day !== undefined) return withYear(tokens, at + 2, at, `${month}-${day}`);
    const year = yearOf(tokens[at + 1]);
    return year === undefined ? undefined : { value: `${year}-${month}`, length: 2 };
  }
  const day = dayOf(tokens[at]);
  if (day === undefined) return undefined;
  const skip = tokens[at + 1]?.text === 'of' ? 2 : 1;
  const later = tokens[at + skip] && monthOf(tokens[at + skip]!);
  return later === undefined ? undefined : withYear(tokens, at + skip + 1, at, `${later}-${day}`);
}

function withYear(tokens: readonly Token[], at: number, from: number, monthAndDay: string): NumberAt {
  const comma = tokens[at]?.text === ',' ? 1 : 0;
  const year = yearOf(tokens[at + comma]);
  if (year === undefined) return { value: `--${monthAndDay}`, length: at - from };
  return { value: `${year}-${monthAndDay}`, length: at + comma + 1 - from };
}

function monthOf(token: Token): string | undefined {
  if (token.kind !== 'word' || !(token.text.length === 3 || fullMonths.has(token.text))) return undefined;
  // In small letters `may` and `march` are verbs.
  if ((token.text === 'may' || token.text === 'march') && token.raw === token.text) return undefined;
  return months.get(token.text.slice(0, 3));
}

function dayOf(token: Token | undefined): string | undefined {
  const day = token?.kind === 'number' ? /^(\d{1,2})(?:st|nd|rd|th)?$/.exec(token.text)?.[1] : undefined;
  return day !== undefined && Number(day) >= 1 && Number(day) <= 31 ? day.padStart(2, '0') : undefined;
}

function yearOf(token: Token | undefined): string | undefined {
  return token?.kind === 'number' && /^[12]\d{3}$/.test(token.text) ? token.text : undefined;
}

function timeOf(digits: string, half: string): string {
  const [hour = '0', minute = '00'] = digits.split(':');
  const hours = (Number(hour) % 12) + (half === 'pm' ? 12 : 0);
  return `${String(hours).padStart(2, '0')}:${minute}`;
}

/** Decimals stay as written, because 3.10 is another version than 3.1. */
function plain(digits: string): string {
  if (/^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(digits)) return digits.replaceAll(',', '');
  const date = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$/.exec(digits);
  if (date) return `${date[1]}-${date[2]!.padStart(2, '0')}-${date[3]!.padStart(2, '0')}`;
  return digits.startsWith('+') ? digits.slice(1) : digits;
}

const scaled = (value: string, scale: number): string => String(Number((Number(value) * scale).toPrecision(12)));
