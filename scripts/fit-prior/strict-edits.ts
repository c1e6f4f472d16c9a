/**
 * Pairs made by strict edits: what keeps the answer (filler, glue words, number of nouns, typing errors) and what
 * changes it (one content word exchanged, added or dropped, another question word).
 */
import type { Random } from '../../src/core/random.ts';
import { functionWords } from '../../src/cache/hit-policy/text/words.ts';
import type { IntentText } from './read-intents.ts';

export interface LabelledPair {
  readonly a: string;
  readonly b: string;
  readonly right: boolean;
}

const openings = [
  'please',
  'hi,',
  'hello,',
  'hey there,',
  'i would like to know',
  'can you tell me',
  'could you please tell me',
  'i was wondering',
  'quick question:',
  'tell me',
  'i need to know',
];
const closings = ['please', 'thanks', 'thank you', 'exactly', 'by any chance', 'if possible', 'asap', 'now'];
const glue = new Set(
  'a an the please just so then really actually also very me my is are do does to of in for on that some any'.split(
    ' ',
  ),
);
/** Same frame, another kind of answer. */
const questionWords = ['how', 'why', 'what', 'when', 'where', 'who', 'which', 'how much', 'how many', 'how long'];

export function rightEdit(text: string, random: Random): string {
  const edits = 1 + random.int(2);
  let edited = text;
  for (let i = 0; i < edits; i++) edited = rightEdits[random.int(rightEdits.length)]!(edited, random);
  return edited;
}

const rightEdits: readonly ((text: string, random: Random) => string)[] = [
  (text, random) => `${pick(openings, random)} ${text}`,
  (text, random) => `${text.replace(/[?.!]+$/, '')} ${pick(closings, random)}`,
  (text) => text.toLowerCase().replace(/[?.!,]/g, ''),
  (text, random) => dropOne(text, random, (word) => glue.has(word)),
  (text, random) => dropOne(text, random, (word) => glue.has(word)),
  (text, random) => changeOne(text, random, isContent, togglePlural),
  (text, random) =>
    changeOne(
      text,
      random,
      (word) => isContent(word) && word.length > 4,
      (word) => misspell(word, random),
    ),
];

/** @param other gives a content word of a text that is alike. */
export function wrongEdit(text: string, other: () => string | undefined, random: Random): string | undefined {
  switch (random.int(6)) {
    case 0:
    case 1:
    case 2: {
      const word = other();
      return word === undefined
        ? undefined
        : changeOne(
            text,
            random,
            (each) => isContent(each) && each !== word,
            () => word,
          );
    }
    case 3: {
      const word = other();
      if (word === undefined || text.toLowerCase().includes(word)) return undefined;
      const words = text.split(' ');
      words.splice(1 + random.int(words.length), 0, word);
      return words.join(' ');
    }
    case 4:
      return contentOf(text).length < 3 ? undefined : dropOne(text, random, isContent);
    default: {
      const match = /\b(how (?:much|many|long)|how|why|what|when|where|who|which)\b/i.exec(text);
      if (match === null) return undefined;
      const next = pick(questionWords, random);
      if (match[0].toLowerCase() === next || (/^(what|which)$/i.test(match[0]) && /^(what|which)$/.test(next)))
        return undefined;
      return text.slice(0, match.index) + next + text.slice(match.index + match[0].length);
    }
  }
}

/** Right and wrong pairs from each text, and neighbours of other intents as wrong ones. */
export function strictPairs(
  texts: readonly IntentText[],
  neighboursOf: (i: number) => readonly number[],
  random: Random,
): LabelledPair[] {
  const pairs: LabelledPair[] = [];
  for (const [i, { text, intent }] of texts.entries()) {
    const around = neighboursOf(i);
    const edited = rightEdit(text, random);
    if (edited.toLowerCase() !== text.toLowerCase()) pairs.push({ a: text, b: edited, right: true });
    const words = around.flatMap((j) => contentOf(texts[j]!.text)).filter((word) => !text.toLowerCase().includes(word));
    const wrong = wrongEdit(text, () => (words.length === 0 ? undefined : pick(words, random)), random);
    // A changed text may also be dressed up: an edit that keeps the answer does not make a wrong one right.
    if (wrong !== undefined && wrong !== text) {
      pairs.push({ a: text, b: random.float() < 0.4 ? rightEdit(wrong, random) : wrong, right: false });
    }
    const other = around.find((j) => texts[j]!.intent !== intent);
    if (other !== undefined) pairs.push({ a: text, b: texts[other]!.text, right: false });
  }
  return pairs;
}

const contentOf = (text: string): string[] => (text.toLowerCase().match(/[\p{L}]+/gu) ?? []).filter(isContent);

function isContent(word: string): boolean {
  return word.length > 2 && !functionWords.has(word) && !glue.has(word) && /^[a-z]+$/.test(word);
}

const pick = <T>(from: readonly T[], random: Random): T => from[random.int(from.length)]!;

function places(text: string, suits: (word: string) => boolean): { words: string[]; at: number[] } {
  const words = text.split(' ');
  const at = words.flatMap((word, i) => (suits(word.toLowerCase().replace(/[?.!,]+$/, '')) ? [i] : []));
  return { words, at };
}

function dropOne(text: string, random: Random, suits: (word: string) => boolean): string {
  const { words, at } = places(text, suits);
  if (at.length > 0) words.splice(pick(at, random), 1);
  return words.join(' ');
}

function changeOne(
  text: string,
  random: Random,
  suits: (word: string) => boolean,
  change: (word: string) => string,
): string {
  const { words, at } = places(text, suits);
  if (at.length === 0) return text;
  const i = pick(at, random);
  words[i] = words[i]!.replace(/^[^?.!,]+/, (word) => change(word));
  return words.join(' ');
}

const togglePlural = (word: string): string =>
  /[^s]s$/.test(word) ? word.slice(0, -1) : /(?:s|x|ch|sh)$/.test(word) ? `${word}es` : `${word}s`;

function misspell(word: string, random: Random): string {
  const i = 1 + random.int(word.length - 2);
  return random.float() < 0.5
    ? word.slice(0, i) + word[i + 1] + word[i]! + word.slice(i + 2)
    : word.slice(0, i) + word.slice(i + 1);
}
