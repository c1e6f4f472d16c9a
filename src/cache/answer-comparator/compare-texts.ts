/** What can be said of two answers by their words alone. Pure and symmetric. */
import { featuresOf } from '../hit-policy/text/features.ts';

/**
 * Case, white space, and marks around words are no difference; what stands inside a word is, and so are
 * brackets and signs: `f(1)` is not `f(2)`, and `-5` not `5`.
 */
export function foldAnswer(text: string): string {
  const words: string[] = [];
  for (const raw of text.normalize('NFKC').toLowerCase().split(/\s+/)) {
    const word = raw.replace(/^["'“”‘’«»*_`]+/, '');
    // In one step, or `a:?` would lose its question mark, and its colon only when folded once more.
    const bare = word.replace(/^\p{L}/u.test(word) ? /["'“”‘’«».,;:…*_`!?]+$/ : /["'“”‘’«».,;:…*_`]+$/, '');
    if (bare !== '') words.push(bare);
  }
  return words.join(' ');
}

/** @returns undefined where the words do not decide */
export function compareTexts(a: string, b: string): 'same' | 'different' | undefined {
  const foldedA = foldAnswer(a);
  const foldedB = foldAnswer(b);
  if (foldedA === foldedB) return foldedA === '' && a.trim() !== b.trim() ? undefined : 'same';
  return compareStructures(a, b, { foldedA, foldedB }) ?? compareLeads(a, b);
}

/** Answers of more words are prose, of which words alone say little. */
const shortWordsMax = 5;
const articles = new Set(['a', 'an', 'the', 'it', 'is', 'its', "it's"]);

/** Both JSON, both a number, both yes or no, both short: then the structure decides. */
function compareStructures(
  a: string,
  b: string,
  { foldedA, foldedB }: { readonly foldedA: string; readonly foldedB: string },
): 'same' | 'different' | undefined {
  const jsonA = jsonOf(a);
  const jsonB = jsonOf(b);
  if (jsonA !== undefined && jsonB !== undefined) return jsonA === jsonB ? 'same' : 'different';
  const numberA = numberOf(foldedA);
  const numberB = numberOf(foldedB);
  if (numberA !== undefined && numberB !== undefined) return numberA === numberB ? 'same' : 'different';
  const wordsA = foldedA.split(' ').filter((word) => !articles.has(word));
  const wordsB = foldedB.split(' ').filter((word) => !articles.has(word));
  if (wordsA.length > shortWordsMax || wordsB.length > shortWordsMax) return undefined;
  if (wordsA.join(' ') === wordsB.join(' ')) return 'same';
  // One that only says more (`Paris`, `Paris, France`) may be the same; so may `yes` and `yes, always`.
  if (contains(wordsA, wordsB) || contains(wordsB, wordsA)) return polarityConflict(a, b) ? 'different' : undefined;
  return 'different';
}

const contains = (all: readonly string[], some: readonly string[]): boolean => some.every((word) => all.includes(word));

/** Canonical text of a JSON object or array, also inside one fence; undefined for anything else. */
function jsonOf(text: string): string | undefined {
  const fenced = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/.exec(text);
  const body = (fenced?.[1] ?? text).trim();
  if (!body.startsWith('{') && !body.startsWith('[')) return undefined;
  try {
    return JSON.stringify(JSON.parse(body), sortedKeys);
  } catch {
    // Not JSON after all: then it is compared as text.
    return undefined;
  }
}

const sortedKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/** A bare number with an optional unit: `1,000 km` → `1000 km`. */
function numberOf(folded: string): string | undefined {
  const match = /^([-+]?)([$€£]?)(\d[\d,]*(?:\.\d+)?)\s?(%|[a-z°µ$€£/]{0,12})$/u.exec(folded);
  if (!match) return undefined;
  const [, sign, currency, digits, unit] = match;
  return `${sign === '-' ? '-' : ''}${Number(digits!.replaceAll(',', ''))} ${currency || unit}`;
}

/** What an answer turns on stands in its beginning. */
const leadChars = 300;

function compareLeads(a: string, b: string): 'different' | undefined {
  if (polarityConflict(a, b)) return 'different';
  const numbersA = leadNumbers(a);
  const numbersB = leadNumbers(b);
  // One that mentions fewer numbers is shorter, not wrong; where each has its own they disagree.
  const conflict =
    numbersA.some((number) => !numbersB.includes(number)) && numbersB.some((number) => !numbersA.includes(number));
  return conflict ? 'different' : undefined;
}

function leadNumbers(text: string): readonly string[] {
  const lead = text.slice(0, leadChars);
  // Cut at a word, or the end of a number would be read as a number; the marks of a list count nothing.
  const whole = text.length > leadChars ? lead.replace(/\S*$/, '') : lead;
  return featuresOf(whole.replace(/^\s*(?:\d{1,3}[.)]|[-*•])\s+/gm, '')).numbers;
}

function polarityConflict(a: string, b: string): boolean {
  const polarityA = polarityOf(a);
  const polarityB = polarityOf(b);
  return polarityA !== undefined && polarityB !== undefined && polarityA !== polarityB;
}

const polarities: readonly (readonly [RegExp, 'yes' | 'no'])[] = [
  [/^(?:yes|yeah|yep|correct|true|indeed|certainly|absolutely)\b/, 'yes'],
  [/^(?:no|nope|incorrect|false|never)\b(?!\s+(?:one|problem|worries|matter|doubt|wonder)\b)/, 'no'],
];

function polarityOf(text: string): 'yes' | 'no' | undefined {
  const lead = text
    .trimStart()
    .slice(0, 40)
    .replace(/^[*_"'`]+/, '')
    .toLowerCase();
  return polarities.find(([pattern]) => pattern.test(lead))?.[1];
}
