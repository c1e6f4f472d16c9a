/** Splits a prompt into words, numbers and symbols that carry meaning. */
import { expansions } from './words.ts';

export interface Token {
  readonly kind: 'word' | 'number' | 'symbol';
  /** Lower case; contractions are spelled out. */
  readonly text: string;
  /** As written. */
  readonly raw: string;
  /** First of a sentence, where a capital says nothing. */
  readonly first: boolean;
}

/**
 * In this order: address, command-line flag, number with what is glued to it, word (with inner dots and
 * apostrophes, C++ and C#), run of other characters.
 */
const pattern =
  /(https?:\/\/[^\s"'<>]+|(?<![^\s"'`([])--?[a-zA-Z][\w-]*)|((?<![\p{L}\p{N}])v\d+(?:\.\d+)+|(?<![\p{L}\p{N}])[$€£¥₹]?[+-]?(?:\d+(?:[.,:/-]\d+)*)[%°\p{L}]?[\p{L}\p{N}]*)|([\p{L}_][\p{L}\p{N}\p{M}_]*(?:['.](?=\p{L})[\p{L}\p{N}_]+)*(?:\+\+|#(?!\w))?)|([^\s\p{L}]+?(?=[\s\p{L}\d]|$))/uy;

/** Punctuation between words says nothing the words do not, unless it makes a face. */
const idlePunctuation = /^(?!.*[:;]-?[()])[.,;:!?"'`()[\]…–—-]+$/;

export function tokenize(text: string): Token[] {
  const tidy = needsTidying.test(text) ? tidied(text) : text;
  const tokens: Token[] = [];
  let first = true;
  for (let at = 0; at < tidy.length;) {
    const plainEnd = plainWordEnd(tidy, at);
    if (plainEnd > at) {
      pushWord(tokens, tidy.slice(at, plainEnd), first);
      first = false;
      at = plainEnd;
      continue;
    }
    pattern.lastIndex = at;
    const match = pattern.exec(tidy);
    at = match === null ? at + 1 : pattern.lastIndex;
    if (match === null) continue;
    const raw = match[0];
    if (match[4] !== undefined) {
      if (/[.!?]/.test(raw)) first = true;
      const spaced = tidy[match.index - 1] === ' ' && tidy[match.index + raw.length] === ' ';
      // A dash or a slash with blanks around it may stand between two operands.
      if (raw === ',' || !idlePunctuation.test(raw) || (spaced && raw === '-')) {
        tokens.push(raw === '&' ? ampersand : { kind: 'symbol', text: raw, raw, first: false });
      }
      continue;
    }
    if (match[2] !== undefined) tokens.push({ kind: 'number', text: raw.toLowerCase(), raw, first });
    else if (match[1] !== undefined) tokens.push({ kind: 'word', text: raw, raw, first });
    else pushWord(tokens, raw, first);
    first = false;
  }
  return tokens;
}

const ampersand: Token = { kind: 'word', text: 'and', raw: 'and', first: false };

/** End of a word of plain letters with a blank or the end behind it: most words, found without the pattern. */
function plainWordEnd(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const letter = text.charCodeAt(at) | 32;
    if (letter < 97 || letter > 122) break;
  }
  return at === text.length || text.charCodeAt(at) === 32 ? at : from;
}

const joinedWords = /(?<=\p{L})-(?=\p{L})/gu;
/** `gpt4`, `Python3.12`: a name and its number. A single letter (`x86`, `v2`) is no name. */
const gluedNumber = /(?<=(?<![\p{L}\p{N}_])\p{L}{2,12})(?=\d+(?:\.\d+)*(?![\p{L}\p{N}_]))/gu;
const needsTidying = /[‘’“”–]|\p{L}-\p{L}|\p{L}{2}\d/u;

function tidied(text: string): string {
  const straight = text
    .replace(/[‘’]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/(?<=\d)–(?=\d)/g, '-');
  return straight.replace(joinedWords, ' ').replace(gluedNumber, ' ');
}

function pushWord(tokens: Token[], raw: string, first: boolean): void {
  let text = raw.toLowerCase();
  const expanded = expansions.get(text);
  if (expanded !== undefined) {
    for (const part of expanded) tokens.push({ kind: 'word', text: part, raw: part, first });
    return;
  }
  const apostrophe = text.indexOf("'");
  if (apostrophe > 0) {
    const ending = text.slice(apostrophe + 1);
    if (ending === 't' && text.charCodeAt(apostrophe - 1) === 110 /* n */) {
      const base = expansions.get(text.slice(0, apostrophe - 1))?.[0] ?? text.slice(0, apostrophe - 1);
      tokens.push(
        { kind: 'word', text: base, raw: base, first },
        { kind: 'word', text: 'not', raw: 'not', first: false },
      );
      return;
    }
    const auxiliary = ending === 'll' ? 'will' : ending === 've' ? 'have' : undefined;
    if (auxiliary !== undefined || ['s', 're', 'm', 'd'].includes(ending)) {
      text = text.slice(0, apostrophe);
      tokens.push({ kind: 'word', text, raw: raw.slice(0, apostrophe), first });
      if (auxiliary !== undefined) tokens.push({ kind: 'word', text: auxiliary, raw: auxiliary, first: false });
      return;
    }
  }
  tokens.push({ kind: 'word', text, raw, first });
}
