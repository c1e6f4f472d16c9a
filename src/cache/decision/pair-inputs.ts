/**
 * The 38 inputs of the score that compare two texts. All are symmetric: what each side has of its own
 * comes as the smaller and the larger of the two.
 */
import type { TextFeatures } from './text-features.ts';
import { gramDice, type Word } from './word.ts';

export const textInputNames = [
  'similarity',
  'log-distance',
  'overlap',
  'unmatched-words',
  'length-ratio',
  'entity-differs',
  'asks-differ',
  'shared-mass-of-union',
  'shared-mass-of-side-min',
  'shared-mass-of-side-max',
  'uncovered-mass-min',
  'uncovered-mass-max',
  'rarest-uncovered-min',
  'rarest-uncovered-max',
  'aligned-uncovered-mass-min',
  'aligned-uncovered-mass-max',
  'aligned-rarest-min',
  'aligned-rarest-max',
  'same-content',
  'same-stems',
  'one-side-contained',
  'stem-overlap',
  'in-order-share',
  'bigram-overlap',
  'one-asks-only',
  'first-word-differs',
  'last-word-differs',
  'number-differs',
  'negation-differs',
  'antonym',
  'order-differs',
  'content-key-differs',
  'numbers',
  'edit-distance',
  'word-lcs',
  'content-words-of-shorter',
  'shared-names',
  'very-short',
] as const;

/** What the guards said of the pair, as far as the score wants to know. */
export interface PairFlags {
  readonly number: boolean;
  readonly negation: boolean;
  readonly antonym: boolean;
  readonly order: boolean;
  readonly entity: boolean;
}

/** Writes the text inputs, unscaled, to the first places of `into`. O(words of a × words of b) at worst. */
export function pairInputs(
  a: TextFeatures,
  b: TextFeatures,
  similarity: number,
  flags: PairFlags,
  into: Float64Array,
): void {
  const left = uncovered(a, b);
  const right = uncovered(b, a);
  const sharedStems = a.content.length - left.words.length;
  const sharedMass = Math.min(a.mass - left.mass, b.mass - right.mass);
  const unionMass = sharedMass + left.mass + right.mass;
  const sharedA = share(sharedMass, a.mass);
  const sharedB = share(sharedMass, b.mass);
  align(left, right);
  const texts = overlap(a.contentTexts, b.contentTexts);
  const unmatched = left.words.length + right.words.length;
  const shorter = Math.min(a.content.length, b.content.length);
  const first = a.words[0]?.stem === b.words[0]?.stem;
  const last = a.words.at(-1)?.stem === b.words.at(-1)?.stem;

  into[0] = similarity;
  into[1] = -Math.log(1.02 - Math.min(1, similarity));
  into[2] = texts;
  into[3] = Math.min(8, unmatched);
  into[4] = Math.abs(a.chars - b.chars) / Math.max(a.chars, b.chars, 1);
  into[5] = flags.entity ? 1 : 0;
  into[6] = a.asks !== b.asks && a.asks !== '' && b.asks !== '' ? 1 : 0;
  into[7] = share(sharedMass, unionMass);
  into[8] = Math.min(sharedA, sharedB);
  into[9] = Math.max(sharedA, sharedB);
  into[10] = Math.min(left.mass, right.mass, 30);
  into[11] = Math.min(30, Math.max(left.mass, right.mass));
  into[12] = Math.min(left.rarest, right.rarest);
  into[13] = Math.max(left.rarest, right.rarest);
  into[14] = Math.min(left.alignedMass, right.alignedMass, 30);
  into[15] = Math.min(30, Math.max(left.alignedMass, right.alignedMass));
  into[16] = Math.min(left.alignedRarest, right.alignedRarest);
  into[17] = Math.max(left.alignedRarest, right.alignedRarest);
  into[18] = texts === 1 ? 1 : 0;
  into[19] = unmatched === 0 ? 1 : 0;
  into[20] = left.words.length === 0 || right.words.length === 0 ? 1 : 0;
  into[21] = share(sharedStems, sharedStems + unmatched);
  into[22] = inOrderShare(a, b);
  into[23] = overlap(a.bigrams, b.bigrams);
  into[24] = (a.asks === '') !== (b.asks === '') ? 1 : 0;
  into[25] = first ? 0 : 1;
  into[26] = last ? 0 : 1;
  into[27] = flags.number ? 1 : 0;
  into[28] = flags.negation ? 1 : 0;
  into[29] = flags.antonym ? 1 : 0;
  into[30] = flags.order ? 1 : 0;
  into[31] = a.guard.contentKey === b.guard.contentKey ? 0 : 1;
  into[32] = Math.min(4, a.guard.numbers.length + b.guard.numbers.length);
  into[33] = editDistance(a.plain, b.plain) / Math.max(a.plain.length, b.plain.length, 1);
  into[34] = wordLcs(a.words, b.words) / Math.max(a.words.length, b.words.length, 1);
  into[35] = Math.min(8, shorter);
  into[36] = Math.min(3, common(a.guard.entities, b.guard.entities));
  into[37] = shorter < 2 ? 1 : 0;
}

interface Side {
  readonly words: Word[];
  mass: number;
  rarest: number;
  alignedMass: number;
  alignedRarest: number;
}

/** What `a` says and `b` does not. */
function uncovered(a: TextFeatures, b: TextFeatures): Side {
  const side: Side = { words: [], mass: 0, rarest: 0, alignedMass: 0, alignedRarest: 0 };
  for (const word of a.content) {
    if (b.contentStems.has(word.stem)) continue;
    side.words.push(word);
    side.mass += word.idf;
    if (word.idf > side.rarest) side.rarest = word.idf;
  }
  return side;
}

/** Counts a word only by what no word of the other side resembles of it: typos, endings, compounds. */
function align(left: Side, right: Side): void {
  const best = new Float64Array(right.words.length);
  for (const word of left.words) {
    let alike = 0;
    for (let j = 0; j < right.words.length; j++) {
      const dice = gramDice(word, right.words[j]!);
      if (dice > alike) alike = dice;
      if (dice > best[j]!) best[j] = dice;
    }
    addAligned(left, word, alike);
  }
  for (let j = 0; j < right.words.length; j++) addAligned(right, right.words[j]!, best[j]!);
}

/** Unlike words share a few grams by chance: only what exceeds that counts. */
const byChance = 0.25;

function addAligned(side: Side, word: Word, alike: number): void {
  const rest = word.idf * (1 - Math.max(0, alike - byChance) / (1 - byChance));
  side.alignedMass += rest;
  if (rest > side.alignedRarest) side.alignedRarest = rest;
}

/** Two texts without any are as alike as can be. */
const share = (part: number, whole: number): number => (whole <= 0 ? 1 : part / whole);

function common(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let count = 0;
  for (const each of a) if (b.has(each)) count += 1;
  return count;
}

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = common(a, b);
  return share(shared, a.size + b.size - shared);
}

/** Of the shared content words, the share that stands in the same order: longest increasing run of places. */
function inOrderShare(a: TextFeatures, b: TextFeatures): number {
  const places = new Map<string, number>();
  for (let i = 0; i < b.content.length; i++) places.set(b.content[i]!.stem, i);
  const tails: number[] = [];
  let shared = 0;
  for (const { stem } of a.content) {
    const place = places.get(stem);
    if (place === undefined) continue;
    shared += 1;
    let at = tails.length;
    while (at > 0 && tails[at - 1]! >= place) at -= 1;
    tails[at] = place;
  }
  return share(tails.length, shared);
}

const lcsWordsMax = 48;
const lcsRow = new Uint8Array(lcsWordsMax + 1);

function wordLcs(a: readonly Word[], b: readonly Word[]): number {
  const rows = Math.min(a.length, lcsWordsMax);
  const columns = Math.min(b.length, lcsWordsMax);
  lcsRow.fill(0, 0, columns + 1);
  for (let i = 0; i < rows; i++) {
    const { stem } = a[i]!;
    let diagonal = 0;
    for (let j = 1; j <= columns; j++) {
      const above = lcsRow[j]!;
      lcsRow[j] = b[j - 1]!.stem === stem ? diagonal + 1 : Math.max(above, lcsRow[j - 1]!);
      diagonal = above;
    }
  }
  return lcsRow[columns]!;
}

const editRow = new Uint16Array(161);

/** Levenshtein distance of what is left without common ends. */
function editDistance(a: string, b: string): number {
  let start = 0;
  let endA = a.length;
  let endB = b.length;
  while (start < endA && start < endB && a.charCodeAt(start) === b.charCodeAt(start)) start += 1;
  while (endA > start && endB > start && a.charCodeAt(endA - 1) === b.charCodeAt(endB - 1)) {
    endA -= 1;
    endB -= 1;
  }
  const columns = endB - start;
  if (endA === start || columns === 0) return Math.max(endA - start, columns);
  for (let j = 0; j <= columns; j++) editRow[j] = j;
  for (let i = start; i < endA; i++) {
    const char = a.charCodeAt(i);
    let diagonal = editRow[0]!;
    editRow[0] = diagonal + 1;
    for (let j = 1; j <= columns; j++) {
      const above = editRow[j]!;
      const changed = diagonal + (b.charCodeAt(start + j - 1) === char ? 0 : 1);
      const moved = Math.min(above, editRow[j - 1]!) + 1;
      editRow[j] = changed < moved ? changed : moved;
      diagonal = above;
    }
  }
  return editRow[columns]!;
}
