/** Numbers of a prompt in one spelling: `1,000` = `1000` = `one thousand`, with unit, currency or date bound to them. */
import { dateNumberAt, dateWordAt, dateWords } from './dates.ts';
import type { NumberAt } from './number-at.ts';
import type { Token } from './tokens.ts';
import { gluedOnly, units } from './units.ts';

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
  ['lakh', 1e5],
  ['lakhs', 1e5],
  ['million', 1e6],
  ['crore', 1e7],
  ['crores', 1e7],
  ['billion', 1e9],
  ['trillion', 1e12],
]);
const ordinals = new Map(
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth'
    .split(' ')
    .map((word, i) => [word, i + 1]),
);
const roundOrdinals = new Map(
  'twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth'
    .split(' ')
    .map((word, i) => [word, (i + 2) * 10]),
);
/** Names that a version follows, also in small letters and without a dot. */
const versioned = new Set(
  `version release python java node php ruby ios android windows ubuntu debian fedora macos postgres postgresql mysql
   redis django rails angular react vue swift kotlin scala perl go rust typescript ecmascript html css http tls ssl usb
   bluetooth wifi gpt llama qwen ipv office excel`.split(/\s+/),
);
const beforeVersion = new Set(['version', 'release', 'v', 'ver']);

const numberWords: ReadonlySet<string> = new Set([
  ...small.keys(),
  ...tens.keys(),
  ...scales.keys(),
  ...ordinals.keys(),
  ...roundOrdinals.keys(),
  ...dateWords,
  ...beforeVersion,
  ...'usd eur gbp jpy inr rs chf cad aud cny krw'.split(' '),
]);

/** The number that begins at `at`, if one does. */
export function numberAt(tokens: readonly Token[], at: number): NumberAt | undefined {
  const token = tokens[at]!;
  if (token.kind === 'symbol') return undefined;
  if (token.kind === 'number') {
    return dateNumberAt(tokens, at) ?? withRange(tokens, at, written(tokens, at, token.text));
  }
  if (!numberWords.has(token.text)) return gluedVersion(token.text);
  return dateWordAt(tokens, at) ?? named(tokens, at) ?? withRange(tokens, at, spelled(tokens, at));
}

/** `v1.2`: of other words that end in digits (`gpt4`, `mp3`) the splitter makes two tokens. */
function gluedVersion(text: string): NumberAt | undefined {
  if (text.charCodeAt(0) !== 118 /* v */ || !/^v\d/.test(text)) return undefined;
  return { kind: 'version', value: text.slice(1), unit: '', length: 1 };
}

/** `version 3`, `USD 5`. */
function named(tokens: readonly Token[], at: number): NumberAt | undefined {
  const next = tokens[at + 1];
  if (next?.kind !== 'number') return undefined;
  const { text } = tokens[at]!;
  if (beforeVersion.has(text)) return { kind: 'version', value: plain(next.text), unit: '', length: 2 };
  const unit = units.get(text);
  if (unit === undefined) return undefined;
  const number = written(tokens, at + 1, next.text);
  return number.unit === '' ? { ...number, unit, length: number.length + 1 } : undefined;
}

/** "a second", "per second", "30 seconds": a time, not a place in a row. */
function isTimeUnit(tokens: readonly Token[], at: number): boolean {
  if (tokens[at]!.text !== 'second') return false;
  const before = tokens[at - 1]?.text;
  return before === 'a' || before === 'per' || before === 'each' || before === 'every' || before === 'one';
}

const moneyScales = new Map([
  ['m', 1e6],
  ['mn', 1e6],
  ['b', 1e9],
  ['bn', 1e9],
]);

function written(tokens: readonly Token[], at: number, text: string): NumberAt {
  if (text.startsWith('v')) return { kind: 'version', value: text.slice(1), unit: '', length: 1 };
  const [, currency = '', digits = '', tail = ''] = /^([$€£¥₹]?)([+-]?\d+(?:[.,:/-]\d+)*)(.*)$/.exec(text) ?? [];
  const next = tokens[at + 1];
  let value = plain(digits);
  let length = 1;
  const moneyScale = currency === '' ? undefined : moneyScales.get(tail);
  if (moneyScale !== undefined) value = scaled(value, moneyScale);
  else if (tail === 'k' && /^\d+(?:\.\d+)?$/.test(value)) value = scaled(value, 1e3);
  else if (tail === 'st' || tail === 'nd' || tail === 'rd' || tail === 'th')
    return plainNumber(value + tail, '', length);
  else if (tail !== '') {
    const unit = units.get(tail);
    return unit === undefined ? plainNumber(value + tail, '', length) : plainNumber(tidy(value), unit, length);
  }
  const scale = next?.kind === 'word' ? scales.get(next.text) : undefined;
  if (scale !== undefined && /^[+-]?\d+(?:\.\d+)?$/.test(value)) {
    value = scaled(value, scale);
    length += 1;
  }
  if (currency === '' && length === 1 && isVersion(tokens, at, value)) {
    return { kind: 'version', value, unit: '', length };
  }
  return bound(tokens, at, value, length, currency);
}

function isVersion(tokens: readonly Token[], at: number, value: string): boolean {
  if (/^\d+\.\d+\./.test(value)) return true;
  // HTTP/1.1
  const before = tokens[at - 1]?.text === '/' ? tokens[at - 2] : tokens[at - 1];
  if (before?.kind !== 'word') return false;
  return versioned.has(before.text) || (value.includes('.') && !before.first && before.raw !== before.text);
}

const plainNumber = (value: string, unit: string, length: number): NumberAt => ({ kind: 'plain', value, unit, length });

function spelled(tokens: readonly Token[], at: number): NumberAt | undefined {
  const first = tokens[at]!.text;
  const ordinal = ordinals.get(first) ?? roundOrdinals.get(first);
  if (ordinal !== undefined) return isTimeUnit(tokens, at) ? undefined : plainNumber(ordinalOf(ordinal), '', 1);
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
    const last = ordinals.get(word);
    if (last !== undefined && last < 10 && i > at && group % 100 >= 20 && group % 10 === 0) {
      return plainNumber(ordinalOf(total + group + last), '', i - at + 1);
    }
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

function ordinalOf(value: number): string {
  const ending = value % 100 > 10 && value % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][value % 10] ?? 'th');
  return value + ending;
}

/** "one" is a number in "one apple", and none in "no one", "which one", "one of them", "how does one". */
function isCountedOne(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.text ?? '';
  const after = tokens[at + 1]?.text ?? '';
  return after !== '' && after !== 'of' && !beforePronounOne.has(before) && !behindPronounOne.has(after);
}
const beforePronounOne = new Set(
  `no any some every each which this that the do does can could should would will may a an my your his her our their new
   old other another good better best bad only same right wrong how`.split(/\s+/),
);
const behindPronounOne = new Set(
  'can could should would will may might must does is has gets who that whose'.split(' '),
);

/** Binds the unit or currency that stands beside the number. */
function bound(tokens: readonly Token[], at: number, value: string, length: number, currency: string): NumberAt {
  const next = tokens[at + length];
  if (currency !== '') {
    // "$5 dollars" says it twice.
    const again = next !== undefined && units.get(next.text) === units.get(currency) ? 1 : 0;
    return plainNumber(tidy(value), units.get(currency)!, length + again);
  }
  if (next === undefined) return plainNumber(value, '', length);
  if (next.text === 'per' && tokens[at + length + 1]?.text === 'cent') return plainNumber(value, 'percent', length + 2);
  const unit = gluedOnly.has(next.text) && !(next.raw === 'C' || next.raw === 'F') ? undefined : units.get(next.text);
  return unit === undefined ? plainNumber(value, '', length) : plainNumber(tidy(value), unit, length + 1);
}

/** "5 to 10 km" = "5-10 km" = "between 5 and 10 km". */
function withRange(tokens: readonly Token[], at: number, low: NumberAt | undefined): NumberAt | undefined {
  if (low === undefined || low.kind !== 'plain') return low;
  const joint = tokens[at + low.length];
  const between = joint?.text === 'and' && tokens[at - 1]?.text === 'between';
  if (joint?.text !== 'to' && !between) return low;
  const from = at + low.length + 1;
  const next = tokens[from];
  if (next === undefined) return low;
  const high = next.kind === 'number' ? written(tokens, from, next.text) : spelled(tokens, from);
  if (high === undefined || high.kind !== 'plain') return low;
  if (low.unit !== '' && low.unit !== high.unit) return low;
  return plainNumber(`${low.value}..${high.value}`, high.unit, low.length + 1 + high.length);
}

/** Decimals stay as written, because 3.10 is another version than 3.1. */
function plain(digits: string): string {
  if (/^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(digits)) return digits.replaceAll(',', '');
  const range = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(digits);
  if (range !== null) return `${range[1]}..${range[2]}`;
  return digits.startsWith('+') ? digits.slice(1) : digits;
}

/** An amount with a unit is no version: `$5.00` = `$5`. */
const tidy = (value: string): string => (/^[+-]?\d+\.\d*0$/.test(value) ? String(Number(value)) : value);

const scaled = (value: string, scale: number): string => String(Number((Number(value) * scale).toPrecision(12)));
