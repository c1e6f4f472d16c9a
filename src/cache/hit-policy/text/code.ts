/** What is copied letter by letter from a program or a terminal: one other letter makes it another thing. */

import { functionWords } from './words.ts';

/** Most prompts have none of these, and are not searched. */
const hint =
  /[_\\`{}()$<>=|&@~]|:\/\/|[a-z]{2}[A-Z]|[A-Za-z]\/[A-Za-z]|(?<!\S)[./]|[A-Za-z_]\.[A-Za-z_]|(?<!\S)--?[A-Za-z]|0x|[A-Z]-?\d\d|[a-z](?:Error|Exception|Warning)\b/;

/** In this order: address, path, flag, variable, hexadecimal number, error code, operator, call, name. */
const pattern = new RegExp(
  [
    String.raw`(?:https?:\/\/|www\.)[^\s"'<>)\]]+`,
    String.raw`(?<![\w/])(?:~|\.{1,2})?\/[\w.@-][\w./@-]*`,
    String.raw`\b[A-Za-z]:\\[^\s"']*`,
    String.raw`(?<![\w/-])[\w-]{1,64}(?:\/[\w-]{1,64}){0,12}\/[\w-]{1,64}\.[A-Za-z]{1,5}\b`,
    String.raw`(?<![^\s"'${'`'}(\[])(?:--[A-Za-z][\w-]*(?:=[^\s"'${'`'}]+)?|-[A-Za-z]{1,3}(?![\w-]))`,
    String.raw`[$%][A-Z_][A-Z0-9_]+%?`,
    String.raw`\b0x[0-9A-Fa-f]+\b`,
    String.raw`\b[A-Z]{1,8}-?\d{2,}\b`,
    String.raw`(?<=^|["'${'`'}(])(?:===|!==|==|!=|<=|>=|=>|->|::|&&|\|\||\*\*|\+=|-=|<<|>>)(?=[\s"'${'`'})?.,]|$)`,
    String.raw`\b[A-Za-z_][\w.]{0,80}\(\)`,
    String.raw`\b[A-Za-z]+(?:_[A-Za-z0-9]+)+\b|\b_[A-Za-z]\w*|\b[A-Z]+(?:_[A-Z0-9]+)+\b`,
    String.raw`\b[a-z]{2,}[A-Z][A-Za-z0-9]*(?:\.[A-Za-z]\w*)*\b`,
    String.raw`\b[A-Z][A-Za-z]*[a-z](?:Error|Exception|Warning)\b`,
    String.raw`\b[A-Za-z]\w+(?:\.[A-Za-z]\w+)+\b`,
    String.raw`@[A-Za-z]\w+`,
  ].join('|'),
  'g',
);

/** Written like identifiers, and none. */
const brands = new Set('macOS iOS iPadOS tvOS watchOS mRNA tRNA kWh'.split(' '));

const none: ReadonlySet<string> = new Set();

/** Identifiers, paths, flags, addresses and operators; without quotes, call brackets and closing marks. O(n). */
export function codeOf(text: string): ReadonlySet<string> {
  if (!hint.test(text)) return none;
  let found: Set<string> | undefined;
  for (const chunk of text.split(/\s+/)) {
    if (!hint.test(chunk)) continue;
    for (const [match] of chunk.matchAll(pattern)) {
      let token = match;
      if (token.endsWith('()')) token = token.slice(0, -2);
      else if (/[.,;:!?]$/.test(token)) token = token.replace(/[.,;:!?]+$/, '');
      if (token.length < 2 || brands.has(token) || isJoinedSentence(token)) continue;
      // Host names do not know case, nor does hexadecimal.
      if (/^(?:https?:|www\.|0x)/.test(token))
        token = token
          .toLowerCase()
          .replace(/^https?:\/\//, '')
          .replace(/\/$/, '');
      found ??= new Set();
      found.add(token);
    }
  }
  return found ?? none;
}

/** A full stop without its blank ("today.what now") joins sentences, not names. */
function isJoinedSentence(token: string): boolean {
  const dot = token.indexOf('.');
  if (dot < 1 || !/^[A-Za-z]+(?:\.[A-Za-z]+)+$/.test(token)) return false;
  if (/[a-z]\.[A-Z][a-z]*$/.test(token)) return true;
  return token.split('.').some((part) => functionWords.has(part.toLowerCase()));
}

/** Natural-looking names of programming languages; those that are everyday words (go, swift, rust) are left out. */
export const programmingLanguages: ReadonlyMap<string, string> = new Map([
  ...`python java javascript typescript php kotlin golang perl haskell scala matlab fortran cobol bash powershell c++ c#
      elixir clojure erlang objective-c julia sql css html ruby`
    .split(/\s+/)
    .map((name) => [name, name] as const),
  ['js', 'javascript'],
  ['ts', 'typescript'],
  ['py', 'python'],
  ['cpp', 'c++'],
]);
