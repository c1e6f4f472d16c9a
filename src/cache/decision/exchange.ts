/**
 * Refuses pairs that are built alike and differ in the one place that decides: a word exchanged, two words
 * swapped, another tense, another question asked of the same things. A score learned from traffic cannot be
 * trusted with these, because traffic in which all share one subject never shows that the subject matters.
 */
import type { GuardName } from '../guard-name.ts';
import type { TextFeatures } from './text-features.ts';
import { areSynonyms } from './synonyms.ts';
import { gramDice, wordOf, type Word } from './word.ts';

/** @returns the guards in whose name the pair is refused; symmetric, and empty for a text and itself. */
export function exchanges(a: TextFeatures, b: TextFeatures): readonly GuardName[] {
  const found: GuardName[] = [];
  if (exchangesRareWords(a, b)) found.push('entity');
  if (asksAnother(a, b)) found.push('wh');
  if (a.guard.contentKey !== b.guard.contentKey) {
    const change = onlyChange(a.guard.content, b.guard.content, a.asks === 'how' && b.asks === 'how');
    if (change !== undefined) found.push(change);
  }
  return found;
}

/** About one text in 1,800 has such a word: names, products, terms, whatever their case. */
const rareIdf = 7.5;
/** Above it two words are one, misspelt or inflected. */
const alikeMin = 0.5;

/** Each side has a rare word that nothing rare on the other side resembles. */
function exchangesRareWords(a: TextFeatures, b: TextFeatures): boolean {
  const left = rareOwn(a, b);
  if (left.length === 0) return false;
  const right = rareOwn(b, a);
  return resembleNone(left, right) && resembleNone(right, left);
}

/** Numbers, units and dates are not words here: the guards compare what they amount to. */
const rareOwn = (a: TextFeatures, b: TextFeatures): readonly Word[] =>
  a.content.filter(
    (word) => word.idf >= rareIdf && !b.contentStems.has(word.stem) && a.guard.content.includes(word.stem),
  );

const resembleNone = (words: readonly Word[], others: readonly Word[]): boolean =>
  others.length > 0 &&
  words.some((word) =>
    others.every((other) => gramDice(word, other) < alikeMin && !areSynonyms(word.stem, other.stem)),
  );

/** Questions that have answers of different kinds. */
const specific: ReadonlySet<string> = new Set([
  'who',
  'when',
  'where',
  'why',
  ...'many much long old far often big tall fast high'.split(' ').map((measure) => `how ${measure}`),
]);

function asksAnother(a: TextFeatures, b: TextFeatures): boolean {
  if (a.asks === b.asks || a.asks === '' || b.asks === '') return false;
  const left = specific.has(a.asks);
  const right = specific.has(b.asks);
  if ((left || a.asks === 'how') && (right || b.asks === 'how')) return true;
  // "Is it free?" and "When is it free?": the same words, so that the question word is all that differs.
  return (left || right) && sameStems(a, b);
}

function sameStems(a: TextFeatures, b: TextFeatures): boolean {
  if (a.contentStems.size !== b.contentStems.size) return false;
  for (const stem of a.contentStems) if (!b.contentStems.has(stem)) return false;
  return true;
}

/** Move the time or the duty of a sentence that is otherwise the same. */
const moods = new Set('was were will would should can could must may might'.split(' '));
/** "How can I" asks what "how do I" asks. */
const moodsOfHow = new Set('can could will would'.split(' '));
/** Stress what is said: a question stays what it is. */
const stresses = new Set('actual very so even still'.split(' '));

/** So short that whatever is added makes it another question. */
const shortMax = 3;
const addedMax = 2;

function isTelling(a: readonly string[], b: readonly string[], added: readonly string[], asksHow: boolean): boolean {
  if (added.length === 1 && moods.has(added[0]!)) return !(asksHow && moodsOfHow.has(added[0]!));
  if (added.length > 0 && added.every((word) => stresses.has(word))) return false;
  return added.length <= addedMax && Math.min(a.length, b.length) <= shortMax;
}

function onlyChange(a: readonly string[], b: readonly string[], asksHow: boolean): GuardName | undefined {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const left = a.slice(start, a.length - end);
  const right = b.slice(start, b.length - end);
  if (left.length === 1 && right.length === 1) return isOtherWord(left[0]!, right[0]!) ? 'content' : undefined;
  if (left.length === 0 || right.length === 0)
    return isTelling(a, b, left.length > 0 ? left : right, asksHow) ? 'content' : undefined;
  return isSwap(left, right) ? 'order' : undefined;
}

/** Scripts without spaces: such a "word" is a sentence, and what it has in common with another says little. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

const isOtherWord = (a: string, b: string): boolean => !areSynonyms(a, b) && readsOtherwise(a, b);

const readsOtherwise = (a: string, b: string): boolean =>
  unspaced.test(a) ||
  unspaced.test(b) ||
  // Misspelt words mostly keep their last letter; other forms of a word, which mean something else, do not.
  a.at(-1) !== b.at(-1) ||
  (gramDice(wordOf(a), wordOf(b)) < alikeMin && !isTransposed(a, b));

/** `receive` and `recieve`. Shorter words have other words among their shuffles. */
const isTransposed = (a: string, b: string): boolean =>
  a.length === b.length && a.length > 4 && a[0] === b[0] && lettersOf(a) === lettersOf(b);

const lettersOf = (word: string): string => Array.from(word).sort().join('');

/** Two words have changed places around the same others: "dog chases cat". */
function isSwap(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length || a.length < 2) return false;
  if (a[0] !== b.at(-1) || b[0] !== a.at(-1)) return false;
  for (let i = 1; i < a.length - 1; i++) if (a[i] !== b[i]) return false;
  return true;
}
