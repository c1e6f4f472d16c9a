/** What the score knows of single words, found once per word and shared by all texts that have it. */
import { functionWords, stem } from '../hit-policy/text/words.ts';
import { foldWord } from '../embedding-model/lexical/words.ts';
import { idfOf } from './idf.ts';

export interface Word {
  readonly text: string;
  readonly stem: string;
  /** Says something on its own: no function word, no politeness. */
  readonly content: boolean;
  readonly idf: number;
  /** Hashed character bigrams and trigrams, sorted. */
  readonly grams: Int32Array;
}

/** Frames that rewordings add and drop freely, besides function words. */
const frames = new Set(
  `please kindly pls plz just really actually basically simply hi hello hey thanks thank ok okay etc sir very quite tell
  know let want need like wonder help one ones get got gets getting go going goes give someone anyone somebody some much
  many exactly currently possible way ways im ive id whats mine yours ours else ever still even yet already too being
  having doing because due while such same own other another`.split(/\s+/),
);

/** Distinct words of a busy gateway fit; when full everything is forgotten, and soon known again. About 300 bytes each. */
const wordsMax = 30_000;
const known = new Map<string, Word>();

/** @param text lower case, as `tokenize` gives it. */
export function wordOf(text: string): Word {
  const found = known.get(text);
  if (found !== undefined) return found;
  const folded = foldWord(text);
  const canonical = folded === undefined || folded.includes(' ') ? text : folded;
  const stemmed = stem(canonical);
  const made: Word = {
    text,
    stem: stemmed,
    content:
      !functionWords.has(text) && !functionWords.has(canonical) && !frames.has(text) && !/^[^\p{L}\p{N}]+$/u.test(text),
    idf: idfOf(stemmed),
    grams: gramsOf(stemmed),
  };
  // Texts keep their own words alive; identity is only compared within texts read at about the same time, by `stem`.
  if (known.size >= wordsMax) known.clear();
  known.set(text, made);
  return made;
}

/** Share of character bigrams and trigrams in common, [0, 1]: what typos and endings leave alike. */
export function gramDice(a: Word, b: Word): number {
  const x = a.grams;
  const y = b.grams;
  let i = 0;
  let j = 0;
  let shared = 0;
  while (i < x.length && j < y.length) {
    const left = x[i]!;
    const right = y[j]!;
    if (left === right) {
      shared += 1;
      i += 1;
      j += 1;
    } else if (left < right) i += 1;
    else j += 1;
  }
  return (2 * shared) / (x.length + y.length);
}

function gramsOf(text: string): Int32Array {
  const framed = `^${text.slice(0, 24)}$`;
  const grams: number[] = [];
  for (let at = 0; at + 1 < framed.length; at++) {
    const two = framed.charCodeAt(at) * 65_536 + framed.charCodeAt(at + 1);
    grams.push(two | 0);
    if (at + 2 < framed.length) grams.push((Math.imul(two | 0, 0x9e3779b1) ^ framed.charCodeAt(at + 2)) | 0);
  }
  return Int32Array.from(grams).sort();
}
