/** Whether two texts say the same in an order that changes the meaning: A to B, B to A. */
import type { Features } from '../text/features.ts';

/** Words that one side may have more than the other, and still say the same turned around. */
const unmatchedMax = 2;
/** In longer texts an order is not looked at: pairs of words cost time by length × length. */
const wordsMax = 64;

export function differInOrder(a: Features, b: Features): boolean {
  if (a.contentKey === b.contentKey) return false;
  if (a.numbers.length > 1 && a.numbersKey === b.numbersKey && !sameSequence(a.numbers, b.numbers)) return true;
  const swapsNames = a.entities.size > 1 && b.entities.size > 1;
  if (!(a.directed && b.directed) && !swapsNames) return false;
  if (a.meaning.length > wordsMax || b.meaning.length > wordsMax) return false;
  // In a free rewording words move without turning anything around.
  if (unmatched(a.meaning, b.meaning) + unmatched(b.meaning, a.meaning) > unmatchedMax) return false;
  if (swapsNames && crossed([...a.entities], [...b.entities])) return true;
  return a.directed && b.directed && turnedAround(a, b);
}

function unmatched(a: readonly string[], b: readonly string[]): number {
  let count = 0;
  for (const each of a) if (!b.includes(each) && (count += 1) > unmatchedMax) break;
  return count;
}

function sameSequence(a: readonly string[], b: readonly string[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether two words stand on opposite sides of a word such as `to` or `than`, and the other way round in the other text. */
function turnedAround(a: Features, b: Features): boolean {
  for (let i = 0; i < a.meaning.length; i++) {
    const iInB = b.meaning.indexOf(a.meaning[i]!);
    if (iInB < 0) continue;
    for (let j = i + 1; j < a.meaning.length; j++) {
      if (a.segments[i] === a.segments[j] || a.meaning[i] === a.meaning[j]) continue;
      const jInB = b.meaning.indexOf(a.meaning[j]!);
      if (jInB < 0 || jInB >= iInB || b.segments[iInB] === b.segments[jInB]) continue;
      // Words said twice have no place of their own.
      if (isOnce(a, b, a.meaning[i]!) && isOnce(a, b, a.meaning[j]!)) return true;
    }
  }
  return false;
}

const isOnce = (a: Features, b: Features, word: string): boolean =>
  a.meaning.indexOf(word) === a.meaning.lastIndexOf(word) && b.meaning.indexOf(word) === b.meaning.lastIndexOf(word);

/** Whether two names that both sides have stand in another order. */
function crossed(a: readonly string[], b: readonly string[]): boolean {
  let last = -1;
  for (const name of a) {
    const place = b.indexOf(name);
    if (place < 0) continue;
    if (place < last) return true;
    last = place;
  }
  return false;
}
