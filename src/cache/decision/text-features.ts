/** What the score compares, read once from each text. */
import { featuresOf, type Features } from '../hit-policy/text/features.ts';
import { tokenize } from '../hit-policy/text/tokens.ts';
import { wordOf, type Word } from './word.ts';

export interface TextFeatures {
  /** What the guards compare. */
  readonly guard: Features;
  /** All words in order, at most `wordsMax`. */
  readonly words: readonly Word[];
  /** Distinct content words by stem, in order of first occurrence. */
  readonly content: readonly Word[];
  readonly contentStems: ReadonlySet<string>;
  readonly contentTexts: ReadonlySet<string>;
  /** Sum of `idf` over `content`. */
  readonly mass: number;
  /** Stems of neighbouring content words. */
  readonly bigrams: ReadonlySet<string>;
  /** Which kind of answer is asked for: `who`, `how many`, …; '' for a text that is no wh-question. */
  readonly asks: string;
  readonly chars: number;
  /** Lower case, single blanks, at most `charsMax`: for the edit distance. */
  readonly plain: string;
}

/** Longer texts are compared by their beginning: pairs cost time by length × length. */
const wordsMax = 96;
const charsMax = 160;

/** O(n). */
export function textFeaturesOf(text: string): TextFeatures {
  const words: Word[] = [];
  for (const token of tokenize(text)) {
    if (token.kind === 'symbol') continue;
    if (words.length === wordsMax) break;
    words.push(wordOf(token.text.toLowerCase()));
  }
  const content: Word[] = [];
  const contentStems = new Set<string>();
  const contentTexts = new Set<string>();
  const bigrams = new Set<string>();
  let mass = 0;
  let before = '';
  for (const word of words) {
    if (!word.content) continue;
    contentTexts.add(word.text);
    if (before !== '') bigrams.add(`${before} ${word.stem}`);
    before = word.stem;
    if (contentStems.has(word.stem)) continue;
    contentStems.add(word.stem);
    content.push(word);
    mass += word.idf;
  }
  return {
    guard: featuresOf(text),
    words,
    content,
    contentStems,
    contentTexts,
    mass,
    bigrams,
    asks: asksOf(words),
    chars: text.length,
    plain: words
      .map((word) => word.text)
      .join(' ')
      .slice(0, charsMax),
  };
}

const measures = new Set('many much long old far often tall big fast large high deep wide heavy soon'.split(' '));
const questionWords = new Set('who whom whose what which when where why how'.split(' '));
const openers = new Set(
  'is are am was were do does did can could will would should shall may might has have had must'.split(' '),
);

/** First question word; `how many` and its like are questions of their own. */
function asksOf(words: readonly Word[]): string {
  for (let at = 0; at < words.length; at++) {
    const { text } = words[at]!;
    if (!questionWords.has(text)) continue;
    if (text === 'how') {
      const next = words[at + 1]?.text ?? '';
      return measures.has(next) ? `how ${next}` : 'how';
    }
    if (text === 'whom' || text === 'whose') return 'who';
    // "what is the reason" asks why, "what year" asks when.
    if (text === 'what' || text === 'which') return whatAsks(words, at);
    return text;
  }
  return openers.has(words[0]?.text ?? '') ? 'whether' : '';
}

function whatAsks(words: readonly Word[], at: number): string {
  for (let next = at + 1; next < Math.min(words.length, at + 5); next++) {
    const { text } = words[next]!;
    if (text === 'reason' || text === 'reasons' || text === 'causes' || text === 'cause') return 'why';
    if (text === 'way' || text === 'ways' || text === 'steps') return 'how';
    if (text === 'year' || text === 'date' || text === 'time') return 'when';
    if (text === 'difference' || text === 'differences') return 'difference';
  }
  return 'what';
}
