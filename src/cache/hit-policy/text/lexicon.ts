/** All that the lists know of one word, found by one look-up: most words of a prompt are in none of them. */
import { poles, type Pole } from './antonyms.ts';
import { formatWords } from './format.ts';
import { foreignNegators, languageBits } from './language.ts';
import { programmingLanguages } from './code.ts';
import { standAlone, units } from './units.ts';
import { emptyWords, functionWords, negators, orderMarkers } from './words.ts';

export interface WordFacts {
  readonly empty: boolean;
  readonly isFunctionWord: boolean;
  readonly negates: boolean;
  /** Negates in another language than English. */
  readonly negatesAbroad: boolean;
  /** Gives order a meaning. */
  readonly orders: boolean;
  readonly poles: readonly Pole[];
  /** Bits of the languages it belongs to. */
  readonly languages: number;
  /** May ask for a form of the answer. */
  readonly format: boolean;
  /** Unit that it names without a number; ''. */
  readonly unit: string;
  /** Programming language; ''. */
  readonly programs: string;
}

const facts = new Map<string, WordFacts>();
const noPoles: readonly Pole[] = [];
for (const word of [
  ...emptyWords,
  ...functionWords,
  ...negators,
  ...orderMarkers,
  ...poles.keys(),
  ...languageBits.keys(),
  ...foreignNegators,
  ...formatWords,
  ...standAlone,
  ...programmingLanguages.keys(),
]) {
  facts.set(word, {
    empty: emptyWords.has(word),
    isFunctionWord: functionWords.has(word),
    negates: negators.has(word),
    negatesAbroad: foreignNegators.has(word) || word === 'no',
    orders: orderMarkers.has(word),
    poles: poles.get(word) ?? noPoles,
    languages: languageBits.get(word) ?? 0,
    format: formatWords.has(word),
    unit: standAlone.has(word) ? units.get(word)! : '',
    programs: programmingLanguages.get(word) ?? '',
  });
}

/** @param word lower case. @returns undefined for a word in no list. */
export const factsOf = (word: string): WordFacts | undefined => facts.get(word);
