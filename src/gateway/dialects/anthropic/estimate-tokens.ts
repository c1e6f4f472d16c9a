/**
 * Tokens of a text without the model's tokenizer. Thinkers count a prompt only by running it, so this
 * counts what byte-pair tokenizers tend to make one token of: a short word with the space before it,
 * a few digits or punctuation marks, a character of a dense script.
 *
 * The weights are fitted to the cl100k and o200k vocabularies, which those of Llama 3 and Qwen resemble:
 * English prose, Markdown, source code and JSON come out 0 to 20 % above both. Other European languages
 * stay within 30 %; for other scripts the two vocabularies differ from each other by a factor of 2 to 3.
 */

/** Letters of a word that are one token, and letters per token of the rest of a longer word. */
const wordChars = 7;
const wordTailChars = 3.5;
const digitsPerToken = 2.4;
const punctuationPerToken = 3;
/** Cyrillic, Arabic, Devanagari and other alphabets. */
const alphabetCharsPerToken = 2.2;
/** A single space joins the next word; indentation and line ends mostly cost a token. */
const spaceRunTokens = 0.8;
/** From here on (CJK, Hangul, emoji) a character is about a token. */
const denseFrom = 0x2e80;

/** Kinds of characters; a run of one kind is counted as a whole. */
const none = 0;
const word = 1;
const digits = 2;
const punctuation = 3;
const alphabet = 4;
const dense = 5;
const space = 6;

/** Kinds of the ASCII characters: a look-up takes half the time of comparisons. */
const asciiKinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[A-Za-z]/.test(character)) return word;
  if (/\d/.test(character)) return digits;
  return /\s/.test(character) ? space : punctuation;
});

/** @returns a whole number of tokens; O(n), one pass without allocation, under 10 ns per character. */
export function estimateTokens(text: string): number {
  let tokens = 0;
  let run = 0;
  let kind = none as number;
  let before = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const next = code < 128 ? asciiKinds[code]! : kindBeyondAscii(code, kind);
    // A capital after a small letter starts a token of its own: identifiers are written so.
    if (next !== kind || (next === word && isCapital(code) && !isCapital(before))) {
      tokens += runTokens(kind, run);
      kind = next;
      run = 0;
    }
    run += 1;
    before = code;
  }
  return Math.ceil(tokens + runTokens(kind, run));
}

function runTokens(kind: number, run: number): number {
  switch (kind) {
    case word:
      return run <= wordChars ? 1 : 1 + (run - wordChars) / wordTailChars;
    case digits:
      return Math.ceil(run / digitsPerToken);
    case punctuation:
      return Math.ceil(run / punctuationPerToken);
    case alphabet:
      return run / alphabetCharsPerToken;
    case dense:
      return run;
    case space:
      return run > 1 ? spaceRunTokens : 0;
    default:
      return 0;
  }
}

function kindBeyondAscii(code: number, before: number): number {
  if (code >= denseFrom) return dense;
  // An accented letter continues the word that it stands in.
  return before === word ? word : alphabet;
}

const isCapital = (code: number): boolean => code >= 65 && code <= 90;
