/** Ways of asking that leave the question as it is, brought to one wording. */
import type { Token } from './tokens.ts';
import { leadingPrepositions } from './words.ts';

const phrases = (text: string): readonly (readonly string[])[] =>
  text
    .split(/[|\n]/)
    .map((phrase) => phrase.trim().split(/\s+/))
    .filter(([word]) => word !== '')
    .sort((a, b) => b.length - a.length);

/** Taken from the beginning, longest first, again and again. */
const openings = phrases(`
  i was wondering if you could tell me | i was wondering if you can tell me | i would like to know | i want to know
  i need to know | i would love to know | i like to know | do you know | do you happen to know | i was wondering
  i am wondering | i wonder | could you please tell me | can you please tell me | please let me know | let me know
  would you mind telling me | could you tell me | can you tell me | would you tell me | will you tell me | any idea
  does anyone know | does anybody know | can someone tell me | can anyone tell me | could someone tell me
  can you help me understand | help me understand | i need help understanding | i am trying to understand
  i would appreciate it if you could tell me | i am curious | can someone explain | can anyone explain
  could you | can you | would you | will you | tell me | tell us | give me | show me | please | kindly | hello | hi | hey
  ok | okay | so | well | thanks | um | uh | hmm | just | quick question | question | good morning | good evening
  good afternoon | hi there | hello there | hey there | sorry | excuse me | by the way | now | basically | actually
  i have a question | i have a quick question | i have one question | can you help me | could you help me | help me |
  can you please help me | can anyone help me | can someone help me | i would like you to | i want you to | i need you to | would you be able to | would you be so kind as to | are you able to
`);
const openingsBy = new Map<string, (readonly string[])[]>();
for (const opening of openings) {
  const first = opening[0]!;
  openingsBy.set(first, [...(openingsBy.get(first) ?? []), opening]);
}
/** After these an object follows that was asked for: "tell me the capital", "can someone explain recursion". */
const askingEnds = new Set(['me', 'us', 'know', 'understand', 'understanding', 'wondering', 'wonder', 'idea']);

const closings = phrases(`
  please | thanks | thx | pls | plz | thank you | thanks in advance | thank you in advance | many thanks | for me
  thank you very much | thanks a lot | if possible | if you can | if you do not mind
  do you know | any ideas | any idea
`);
const closingWords = new Set(closings.map((phrase) => phrase.at(-1)!));
/** After `how`: who does it does not matter. */
const anyone = new Set(['i', 'you', 'we', 'one', 'someone', 'somebody', 'people']);
const anyoneHelpers = new Set(['do', 'can', 'does', 'could', 'would']);
const questionStarts = new Set('what which who whom whose when where why how whether if'.split(' '));
const beforeThe = new Set(['list', 'name', 'state', 'provide', 'identify']);
const explains = new Set(['explain', 'define']);
const isQuestion = ({ text }: Token): boolean => questionStarts.has(text) || auxiliaries.has(text);

const word = (text: string): Token => ({ kind: 'word', text, raw: text, first: true });

/** Without politeness at either end; "tell me the", "list the" and "explain" as "what is". O(n). */
export function plainlyAsked(tokens: readonly Token[]): Token[] {
  let from = 0;
  let asks = false;
  while (from < tokens.length) {
    const opening = openingsBy
      .get(tokens[from]!.text)
      ?.find((phrase) => phrase.every((each, i) => tokens[from + i]?.text === each));
    if (opening === undefined || from + opening.length >= tokens.length) break;
    const next = tokens[from + opening.length]!;
    if (opening.length === 1 && !opensWith(opening[0]!, next)) break;
    from += opening.length;
    asks ||= askingEnds.has(opening.at(-1)!);
    if (opening.at(-1) === 'explain') from -= 1;
    if (tokens[from]?.text === ',') from += 1;
    if (opening.at(-1) === 'explain') break;
  }
  let to = tokens.length;
  while (to > from + 1) {
    if (tokens[to - 1]!.text === ',') {
      to -= 1;
      continue;
    }
    if (!closingWords.has(tokens[to - 1]!.text)) break;
    const closing = closings.find((phrase) => endsWith(tokens, to, phrase));
    if (closing === undefined || to - closing.length < from + 1) break;
    // "Is coffee bad for me" asks about me.
    if (closing[0] === 'for' && isQuestion(tokens[from]!)) break;
    to -= closing.length;
  }
  const kept = tokens.slice(from, to);
  asOneWording(kept, asks);
  return kept;
}

/** "Well" and "question" open a request only with a pause behind them, or before a question: not in "well water". */
function opensWith(opening: string, next: Token): boolean {
  if (!hesitations.has(opening) || next.text === ',') return true;
  if (opening === 'now') return false;
  return questionStarts.has(next.text) || auxiliaries.has(next.text) || openingsBy.has(next.text);
}
const hesitations = new Set('now so well just question sorry ok okay um uh hmm actually basically'.split(' '));

function endsWith(tokens: readonly Token[], to: number, phrase: readonly string[]): boolean {
  const start = to - phrase.length;
  return start >= 0 && phrase.every((each, i) => tokens[start + i]!.text === each);
}

function asOneWording(kept: Token[], asks: boolean): void {
  wouldBe(kept);
  const first = kept[0]?.text ?? '';
  const second = kept[1]?.text ?? '';
  // "Tell me about X", "tell me if X".
  if (asks && (first === 'if' || first === 'whether')) kept.splice(0, 1);
  else if ((asks && first === 'the') || (beforeThe.has(first) && second === 'the')) kept[0] = word('what');
  else if (explains.has(first) && kept.length > 1) {
    if (second === 'to') return;
    if (questionStarts.has(second)) kept.splice(0, 1);
    else if (second !== 'about' && (!pointers.has(second) || kept[2]?.text === 'difference')) kept[0] = word('what');
  } else if (first === 'what' && kept.at(-1)?.text === 'mean' && /^(?:does|do)$/.test(second)) {
    // "What does X mean" is "what is X".
    if (kept.length > 3 && kept.length < 6 && !pointers.has(kept[2]!.text)) kept.splice(kept.length - 1, 1);
  } else if (first === 'what') {
    meaningOf(kept);
    wayOf(kept);
  }
  const start = kept[0]?.text;
  if (start === 'how' && kept[1]?.text === 'to') kept.splice(1, 1);
  else if (start === 'how' && anyoneHelpers.has(kept[1]?.text ?? '') && isAnyone(kept)) {
    kept.splice(1, 2);
  } else if (start === 'where' && /^(?:can|do|could)$/.test(kept[1]?.text ?? '') && isAnyone(kept)) {
    kept.splice(1, 2);
  } else if (start === 'where' && kept[1]?.text === 'to') kept.splice(1, 1);
  afterSubject(kept);
}

/** "How do you feel" and "where do I live" are about the one who is named; "how do you bake" is about anyone. */
const isAnyone = (kept: readonly Token[]): boolean =>
  anyone.has(kept[2]?.text ?? '') && !personal.has(kept[3]?.text ?? '');
const personal = new Set(
  `feel work think know function like see look sound sleep live come stay know learn love hate believe sound respond answer
   process differ behave exist react vote talk dress relate compare stand do get`.split(/\s+/),
);

const isBe = (text: string): boolean => text === 'is' || text === 'are' || text === 'was';

const meantBy = phrases('what is meant by | what do you mean by | what does one mean by | what do we mean by');

/** "What is meant by X", "what is the definition of X" are "what is X"; the meaning of life is not life. */
function meaningOf(kept: Token[]): void {
  for (const phrase of meantBy) {
    if (kept.length <= phrase.length || !phrase.every((each, i) => kept[i]?.text === each)) continue;
    kept.splice(1, phrase.length - 1, word('is'));
    return;
  }
  const at = isBe(kept[1]?.text ?? '') ? 2 : 1;
  if (kept[at]?.text !== 'the' || kept[at + 2]?.text !== 'of' || kept.length < at + 4) return;
  const noun = kept[at + 1]!.text;
  if (noun === 'definition') kept.splice(at, 3);
}

/** "What is the way to X", "what are some ways to X" are "how to X"; the best way is a question of its own. */
function wayOf(kept: Token[]): void {
  let at = isBe(kept[1]?.text ?? '') ? 2 : 1;
  if (kept[at]?.text === 'the' || kept[at]?.text === 'some' || kept[at]?.text === 'a') at += 1;
  if (!/^ways?$/.test(kept[at]?.text ?? '') || kept[at + 1]?.text !== 'to') return;
  kept.splice(0, at + 1, word('how'));
}

/** "What would be the best" is "what is the best", "which are some good" is "what are good". */
function wouldBe(kept: Token[]): void {
  const first = kept[0]?.text;
  if (first !== 'what' && first !== 'which') return;
  if (first === 'which') kept[0] = word('what');
  if (kept[1]?.text === 'would' && kept[2]?.text === 'be') kept.splice(1, 2, word('is'));
  if (kept[1]?.text === 'are' && kept[2]?.text === 'some' && !/^ways?$/.test(kept[3]?.text ?? '')) kept.splice(2, 1);
}

const auxiliaries = new Set(
  'do does did is are was can could will would should has have had must may might am'.split(' '),
);
/** Point at one thing, of which more may be asked than what it is: "explain my bill". */
const pointers = new Set('the my your his her its our their this that these those'.split(' '));
const pronouns = new Set('i you he she it we they this that these those there'.split(' '));
const determiners = new Set('my your his her its our their the a an this that'.split(' '));

/**
 * "Why doesn't my code work" as "why does my code not work": a negation behind the first auxiliary moves
 * behind a subject of one word, with its article or possessive. Longer subjects end where only grammar
 * could tell, so they stay.
 */
function afterSubject(kept: Token[]): void {
  const at = auxiliaries.has(kept[0]?.text ?? '') ? 0 : auxiliaries.has(kept[1]?.text ?? '') ? 1 : -1;
  if (at < 0 || kept[at + 1]?.text !== 'not') return;
  if (at === 1 && !questionStarts.has(kept[0]!.text)) return;
  const subject = kept[at + 2]?.text ?? '';
  const words = pronouns.has(subject) && !determiners.has(subject) ? 1 : determiners.has(subject) ? 2 : 1;
  if (kept.length < at + 2 + words + 1) return;
  const [not] = kept.splice(at + 1, 1);
  kept.splice(at + 1 + words, 0, not!);
}

const timeWords = new Set('today tomorrow yesterday tonight currently'.split(' '));

/** "In Python, how …" as "how … in Python"; "difference between B and A" as "between A and B". */
export function canonicalOrder(tokens: readonly Token[]): readonly Token[] {
  const first = tokens[0]?.text ?? '';
  const leads = leadingPrepositions.has(first);
  if (!leads && !timeWords.has(first)) return sortedPair(tokens);
  const comma = tokens.findIndex(({ text }) => text === ',');
  if (comma < (leads ? 2 : 1) || comma > 6 || comma === tokens.length - 1) return sortedPair(tokens);
  const rest = plainlyAsked(tokens.slice(comma + 1));
  return sortedPair([...rest, ...tokens.slice(0, comma)]);
}

const betweenNouns = new Set('difference differences similarities comparison distance distinction'.split(' '));

/** Two things compared, of one word each, in the order of the alphabet: it does not matter which comes first. */
function sortedPair(tokens: readonly Token[]): readonly Token[] {
  for (let at = 0; at + 2 < tokens.length; at++) {
    const { text } = tokens[at]!;
    const compares = text === 'compare' && /^(?:and|with|to)$/.test(tokens[at + 2]!.text);
    const between =
      text === 'between' && tokens[at + 2]!.text === 'and' && at > 0 && betweenNouns.has(tokens[at - 1]!.text);
    if (!compares && !between) continue;
    // Of "between red wine and beer" only grammar knows where the second thing ends: both must stand alone.
    const a = tokens[at + 1]!;
    const b = tokens[at + 3];
    if (b === undefined || a.kind !== 'word' || b.kind !== 'word' || !endsPair(tokens[at + 4])) return tokens;
    const sorted = tokens.slice();
    sorted[at + 1] = a.text < b.text ? a : b;
    sorted[at + 2] = word('and');
    sorted[at + 3] = a.text < b.text ? b : a;
    return sorted;
  }
  return tokens;
}

const afterPair = new Set('in for as on at with when if by regarding'.split(' '));
const endsPair = (token: Token | undefined): boolean =>
  token === undefined || token.text === ',' || afterPair.has(token.text);
