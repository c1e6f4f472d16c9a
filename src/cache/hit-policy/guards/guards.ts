/**
 * Each guard says whether two texts must not share an answer. All are pure and symmetric, and none
 * speaks against a text and itself. Passing them is no proof: they catch what a similarity cannot see.
 */
import type { GuardName } from '../../hit-policy.ts';
import type { Features } from '../text/features.ts';
import { differLiterally, moodDiffers } from '../text/literal.ts';
import { differInOrder } from './order.ts';

/** @returns true to veto */
export type Guard = (a: Features, b: Features) => boolean;

/** In the order in which they are asked: the most telling name first, then the cheapest. */
export const guards: Readonly<Record<GuardName, Guard>> = {
  /** Other days, dates, times, months or years with a month: `June 3rd 2025` is `2025-06-03`. */
  date: (a, b) => a.datesKey !== b.datesKey || eachNamesMore(a.days, b.days),

  version: (a, b) =>
    a.figuresKey !== b.figuresKey && (a.versions.size > 0 || b.versions.size > 0) && !sameSet(a.versions, b.versions),

  /** Each side names a currency that the other does not. */
  currency: (a, b) => eachNamesMore(a.currencies, b.currencies),

  /** The same figures in other units, or each side names a unit that the other does not. */
  unit: (a, b) => eachNamesMore(a.units, b.units) || (a.figuresKey === b.figuresKey && a.measuresKey !== b.measuresKey),

  number: (a, b) => a.figuresKey !== b.figuresKey,

  /** One more negation on one side, or each denies what the other affirms. */
  negation: (a, b) => a.negations !== b.negations || (deniesMore(a, b) && deniesMore(b, a)),

  antonym: (a, b) => oppositePoles(a, b) || oppositeForms(a, b) || oppositeForms(b, a),

  /** Identifiers, flags, paths, addresses or operators of one side that the other does not write, or other letters where each counts. */
  code: (a, b) =>
    codeDiffers(a, b) ||
    differLiterally(a.literal, b.literal, a.lower, b.lower) ||
    (moodDiffers(a.literal, b.literal) && sameWords(a.meaning, b.meaning)),

  /** Another length, layout, language, tone or kind of reader asked for. */
  format: (a, b) => a.format !== b.format,

  language: (a, b) => a.language !== b.language && a.language !== '' && b.language !== '',

  /** What both name stands in another order, where order carries meaning: A to B, B to A. */
  order: differInOrder,

  /** Each side names something the other does not. */
  entity: (a, b) => namesMore(a, b) && namesMore(b, a),

  /** Another kind of answer: who, when, how many. */
  wh: (a, b) => a.asks !== b.asks && a.asks !== '' && b.asks !== '',

  /** Other content words than the same ones in the same order, up to inflection, politeness and empty words. */
  content: (a, b) => a.contentKey !== b.contentKey,
};

/** Of the guards, those that only inform a score: case and question words vary too freely to forbid a reuse. */
export const softGuards: ReadonlySet<GuardName> = new Set(['entity', 'wh']);

/** Guards that refuse whatever a score says; `content` alone is a rule of its own. */
export const hardGuards: readonly GuardName[] = (Object.keys(guards) as GuardName[]).filter(
  (name) => name !== 'content' && !softGuards.has(name),
);

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const each of a) if (!b.has(each)) return false;
  return true;
}

function hasMore(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const each of a) if (!b.has(each)) return true;
  return false;
}

const sameWords = (a: readonly string[], b: readonly string[]): boolean => sameSet(new Set(a), new Set(b));

const eachNamesMore = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => hasMore(a, b) && hasMore(b, a);

function deniesMore(a: Features, b: Features): boolean {
  for (const each of a.negated) if (!b.negated.includes(each) && b.meaning.includes(each)) return true;
  return false;
}

function oppositePoles(a: Features, b: Features): boolean {
  for (const [pair, sides] of a.poles) {
    const others = b.poles.get(pair);
    if (others !== undefined && sides !== others && sides + others === 3) return true;
  }
  return false;
}

/** A word of `a` alone is the opposite, by its form, of a word of `b` alone. */
function oppositeForms(a: Features, b: Features): boolean {
  for (const { word, opposite } of a.opposites) {
    if (b.words.has(opposite) && !b.words.has(word) && !a.words.has(opposite)) return true;
  }
  return false;
}

function codeDiffers(a: Features, b: Features): boolean {
  if (a.code.size > 0 || b.code.size > 0) {
    if (writesMore(a, b) || writesMore(b, a)) return true;
  }
  return eachNamesMore(a.programmingLanguages, b.programmingLanguages);
}

/** Names may be typed in small letters, or without a mark around them; flags and operators may not. */
function writesMore(a: Features, b: Features): boolean {
  for (const token of a.code) {
    if (b.code.has(token)) continue;
    if (token.startsWith('-') || !/[\p{L}\p{N}]/u.test(token)) return true;
    const lower = token.toLowerCase();
    if (!b.lower.includes(lower) || !standsAlone(b.lower, lower)) return true;
  }
  return false;
}

const partOfName = /[\p{L}\p{N}_]/u;

function standsAlone(text: string, token: string): boolean {
  for (let at = text.indexOf(token); at >= 0; at = text.indexOf(token, at + 1)) {
    const before = text[at - 1];
    const after = text[at + token.length];
    if ((before === undefined || !partOfName.test(before)) && (after === undefined || !partOfName.test(after))) {
      return true;
    }
  }
  return false;
}

function namesMore(a: Features, b: Features): boolean {
  for (const entity of a.entities) if (!b.words.has(entity) && !b.contentKey.includes(entity)) return true;
  return false;
}
