/**
 * From text to folded words: lower case, no accents, contractions written out, number words as
 * digits, plurals and verb endings cut. Pure, and the same on every machine.
 */
import { contractionTails, foldWord, listedWeight } from './words.ts';

export interface FoldedWord {
  readonly text: string;
  readonly weight: number;
  /** A piece of a script written without spaces: its neighbours matter more than itself. */
  readonly unspaced: boolean;
}

const beyondAscii = /[\u0080-\uffff]/;
/** Accents on Latin, Greek and Cyrillic letters; marks of other scripts carry vowels and stay. */
const accents = /[\u0300-\u036f]/g;
const wordCharacter = /[\p{L}\p{N}\p{M}]/u;
const number = /^\d+(\.\d+)*$/;

/**
 * @returns words in order. Empty for a text without letters, digits or symbols such as emoji.
 * O(length); ASCII text takes a short path.
 */
export function foldText(text: string): FoldedWord[] {
  const plain = beyondAscii.test(text)
    ? text.normalize('NFKD').replace(accents, '').normalize('NFKC').toLowerCase().replaceAll('ß', 'ss')
    : text.toLowerCase();
  const words: FoldedWord[] = [];
  let start = -1;
  for (let at = 0; at < plain.length; at++) {
    const code = plain.charCodeAt(at);
    if (code < 0x80) {
      if (isAsciiWord(code)) {
        if (start < 0) start = at;
        continue;
      }
      if (start >= 0) {
        if (isInnerMark(plain, at, code)) continue;
        addWord(words, plain.slice(start, at));
        start = -1;
      }
      if (code === 0x25) push(words, 'percent', 1, false);
      else if (code === 0x24) push(words, 'dollar', 1, false);
      continue;
    }
    if (start >= 0 && (code === 0x2019 || code === 0x2bc) && isLetterAt(plain, at + 1)) continue;
    const point = plain.codePointAt(at)!;
    const size = point > 0xffff ? 2 : 1;
    if (isUnspaced(point)) {
      if (start >= 0) addWord(words, plain.slice(start, at));
      start = -1;
      push(words, plain.slice(at, at + size), 0.5, true);
    } else if (wordCharacter.test(plain.slice(at, at + size))) {
      if (start < 0) start = at;
    } else {
      if (start >= 0) addWord(words, plain.slice(start, at));
      start = -1;
      if (isSymbol(point)) push(words, plain.slice(at, at + size), 1, false);
    }
    at += size - 1;
  }
  if (start >= 0) addWord(words, plain.slice(start));
  return words;
}

const isAsciiWord = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x5f;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

function isLetterAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (code >= 0x61 && code <= 0x7a) || code >= 0x80;
}

/** `don't`, `3.5`, `1,000`, `c++`, `c#` are one word each. */
function isInnerMark(text: string, at: number, code: number): boolean {
  if (code === 0x27) return isLetterAt(text, at + 1);
  if (code === 0x2e || code === 0x2c) return isDigit(text.charCodeAt(at - 1)) && isDigit(text.charCodeAt(at + 1));
  if (code === 0x2b) return text.charCodeAt(at - 1) === 0x2b || text.charCodeAt(at + 1) === 0x2b;
  return code === 0x23 && !isDigit(text.charCodeAt(at - 1));
}

/** Han, kana, Thai, Lao, Khmer, Burmese: no spaces between words. */
const isUnspaced = (point: number): boolean =>
  (point >= 0x3040 && point <= 0x30ff) ||
  (point >= 0x3400 && point <= 0x9fff) ||
  (point >= 0xf900 && point <= 0xfaff) ||
  (point >= 0x0e00 && point <= 0x0eff) ||
  (point >= 0x1000 && point <= 0x109f) ||
  (point >= 0x1780 && point <= 0x17ff) ||
  (point >= 0x20000 && point <= 0x3ffff);

/** Emoji, arrows, mathematics: the whole meaning of some texts. */
const isSymbol = (point: number): boolean => (point >= 0x2190 && point <= 0x2bff) || point >= 0x1f000;

function push(words: FoldedWord[], text: string, weight: number, unspaced: boolean): void {
  words.push({ text, weight, unspaced });
}

function addWord(words: FoldedWord[], raw: string): void {
  const apostrophe = indexOfApostrophe(raw);
  if (apostrophe > 0) return addContraction(words, raw, apostrophe);
  if (isDigit(raw.charCodeAt(0))) {
    const digits = raw.replaceAll(',', '');
    if (number.test(digits)) return push(words, digits, 1.2, false);
  }
  const canonical = foldWord(raw);
  if (canonical === undefined) return push(words, ...stemAndWeight(raw), false);
  for (const part of canonical.split(' ')) {
    push(words, part, isDigit(part.charCodeAt(0)) ? 1.2 : (listedWeight(part) ?? 1), false);
  }
}

const indexOfApostrophe = (word: string): number => {
  const at = word.indexOf("'");
  if (at >= 0) return at;
  const curly = word.indexOf('\u2019');
  return curly >= 0 ? curly : word.indexOf('\u02bc');
};

function addContraction(words: FoldedWord[], raw: string, apostrophe: number): void {
  const head = raw.slice(0, apostrophe);
  const tail = raw.slice(apostrophe + 1);
  if (tail === 't' && head.endsWith('n')) {
    // can't → can, won't → will, don't → do.
    const verb = head === 'can' ? 'can' : head === 'won' ? 'will' : head === 'shan' ? 'shall' : head.slice(0, -1);
    addWord(words, verb);
    return push(words, 'not', 1, false);
  }
  addWord(words, head);
  const rest = contractionTails.get(tail);
  if (rest === undefined) addWord(words, tail);
  else if (rest !== '') push(words, rest, listedWeight(rest) ?? 1, false);
}

const asciiLetters = /^[a-z]+$/;

function stemAndWeight(word: string): [text: string, weight: number] {
  const listed = listedWeight(word);
  if (listed !== undefined) return [word, listed];
  const singular = word.endsWith('s') ? listedWeight(word.slice(0, -1)) : undefined;
  if (singular !== undefined) return [word.slice(0, -1), singular];
  // A longer word is a rarer one, as a rule; identifiers and mixed words are rare in any case.
  const weight = 0.85 + 0.03 * Math.min(word.length, 10);
  return [word.length > 3 && asciiLetters.test(word) ? stem(word) : word, weight];
}

const vowel = /[aeiouy]/;
/** Stems whose `our` is `or` in American spelling; a general rule would touch `source` and `journey`. */
const british =
  /(arm|behavi|col|endeav|fav|flav|glam|harb|hon|hum|lab|neighb|od|parl|ranc|rig|rum|sav|splend|tum|val|vap|vig)our/;

/** Cuts English inflection and folds British spelling. The result need not be a word, only the same for all forms. */
export function stem(word: string): string {
  let stemmed = word;
  if (stemmed.endsWith('ies') && stemmed.length > 4) stemmed = `${stemmed.slice(0, -3)}y`;
  else if (/(?:ss|x|ch|sh|z)es$/.test(stemmed)) stemmed = stemmed.slice(0, -2);
  else if (/[^siu]s$/.test(stemmed)) stemmed = stemmed.slice(0, -1);
  if (stemmed.endsWith('ied') && stemmed.length > 4) stemmed = `${stemmed.slice(0, -3)}y`;
  else if (stemmed.endsWith('ing') && stemmed.length > 5 && vowel.test(stemmed.slice(0, -3)))
    stemmed = stemmed.slice(0, -3);
  else if (stemmed.endsWith('ed') && stemmed.length > 4 && vowel.test(stemmed.slice(0, -2)))
    stemmed = stemmed.slice(0, -2);
  if (stemmed.length > 4) {
    stemmed = stemmed.replace(british, '$1or');
    if (stemmed.endsWith('tre')) stemmed = `${stemmed.slice(0, -3)}ter`;
    else if (stemmed.endsWith('ogue')) stemmed = stemmed.slice(0, -2);
  }
  if (stemmed.length > 3 && stemmed.endsWith('e')) stemmed = stemmed.slice(0, -1);
  stemmed = stemmed
    .replace(/isation$/, 'ization')
    .replace(/([aeiou][a-z]*)is$/, '$1iz')
    .replace(/ys$/, 'yz');
  const last = stemmed.length - 1;
  if (last > 2 && stemmed[last] === stemmed[last - 1]) stemmed = stemmed.slice(0, -1);
  return stemmed;
}
