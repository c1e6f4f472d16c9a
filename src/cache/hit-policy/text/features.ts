/** What the guards compare, read once from each text. */
import { asksOf } from './asks.ts';
import { oppositesOf } from './antonyms.ts';
import { codeOf } from './code.ts';
import { formatOf } from './format.ts';
import { LanguageCount, negatesWithNo } from './language.ts';
import { factsOf } from './lexicon.ts';
import { literalOf, type Literal } from './literal.ts';
import { numberAt } from './numbers.ts';
import { canonicalOrder, plainlyAsked } from './phrases.ts';
import { tokenize, type Token } from './tokens.ts';
import { currencies } from './units.ts';
import { singular, stem } from './words.ts';

export interface Features {
  /** Stems of words that carry meaning, numbers and symbols, in order; a phrase set before the question comes last. */
  readonly content: readonly string[];
  /** The same words in singular, as one text: `banking` is not `bank`, though both have one stem. */
  readonly contentKey: string;
  /** Of `content`, what is no function word: what an order may turn around. */
  readonly meaning: readonly string[];
  /** For each of `meaning`, how many words that give order a meaning stand before it. */
  readonly segments: readonly number[];
  /** Of `meaning`, what stands next behind a negating word. */
  readonly negated: readonly string[];
  /** Numbers with their units, dates and versions, in order. */
  readonly numbers: readonly string[];
  /** The same sorted, as one text. */
  readonly numbersKey: string;
  /** Numbers and versions without units, sorted, as one text. */
  readonly figuresKey: string;
  /** Numbers with their units, but without currencies, sorted, as one text. */
  readonly measuresKey: string;
  /** Of the figures, those that are versions. */
  readonly versions: ReadonlySet<string>;
  /** Dates and times in figures, sorted, as one text. */
  readonly datesKey: string;
  /** Weekdays, months and relative days. */
  readonly days: ReadonlySet<string>;
  /** Units other than currencies, beside a number or alone. */
  readonly units: ReadonlySet<string>;
  readonly currencies: ReadonlySet<string>;
  /** Number of negating words. */
  readonly negations: number;
  /** Pairs of opposites that occur → sides: 1, 2 or 3 for both. */
  readonly poles: ReadonlyMap<number, number>;
  /** Words with what would be their opposites by form: `unlock` and `lock`. */
  readonly opposites: readonly { readonly word: string; readonly opposite: string }[];
  /** All words in lower case. */
  readonly words: ReadonlySet<string>;
  /** Names, acronyms, identifiers, addresses, flags and quoted words, lower case, in order. */
  readonly entities: ReadonlySet<string>;
  /** Whether a word is there with which order carries meaning. */
  readonly directed: boolean;
  /** Kind of answer asked for, see `asksOf`. */
  readonly asks: string;
  /** Language or script; '' where that is not clear. */
  readonly language: string;
  /** Asks about the form of the answer, sorted; '' for none. */
  readonly format: string;
  /** Identifiers, flags, paths and operators, as written. */
  readonly code: ReadonlySet<string>;
  readonly programmingLanguages: ReadonlySet<string>;
  readonly lower: string;
  /** What counts letter by letter. */
  readonly literal: Literal;
}

/** Behind one of these, `with` and `for` stand between what goes and what comes. */
const exchanging = new Set(
  'replace replaces replacing replaced substitute substituting swap swapping exchange'.split(' '),
);
const exchangeMarkers = new Set(['with', 'for']);

const noNames: ReadonlySet<string> = new Set();
const noPoles: ReadonlyMap<number, number> = new Map();
const noOpposites: Features['opposites'] = [];

/**
 * O(n). English; texts in other languages get words, numbers, names and their negations.
 * @param tokensOfText of `tokenize(text)`, where a caller has them.
 */
export function featuresOf(text: string, tokensOfText: readonly Token[] = tokenize(text)): Features {
  const plain = plainlyAsked(tokensOfText);
  const tokens = canonicalOrder(plain);
  const shouted = text === text.toUpperCase();
  const quoted = quotedWords(text);
  const content: string[] = [];
  const keys: string[] = [];
  const meaning: string[] = [];
  const segments: number[] = [];
  const negated: string[] = [];
  let segment = 0;
  let negates = false;
  const mean = (word: string): void => {
    meaning.push(word);
    segments.push(segment);
    if (negates) negated.push(word);
    negates = false;
  };
  const numbers: string[] = [];
  const figures: string[] = [];
  const measures: string[] = [];
  const dates: string[] = [];
  const words = new Set<string>();
  const entities = new Set<string>();
  let days: Set<string> | undefined;
  let versions: Set<string> | undefined;
  let units: Set<string> | undefined;
  let money: Set<string> | undefined;
  let programs: Set<string> | undefined;
  let sides: Map<number, number> | undefined;
  let opposites: { word: string; opposite: string }[] | undefined;
  let negations = 0;
  let foreignNegations = 0;
  let saysNo = 0;
  let exchanges = false;
  let mayAskForm = false;

  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const number = numberAt(tokens, i);
    if (number !== undefined) {
      const { kind, value, unit } = number;
      const whole = unit === '' ? value : `${value}|${unit}`;
      numbers.push(whole);
      content.push(`#${whole}`);
      keys.push(`#${whole}`);
      mean(`#${whole}`);
      if (kind === 'date') {
        if (isFixed(value)) dates.push(value);
        else (days ??= new Set()).add(value);
      } else figures.push(value);
      if (kind === 'version') (versions ??= new Set()).add(value);
      const isMoney = currencies.has(unit);
      measures.push(isMoney ? value : whole);
      if (unit !== '') {
        if (isMoney) (money ??= new Set()).add(unit);
        else (units ??= new Set()).add(unit);
      }
      for (let j = i; j < i + number.length; j++) {
        const { text: part } = tokens[j]!;
        words.add(part);
        mayAskForm ||= factsOf(part)?.format === true;
      }
      i += number.length - 1;
      continue;
    }
    if (token.text === ',') continue;
    const facts = factsOf(token.text);
    if (token.kind === 'symbol') {
      content.push(token.text);
      keys.push(token.text);
      if (facts?.orders === true) segment += 1;
      continue;
    }
    // "US" and "us", "IT" and "it" are different words.
    const acronym = !shouted && isAcronym(token.raw);
    const word = acronym && facts?.isFunctionWord === true ? token.raw : token.text;
    words.add(word);
    if (!shouted && isEntity(token, acronym, quoted, facts?.isFunctionWord === true)) entities.add(word);
    const opposite = oppositesOf(word);
    if (opposite !== undefined) for (const each of opposite) (opposites ??= []).push({ word, opposite: each });
    if (facts === undefined || word !== token.text) {
      const stemmed = stem(word);
      content.push(stemmed);
      keys.push(singular(word));
      mean(stemmed);
      continue;
    }
    if (facts.negates) {
      negations += 1;
      negates = true;
    }
    if (facts.negatesAbroad) {
      if (word === 'no') saysNo += 1;
      else foreignNegations += 1;
    }
    if (facts.orders || (exchanges && exchangeMarkers.has(word))) segment += 1;
    if (exchanging.has(word)) exchanges = true;
    for (const { pair, side } of facts.poles) {
      sides ??= new Map();
      sides.set(pair, (sides.get(pair) ?? 0) | side);
    }
    mayAskForm ||= facts.format;
    if (facts.unit !== '') {
      if (currencies.has(facts.unit)) (money ??= new Set()).add(facts.unit);
      else (units ??= new Set()).add(facts.unit);
    }
    if (facts.programs !== '') (programs ??= new Set()).add(facts.programs);
    // "What do bees do" is not "what are bees".
    if (facts.empty && !(word === 'do' && isMainVerb(tokens, i))) continue;
    const stemmed = stem(word);
    content.push(stemmed);
    keys.push(singular(word));
    if (!facts.isFunctionWord && !facts.negates) mean(stemmed);
  }
  const language = languageOf(tokensOfText, text);
  if (language !== 'en' && language !== '') {
    negations = foreignNegations + (negatesWithNo(language) ? saysNo : 0) + unspacedNegations(language, text);
  }
  return {
    content,
    contentKey: keys.join(' '),
    meaning,
    numbers,
    numbersKey: keyOf(numbers),
    figuresKey: keyOf(figures),
    measuresKey: keyOf(measures),
    versions: versions ?? noNames,
    datesKey: keyOf(dates),
    days: days ?? noNames,
    units: units ?? noNames,
    currencies: money ?? noNames,
    negations,
    poles: sides ?? noPoles,
    opposites: opposites ?? noOpposites,
    words,
    entities,
    directed: segment > 0,
    segments,
    negated,
    asks: asksOf(plain),
    language,
    format: mayAskForm ? formatOf(flat(text)) : '',
    code: codeOf(text),
    programmingLanguages: programs ?? noNames,
    lower: text.toLowerCase(),
    literal: literalOf(text, meaning.length === 0),
  };
}

const beforeMainDo = new Set(
  'to i you we they he she it can could should would will must not people someone anyone'.split(' '),
);
const behindMainDo = new Set('about with for if when after before'.split(' '));

/** Whether this `do` says what is done, rather than helping another verb. */
function isMainVerb(tokens: readonly Token[], at: number): boolean {
  const next = tokens[at + 1]?.text;
  return next === undefined || behindMainDo.has(next) || (at > 0 && beforeMainDo.has(tokens[at - 1]!.text));
}

function languageOf(tokens: readonly Token[], text: string): string {
  const count = new LanguageCount();
  for (const { text: word } of tokens) count.add(factsOf(word)?.languages ?? 0);
  return count.of(text);
}

/** A date with a day or a year, or a time; "in June" and "today" are not. */
const isFixed = (date: string): boolean => /\d/.test(date) && !/^(?:--\d\d|q\d)$/.test(date);

const keyOf = (values: string[]): string => (values.length > 1 ? values.toSorted().join(' ') : (values[0] ?? ''));

const flat = (text: string): string =>
  text
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(/[^\p{L}\p{N}\s-]+/gu, ' ')
    .replace(/\s+/g, ' ');

function isAcronym(raw: string): boolean {
  if (raw.length < 2) return false;
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code < 65 || code > 90) return false;
  }
  return true;
}

function isEntity(token: Token, acronym: boolean, quoted: ReadonlySet<string>, isFunctionWord: boolean): boolean {
  if (acronym || quoted.has(token.text)) return true;
  const { raw } = token;
  if (raw === token.text) return /[_\d./-]/.test(raw);
  if (isFunctionWord) return false;
  return !token.first || /[a-z\d_.][A-Z]/.test(raw);
}

function quotedWords(text: string): ReadonlySet<string> {
  if (!/["“`]/.test(text)) return noNames;
  const found = new Set<string>();
  for (const [passage] of text.matchAll(/"[^"\n]{1,80}"|“[^”\n]{1,80}”|`[^`\n]{1,80}`/g)) {
    for (const word of passage.toLowerCase().match(/[\p{L}\p{N}_.-]+/gu) ?? []) found.add(word);
  }
  return found;
}

/** In scripts without spaces a negation is a part of a longer run of letters. */
function unspacedNegations(language: string, text: string): number {
  const pattern =
    language === 'han' ? /[不没沒无無别別未]/g : language === 'kana' ? /ない|ません|なく|ずに/g : undefined;
  return pattern === undefined ? 0 : (text.match(pattern)?.length ?? 0);
}
