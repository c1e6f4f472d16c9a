/**
 * Each guard says whether two texts must not share an answer. All are pure and symmetric, and none
 * speaks against a text and itself. Passing them is no proof: they catch what a similarity cannot see.
 */
import type { GuardName } from '../../hit-policy.ts';
import { opposingPrefixes } from '../text/antonyms.ts';
import type { Features } from '../text/features.ts';

/** @returns true to veto */
export type Guard = (a: Features, b: Features) => boolean;

export type BuiltGuard = Extract<GuardName, 'number' | 'negation' | 'antonym' | 'order' | 'entity' | 'content'>;

export const guards: Readonly<Record<BuiltGuard, Guard>> = {
  /** Different numbers, units, currencies, dates or versions. */
  number: (a, b) => a.numbersKey !== b.numbersKey,

  /** One more negation on one side. */
  negation: (a, b) => a.negations !== b.negations,

  antonym: (a, b) => oppositePoles(a, b) || oppositePrefixes(a.words, b.words),

  /** What both name stands in another order, where order carries meaning: A to B, B to A. */
  order: (a, b) => a.contentKey !== b.contentKey && differInOrder(a, b),

  /** Each side names something the other does not. */
  entity: (a, b) => namesMore(a, b) && namesMore(b, a),

  /** Other content words than the same ones in the same order, up to inflection, politeness and empty words. */
  content: (a, b) => a.contentKey !== b.contentKey,
};

function oppositePoles(a: Features, b: Features): boolean {
  for (const [pair, sides] of a.poles) {
    const others = b.poles.get(pair);
    if (others !== undefined && sides !== others && sides + others === 3) return true;
  }
  return false;
}

function oppositePrefixes(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return prefixedIn(a, b) || prefixedIn(b, a);
}

/** A word of `a` alone is the opposite, by its beginning, of a word of `b` alone. */
function prefixedIn(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const word of a) {
    if (word.length < 5 || b.has(word)) continue;
    for (const prefix of opposingPrefixes) {
      if (!word.startsWith(prefix)) continue;
      const base = word.slice(prefix.length);
      if (base.length > 2 && b.has(base) && !a.has(base)) return true;
    }
  }
  return false;
}

function namesMore(a: Features, b: Features): boolean {
  for (const entity of a.entities) if (!b.words.has(entity) && !b.contentKey.includes(entity)) return true;
  return false;
}

function differInOrder(a: Features, b: Features): boolean {
  if (a.numbersKey === b.numbersKey && a.numbers.length > 1 && a.numbers.join() !== b.numbers.join()) return true;
  if (crossed([...a.entities], [...b.entities])) return true;
  return (a.directed || b.directed) && crossed(a.content, b.content);
}

/** Whether two things that both sides have stand in another order. First occurrences count. */
function crossed(a: readonly string[], b: readonly string[]): boolean {
  const places = new Map<string, number>();
  for (let i = b.length - 1; i >= 0; i--) places.set(b[i]!, i);
  const seen = new Set<string>();
  let last = -1;
  for (const each of a) {
    const place = places.get(each);
    if (place === undefined || seen.has(each)) continue;
    seen.add(each);
    if (place < last) return true;
    last = place;
  }
  return false;
}
