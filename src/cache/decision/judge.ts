/** Looks at each candidate of one query: what refuses it, or how it scores. */
import { assert } from '../../core/assert.ts';
import type { EpochMs } from '../../core/units.ts';
import type { GuardName } from '../guard-name.ts';
import type { DecisionCandidate, JudgedCandidate, Refusal } from './engine-types.ts';
import type { EntryRecords } from './entry-records.ts';
import { exchanges } from './exchange.ts';
import type { EngineGuard } from './guard-set.ts';
import { inputNames, inputsOf } from './inputs.ts';
import type { PairFlags } from './pair-inputs.ts';
import { scoreRow, sigmoid } from './ridge-logistic.ts';
import { textFeaturesOf, type TextFeatures } from './text-features.ts';

/** A judged candidate with its log-odds; undefined when refused. */
export type Scored<C extends DecisionCandidate> = JudgedCandidate<C> & { readonly score: number | undefined };

/** An index gives 8; more than this is a fault of the caller that must not cost the request. */
const candidatesMax = 32;

export function createJudge(deps: {
  readonly guards: readonly EngineGuard[];
  readonly entries: EntryRecords;
  readonly textsMax: number;
  readonly inputs: readonly string[] | undefined;
}) {
  const { guards, entries } = deps;
  const features = rememberFeatures(deps.textsMax);
  const unused = unusedInputs(deps.inputs);

  return function judge<C extends DecisionCandidate>(
    text: string,
    candidates: readonly C[],
    weights: Float64Array,
    now: EpochMs,
  ): readonly Scored<C>[] {
    if (candidates.length === 0) return [];
    const query = features(text);
    const judged: Scored<C>[] = [];
    for (let i = 0; i < candidates.length && i < candidatesMax; i++) {
      judged.push(judgeOne(text, query, candidates, i, weights, now));
    }
    return judged;
  };

  function judgeOne<C extends DecisionCandidate>(
    text: string,
    query: TextFeatures,
    candidates: readonly C[],
    i: number,
    weights: Float64Array,
    now: EpochMs,
  ): Scored<C> {
    const candidate = candidates[i]!;
    const other = features(candidate.text);
    const record = entries.get(candidate.entryId);
    const refusedBy: Refusal[] = [];
    if (record?.quarantined === true) refusedBy.push('quarantined');
    if (entries.hasDenied && entries.isDenied(pairKeyOf(text, candidate.entryId, candidate.text))) {
      refusedBy.push('denied-pair');
    }
    const fired = new Set<GuardName>();
    for (const { name, hard, differs } of guards) {
      if (!differs(query.guard, other.guard)) continue;
      fired.add(name);
      if (hard) refusedBy.push(name);
    }
    // One reason is enough, and a guard's is the more telling one.
    if (refusedBy.length === 0 && guards.length > 0) refusedBy.push(...exchanges(query, other));
    const nearDuplicate = fired.size === 0 && refusedBy.every(isOfEntry) && isNearDuplicate(query, other);
    if (refusedBy.length > 0) {
      return { candidate, refusedBy, probability: undefined, nearDuplicate, inputs: undefined, score: undefined };
    }
    const inputs = inputsOf(query, other, candidate.similarity, flagsOf(fired), {
      runnerUp: candidates[i === 0 ? 1 : 0]?.similarity,
      neighbours: candidates.length,
      storedAt: candidate.storedAt,
      now,
      entry: record,
    });
    for (const i of unused) inputs[i] = 0;
    const score = scoreRow(weights, inputs);
    return { candidate, refusedBy, probability: sigmoid(score), nearDuplicate, inputs, score };
  }
}

/** Places of the inputs that are held at their mean. @throws Error for a name that is no input */
function unusedInputs(used: readonly string[] | undefined): readonly number[] {
  if (used === undefined) return [];
  for (const name of used) assert(inputNames.includes(name), `"${name}" is no input of the score`);
  return inputNames.flatMap((name, i) => (used.includes(name) ? [] : [i]));
}

/** Says nothing about the two texts. */
const isOfEntry = (refusal: Refusal): boolean => refusal === 'quarantined' || refusal === 'denied-pair';

/** The same content words in the same order, and the same kind of answer asked for. */
const isNearDuplicate = (a: TextFeatures, b: TextFeatures): boolean =>
  a.guard.contentKey === b.guard.contentKey && a.guard.contentKey !== '' && a.asks === b.asks;

const flagsOf = (fired: ReadonlySet<GuardName>): PairFlags => ({
  number: fired.has('number'),
  negation: fired.has('negation'),
  antonym: fired.has('antonym'),
  order: fired.has('order'),
  entity: fired.has('entity'),
});

/** Of the texts, not of the entry alone: an entry may be replaced under its id. */
export function pairKeyOf(queryText: string, entryId: string, entryText: string): string {
  return `${entryId}:${hash(queryText)}:${hash(entryText)}`;
}

/** 53 bits, enough that no two pairs of a deny list of thousands meet. */
function hash(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (4_294_967_296 * (b & 0x1fffff) + (a >>> 0)).toString(36);
}

/** Features of texts seen lately; the longest unused is forgotten first. */
function rememberFeatures(textsMax: number): (text: string) => TextFeatures {
  const known = new Map<string, TextFeatures>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) {
      known.delete(text);
      known.set(text, found);
      return found;
    }
    const made = textFeaturesOf(text);
    if (known.size >= textsMax) known.delete(known.keys().next().value!);
    known.set(text, made);
    return made;
  };
}
