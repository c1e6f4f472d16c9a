/** What counts letter by letter, because the question is about its own wording, or because marks and layout decide. */

/** Verbs and nouns of requests in which every letter of the rest counts, its inflection and its case too. */
const aboutWording =
  /(?<!\p{L})(?:translat(?:e|es|ing|ion)|spell|spelled|spelt|spelling|misspelled|correct (?:this|the)|proofread|grammar|grammatical|grammatically|capital letters?|capitali[sz]ed?|upper ?case|lower ?case|(?:count|number of|how many)[\p{L} ]{0,40} (?:letters?|words?|characters?|vowels?|consonants?|syllables?|spaces?|lines?)|plural|singular|rhymes?|reverse the|conjugate|pronounce|contraction|expand|adverb|part of speech|how (?:do|would|can) (?:you|i|we) say|how to say|rewrite|rephrase|paraphrase|anagram|palindrome|alphabetical(?:ly)?|the words?|british|american english|regex|html|the <|do (?:loop|block|while)|(?:an?|the) (?:tag|elements?|operator|keyword)|(?:use|between) (?:an?|the|is|are|am|do|does|some|ever)(?: (?:and|or) \w+)?$|(?:some|ever|the|an?|is|are|do|does) (?:is )?used|regular expression|repeat after|say exactly|synonyms?|antonyms?|in sql|select .{1,80} from)(?!\p{L})/iu;

/** Names that are everyday words in small letters. */
const knownByCase =
  /(?<=\S\s)(?:polish|turkey|china|aids|may|march|august|job|nice|mobile|chad|god)(?![\p{L}\p{N}])/giu;

/**
 * Brackets and escapes, a factorial, marks that stand alone, a quotation of marks only, quotes beside operators,
 * inches and feet, a minus between letters, an A that is no article.
 */
const tellingMarks = new RegExp(
  [
    String.raw`\(\s*[\p{L}\p{N}]*`,
    String.raw`[)[\]{};\\^*]| {2,}`,
    String.raw`(?<=[\p{N})])!`,
    String.raw`(?<=(?<![\p{L}\p{N}])\p{L})!`,
    String.raw`(?<=\s)[?!.:'"]+(?=\s+[\p{L}\p{N}])`,
    '["\'`](?:[^\\p{L}\\p{N}\\s"\'`]{1,8})["\'`]',
    String.raw`(?<=[([,=+]\s?)["']|["'](?=\s?[)\],+=])`,
    String.raw`(?<=\p{N})["'′″](?!s)`,
    String.raw`(?<=(?<![\p{L}\p{N}])\p{L})-(?=\p{L}(?![\p{L}\p{N}]))`,
    String.raw`(?<=\p{Ll}\s)A(?![\p{L}\p{N}'])|(?<=\p{Ll}\s)a(?=[\s?.!]*$)`,
  ].join('|'),
  'gu',
);
/** A remark in brackets between sentences or words, which is no call and no formula: `Mu Sigma (company)`. */
const remark = /(?<=^|[\s?.!,])\([\p{L}][\p{L}\s,.'’-]{1,80}\)(?=$|[\s?.!,;:])/gu;
const face = /[:;]-?[()]/g;
/** `map()` is `map`. */
const emptyCall = /(?<=\w)\(\)(?=[\s?.,!]|$)/g;

const quotation = /"([^"\n]{1,120})"|“([^”\n]{1,120})”|`([^`\n]{1,120})`/g;
/** `Mb` and `MB`, `Co` and `CO`. */
const shortCased = /(?<=\S\s)(?=\p{L}{0,2}\p{Lu})\p{L}{2,3}(?![\p{L}\p{N}'])/gu;

const politeEdges =
  /^(?:please|pls|hi|hello|hey|could you|can you)[\s,]{1,3}|[\s,]{1,3}(?:please|pls|thanks|thank you)$/giu;

export interface Literal {
  /** The whole wording where it counts, else ''. */
  readonly wording: string;
  /** Marks that decide, in order. */
  readonly marks: string;
  /** Lower case. */
  readonly quotations: readonly string[];
  /** Short words with capitals: lower case → as written. */
  readonly cased: ReadonlyMap<string, string>;
  readonly names: string;
  /** `asks`: opens with is, are, am, do or does; `states`: has one of them behind its subject, and no question mark. */
  readonly mood: 'asks' | 'states' | '';
}

const noCased: ReadonlyMap<string, string> = new Map();

/** @param bare whether nothing but function words is left of the text. O(n). */
export function literalOf(text: string, bare: boolean): Literal {
  const counts = bare || text.includes('\n') || aboutWording.test(text);
  let cased: Map<string, string> | undefined;
  if (text !== text.toUpperCase()) {
    for (const [word] of text.matchAll(shortCased)) (cased ??= new Map()).set(word.toLowerCase(), word);
  }
  return {
    wording: counts ? wordingOf(text) : '',
    marks: (text.replace(remark, '').replace(face, '').replace(emptyCall, '').match(tellingMarks) ?? [])
      .join(' ')
      .toUpperCase(),
    quotations: quotationsOf(text),
    cased: cased ?? noCased,
    // Whoever writes small letters alone, or capitals alone, says nothing by them.
    names:
      text === text.toUpperCase() || text === text.toLowerCase()
        ? ''
        : (text.match(knownByCase) ?? []).map(asName).join(' '),
    mood: moodOf(text),
  };
}

/** Whether two texts differ where every letter counts. Symmetric. */
export function differLiterally(a: Literal, b: Literal, lowerA: string, lowerB: string): boolean {
  if (a.wording !== b.wording || a.marks !== b.marks) return true;
  if (a.names !== b.names && a.names.toLowerCase() === b.names.toLowerCase()) return true;
  for (const [word, written] of a.cased) {
    const other = b.cased.get(word);
    if (other !== undefined && other !== written) return true;
  }
  return quotesMore(a, b, lowerB) || quotesMore(b, a, lowerA);
}

/** One asks what the other states. Of texts with other words this says nothing: "I need a card" asks for one. */
export const moodDiffers = (a: Literal, b: Literal): boolean => a.mood !== b.mood && a.mood !== '' && b.mood !== '';

const quotesMore = (a: Literal, b: Literal, lowerB: string): boolean =>
  a.quotations.some((each) => !b.quotations.includes(each) && (b.quotations.length > 0 || !lowerB.includes(each)));

const asName = (word: string): string =>
  word === word.toUpperCase() ? word : /^\p{Lu}/u.test(word) ? word[0]! + word.slice(1).toLowerCase() : word;

/** Case, marks and layout as written, but for politeness, the first letter and the last mark. */
function wordingOf(text: string): string {
  const plain = withoutEnd(withoutEnd(text).replace(politeEdges, '')).replace(/[‘’]/g, "'");
  return plain.slice(0, 1).toLowerCase() + plain.slice(1);
}

function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && ' \t.?!'.includes(text[end - 1]!)) end -= 1;
  return text.slice(0, end);
}

function quotationsOf(text: string): readonly string[] {
  if (!/["“`]/.test(text)) return [];
  return Array.from(text.matchAll(quotation), ([, plain, curly, code]) => (plain ?? curly ?? code)!.toLowerCase());
}

const opensAsking = /^(?:is|are|am|do|does)\s/i;
const opensWithPronoun = /^(?:you|i|he|she|it|we|they) /i;
const states =
  /^(?!(?:what|which|who|whom|whose|when|where|why|how|if|whether|can|could|would|will|tell|please)\b)(?:\S+\s+){1,3}(?:is|are|am)\s[^?]*$/i;

function moodOf(text: string): Literal['mood'] {
  if (opensAsking.test(text)) return 'asks';
  // "You like it?" has the same words as "You like it."
  if (opensWithPronoun.test(text)) return /\?\s*$/.test(text) ? 'asks' : 'states';
  return text.length < 200 && states.test(text) ? 'states' : '';
}
