/** Whether two texts say the same in an order that changes the meaning: A to B, B to A. */
import type { Features } from '../text/features.ts';

/** Words that one side may have more than the other, and still say the same turned around. */
const unmatchedMax = 2;

export function differInOrder(a: Features, b: Features): boolean {
  if (a.contentKey === b.contentKey) return false;
  if (a.numbers.length > 1 && a.numbersKey === b.numbersKey && !sameSequence(a.numbers, b.numbers)) return true;
  const swapsNames = a.entities.size > 1 && b.entities.size > 1;
  if (!a.directed && !b.directed && !swapsNames) return false;
  // In a free rewording words move without turning anything around.
  if (unmatched(a.meaning, b.meaning) + unmatched(b.meaning, a.meaning) > unmatchedMax) return false;
  if (swapsNames && crossed([...a.entities], [...b.entities])) return true;
  return (a.directed || b.directed) && crossed(a.meaning, b.meaning);
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

/** Whether two things that both sides have stand in another order. First occurrences count. */
function crossed(a: readonly string[], b: readonly string[]): boolean {
  // Most texts are short enough that looking is faster than building a map.
  if (a.length * b.length <= 400) {
    let last = -1;
    for (let i = 0; i < a.length; i++) {
      if (a.indexOf(a[i]!) !== i) continue;
      const place = b.indexOf(a[i]!);
      if (place < 0) continue;
      if (place < last) return true;
      last = place;
    }
    return false;
  }
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
