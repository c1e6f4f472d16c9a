/** Which kind of answer a question asks for. */
import type { Token } from './tokens.ts';

const measures = new Map<string, string>(
  'many much long far often tall big fast large high deep wide heavy soon old'
    .split(' ')
    .map((word) => [word, `how ${word}`]),
);
const questionWords = new Set('who whom whose what which when where why how'.split(' '));
const openers = new Set(
  'is are am was were do does did can could will would should shall may might has have had must'.split(' '),
);
const byNoun = new Map<string, string>([
  ...['reason', 'reasons', 'cause', 'causes'].map((word) => [word, 'why'] as const),
  ...['way', 'ways', 'steps', 'method', 'procedure'].map((word) => [word, 'how'] as const),
  ...['year', 'years', 'date', 'dates', 'time', 'times', 'day', 'days', 'month', 'months'].map(
    (word) => [word, 'when'] as const,
  ),
  ...['person', 'people', 'name', 'names'].map((word) => [word, 'who'] as const),
  ...['place', 'places', 'city', 'cities', 'country', 'countries', 'location', 'locations'].map(
    (word) => [word, 'where'] as const,
  ),
  ...['number'].map((word) => [word, 'how many'] as const),
  ...['price', 'prices', 'cost', 'costs', 'amount'].map((word) => [word, 'how much'] as const),
  ...['difference', 'differences'].map((word) => [word, 'difference'] as const),
]);
/** `who`, `how many`, …; `whether` for a yes/no question; '' for what is no question. @param tokens without politeness */
export function asksOf(tokens: readonly Token[]): string {
  for (let at = 0; at < tokens.length; at++) {
    const { text } = tokens[at]!;
    if (!questionWords.has(text)) continue;
    if (text === 'how') return measures.get(tokens[at + 1]?.text ?? '') ?? 'how';
    if (text === 'whom' || text === 'whose') return 'who';
    if (text === 'what' || text === 'which') return whatAsks(tokens, at);
    return text;
  }
  return openers.has(tokens[0]?.text ?? '') ? 'whether' : '';
}

/** "What year did …", "what is the reason …"; in "what is the main city" the noun says nothing about the kind. */
function whatAsks(tokens: readonly Token[], at: number): string {
  let next = at + 1;
  if (bes.has(tokens[next]?.text ?? '')) next += 1;
  if (tokens[next]?.text === 'the') next += 1;
  const noun = next === at + 2 && tokens[at + 1]!.text !== 'the' ? undefined : tokens[next]?.text;
  return byNoun.get(noun ?? '') ?? 'what';
}

const bes = new Set(['is', 'are', 'was', 'were']);
