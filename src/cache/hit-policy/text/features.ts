/** What the guards compare, read once from each text. */
import { poles } from './antonyms.ts';
import { numberAt } from './numbers.ts';
import { tokenize, type Token } from './tokens.ts';
import { emptyWords, functionWords, leadingPrepositions, negators, orderMarkers, stem } from './words.ts';

export interface Features {
  /** Stems of words that carry meaning, numbers and symbols, in order; a phrase set before the question comes last. */
  readonly content: readonly string[];
  readonly contentKey: string;
  /** Numbers with their units, in order. */
  readonly numbers: readonly string[];
  /** The same sorted, as one text. */
  readonly numbersKey: string;
  /** Number of negating words. */
  readonly negations: number;
  /** Pairs of opposites that occur → sides: 1, 2 or 3 for both. */
  readonly poles: ReadonlyMap<number, number>;
  /** All words in lower case. */
  readonly words: ReadonlySet<string>;
  /** Names, acronyms, identifiers, addresses, flags and quoted words, lower case, in order. */
  readonly entities: ReadonlySet<string>;
  /** Whether a word is there with which order carries meaning. */
  readonly directed: boolean;
}

/** O(n). English; texts in other languages get words, numbers and names only. */
export function featuresOf(text: string): Features {
  const tokens = canonicalOrder(withoutPoliteness(tokenize(text)));
  const shouted = text === text.toUpperCase();
  const quoted = quotedWords(text);
  const content: string[] = [];
  const numbers: string[] = [];
  const words = new Set<string>();
  const sides = new Map<number, number>();
  const entities = new Set<string>();
  let negations = 0;
  let directed = false;

  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const number = numberAt(tokens, i);
    if (number !== undefined) {
      numbers.push(number.value);
      content.push(`#${number.value}`);
      for (let j = i; j < i + number.length; j++) words.add(tokens[j]!.text);
      i += number.length - 1;
      continue;
    }
    if (token.text === ',') continue;
    if (token.kind === 'symbol') {
      content.push(token.text);
      directed ||= orderMarkers.has(token.text);
      continue;
    }
    // "US" and "us", "IT" and "it" are different words.
    const acronym = !shouted && token.raw.length > 1 && /^[A-Z]{2,}$/.test(token.raw);
    const word = acronym && functionWords.has(token.text) ? token.raw : token.text;
    words.add(word);
    if (negators.has(word)) negations += 1;
    if (orderMarkers.has(word)) directed = true;
    for (const { pair, side } of poles.get(word) ?? []) sides.set(pair, (sides.get(pair) ?? 0) | side);
    if (!shouted && isEntity(token, acronym, quoted)) entities.add(word);
    if (!emptyWords.has(word)) content.push(stem(word));
  }
  return {
    content,
    contentKey: content.join(' '),
    numbers,
    numbersKey: numbers.length > 1 ? [...numbers].sort().join(' ') : (numbers[0] ?? ''),
    negations,
    poles: sides,
    words,
    entities,
    directed,
  };
}

function isEntity(token: Token, acronym: boolean, quoted: ReadonlySet<string>): boolean {
  if (acronym || quoted.has(token.text)) return true;
  const { raw } = token;
  if (raw === token.text) return /[_\d./-]/.test(raw);
  if (functionWords.has(token.text)) return false;
  return !token.first || /[a-z\d_.][A-Z]/.test(raw);
}

const noWords: ReadonlySet<string> = new Set();

function quotedWords(text: string): ReadonlySet<string> {
  if (!/["“`]/.test(text)) return noWords;
  const found = new Set<string>();
  for (const [passage] of text.matchAll(/"[^"\n]{1,80}"|“[^”\n]{1,80}”|`[^`\n]{1,80}`/g)) {
    for (const word of passage.toLowerCase().match(/[\p{L}\p{N}_.-]+/gu) ?? []) found.add(word);
  }
  return found;
}

/** Ways to open a request that leave the question as it is, longest first; each is a list of words. */
const openings: readonly (readonly string[])[] = `
  i was wondering if you could tell me | i would like to know | i want to know | i need to know | do you know
  i was wondering | could you please tell me | can you please tell me | please let me know | let me know
  would you mind telling me | could you tell me | can you tell me | would you tell me | will you tell me
  could you | can you | would you | will you | tell me | give me | show me | please | kindly | hello | hi | hey | ok
  okay | so | well | thanks | um | just | quick question | question
`
  .split(/[|\n]/)
  .map((phrase) => phrase.trim().split(' '))
  .filter(([word]) => word !== '')
  .sort((a, b) => b.length - a.length);

const openingWords = new Set(openings.map(([word]) => word!));
const closings = new Set(['please', 'thanks', 'thx', 'pls', 'plz']);
/** After `how`: who does it does not matter. */
const anyone = new Set(['i', 'you', 'we', 'one']);
const anyoneHelpers = new Set(['do', 'can', 'does']);

function withoutPoliteness(tokens: readonly Token[]): readonly Token[] {
  let from = 0;
  let asks = false;
  while (from < tokens.length && openingWords.has(tokens[from]!.text)) {
    const opening = openings.find((phrase) => phrase.every((word, i) => tokens[from + i]?.text === word));
    if (opening === undefined || from + opening.length >= tokens.length) break;
    from += opening.length;
    asks ||= opening.at(-1) === 'me' || opening.at(-1) === 'know';
    if (tokens[from]?.text === ',') from += 1;
  }
  let to = tokens.length;
  while (to > from + 1 && (closings.has(tokens[to - 1]!.text) || tokens[to - 1]!.text === ',')) to -= 1;
  if (to > from + 2 && tokens[to - 2]!.text === 'thank' && tokens[to - 1]!.text === 'you') to -= 2;
  if (to > from + 2 && tokens[to - 2]!.text === 'for' && tokens[to - 1]!.text === 'me') to -= 2;
  const kept = tokens.slice(from, to);
  // "Tell me the capital" is "what is the capital".
  if (asks && kept[0]?.text === 'the') kept[0] = { kind: 'word', text: 'what', raw: 'what', first: true };
  const how = kept[0]?.text === 'how' ? 1 : -1;
  if (how === 1 && kept[1]?.text === 'to') kept.splice(1, 1);
  else if (how === 1 && anyoneHelpers.has(kept[1]?.text ?? '') && anyone.has(kept[2]?.text ?? '')) kept.splice(1, 2);
  return kept;
}

/** "In Python, how …" is "how … in Python". */
function canonicalOrder(tokens: readonly Token[]): readonly Token[] {
  if (!leadingPrepositions.has(tokens[0]?.text ?? '')) return tokens;
  const comma = tokens.findIndex(({ text }) => text === ',');
  if (comma < 2 || comma > 6 || comma === tokens.length - 1) return tokens;
  const rest = withoutPoliteness(tokens.slice(comma + 1));
  return [...rest, ...tokens.slice(0, comma)];
}
