/** Hand-written pairs that no cache may take for one another, and rewordings that it should. */
import type { GuardName } from '../guard-name.ts';
import { currency, date, number, unit, version } from './amounts.ts';
import { followUps as followUpLines } from './follow-ups.ts';
import { code, format, language } from './form.ts';
import { antonym, negation, order } from './meaning.ts';
import { content, entity, wh } from './names.ts';
import * as rewriteLines from './rewrites.ts';

export interface Pair {
  readonly kind: string;
  readonly a: string;
  readonly b: string;
}

export interface Trap extends Pair {
  /** The guard that is there for this difference. */
  readonly kind: GuardName;
}

/** The same last turn after two histories, each the user's and the assistant's words by turns. */
export interface FollowUp {
  readonly histories: readonly [readonly string[], readonly string[]];
  readonly last: string;
}

const lines = {
  number,
  unit,
  currency,
  date,
  version,
  negation,
  antonym,
  order,
  language,
  format,
  code,
  entity,
  wh,
  content,
};

/** Pairs that differ in one thing and must not share an answer. */
export const traps: readonly Trap[] = (Object.keys(lines) as GuardName[]).flatMap((kind) =>
  pairsOf(lines[kind]).map(([a, b]) => ({ kind, a, b })),
);

/** Rewordings whose answers are the same, by what was changed. */
export const rewrites: readonly Pair[] = Object.entries(rewriteLines).flatMap(([kind, text]) =>
  pairsOf(text).map(([a, b]) => ({ kind, a, b })),
);

export const followUps: readonly FollowUp[] = partsOf(followUpLines).map((parts) => {
  const [one, other, last] = parts;
  if (one === undefined || other === undefined || last === undefined)
    throw new Error(`no follow-up: ${parts.join(' | ')}`);
  return { histories: [one.split(' > '), other.split(' > ')], last };
});

function pairsOf(text: string): readonly (readonly [string, string])[] {
  return partsOf(text).map((parts) => {
    const [a, b, more] = parts;
    if (a === undefined || b === undefined || more !== undefined) throw new Error(`no pair: ${parts.join(' | ')}`);
    return [a, b] as const;
  });
}

function partsOf(text: string): readonly (readonly string[])[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s\|\s+/));
}
