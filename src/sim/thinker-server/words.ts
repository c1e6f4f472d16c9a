/** What the simulator reads out of a question: key words, names, numbers, and hashes that make answers differ. */

export interface Hints {
  readonly question: string;
  /** Lower case, in order, without little words. */
  readonly keywords: readonly string[];
  /** Runs of capitalised words after a preposition, else anywhere but at the start. */
  readonly names: readonly string[];
  readonly numbers: readonly number[];
  /** A number >= 0 that depends on the question and `label`. */
  hashOf(label: string): number;
}

const littleWords = new Set(
  (
    'a about after all also an and any are as at be been before but by can could did do does doing for from get give go ' +
    'had has have how i if in into is it its just like make may me might more most my no not now of on or our out over ' +
    'please say should so some such tell than that the their them then there these they this those to too up us use ' +
    'was we were what when where which while who whom whose why will with would you your'
  ).split(' '),
);

/** A question is restated, not repeated: beyond this it is cut. */
const questionCharsMax = 240;
const keywordsMax = 8;
/** Only the start of a very long text is searched for words: the hash of the conversation covers the rest. */
const scannedChars = 4_000;

export function clip(text: string, max = questionCharsMax): string {
  const flat = (text.length > scannedChars ? text.slice(0, scannedChars) : text).replace(/\s+/g, ' ').trim();
  if (flat.length <= max) return flat;
  const cut = flat.lastIndexOf(' ', max);
  // A lone half of a surrogate pair must not end the text: it could not be encoded.
  return `${flat.slice(0, cut > max / 2 ? cut : max).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

export function keywordsOf(text: string): string[] {
  const found = new Set<string>();
  for (const word of text
    .slice(0, scannedChars)
    .toLowerCase()
    .match(/[\p{L}\p{N}][\p{L}\p{N}'-]*/gu) ?? []) {
    if (littleWords.has(word)) continue;
    found.add(word);
    if (found.size === keywordsMax) break;
  }
  return [...found];
}

export function hintsOf(question: string): Hints {
  const scanned = question.slice(0, scannedChars);
  const capitalised = String.raw`\p{Lu}[\p{L}'-]*(?:\s+\p{Lu}[\p{L}'-]*)*`;
  const placed = [
    ...scanned.matchAll(new RegExp(String.raw`\b(?:in|for|at|of|to|from|near|and)\s+(${capitalised})`, 'gu')),
  ];
  const anywhere = [...scanned.matchAll(new RegExp(String.raw`(?<=[^.?!]\s)(${capitalised})`, 'gu'))];
  const names = (placed.length > 0 ? placed : anywhere).map((match) => match[1]!);
  return {
    question: clip(question),
    keywords: keywordsOf(question),
    names: [...new Set(names)],
    numbers: [...scanned.matchAll(/-?\d+(?:\.\d+)?/g)].slice(0, 16).map((match) => Number(match[0])),
    hashOf: (label) => hashText(question, hashText(label)),
  };
}

/** FNV-1a over UTF-16 units, 32 bit. Not for secrets. */
export function hashText(text: string, from = 0x811c9dc5): number {
  let hash = from;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Token-sized pieces that join to the text: up to six characters with the space before them. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*\S{1,6}|\s+/gu) ?? [];
}

/** About what a tokenizer counts: four characters of Latin text to a token. */
export const tokenCount = (text: string): number => Math.ceil(text.length / 4);
