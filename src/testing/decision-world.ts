/** A small world of questions for tests of the decision engine: rewordings, and additions that matter. */
import { createDecisionEngine } from '../cache/decision/engine.ts';
import type { DecisionCandidate, DecisionEngine, DecisionEngineOptions } from '../cache/decision/engine-types.ts';
import { seededRandom, type Random } from '../core/random.ts';
import { FakeClock } from './fake-clock.ts';

export const clock = new FakeClock();

export function anEngine(
  options: Partial<DecisionEngineOptions> = {},
  embeddingModelId = 'embedder-1',
  seed = 1,
): DecisionEngine {
  return createDecisionEngine({ embeddingModelId, clock, random: seededRandom(seed), options });
}

export const aCandidate = (text: string, similarity = 0.9, entryId = text): DecisionCandidate => ({
  entryId,
  text,
  similarity,
  storedAt: clock.now(),
});

const subjects = 'passport visa licence permit ticket invoice contract mortgage pension refund'.split(' ');
const verbs = 'renew cancel extend replace print dispute collect transfer'.split(' ');
const places = 'office portal airport embassy branch kiosk library museum'.split(' ');
const additions = [
  'during the move',
  'from abroad by phone',
  'after a divorce',
  'with a lawyer beside me',
  'on a weekend',
];
const frames = ['how can i', 'please tell me how i can', 'what should i do to', 'is there a way to'];

/** One request of a small world: the stored question in other words, or with something added that matters. */
export function aRequest(random: Random): { text: string; candidate: DecisionCandidate; right: boolean } {
  const pick = <T>(from: readonly T[]): T => from[random.int(from.length)]!;
  const [subject, verb, place] = [pick(subjects), pick(verbs), pick(places)];
  const right = random.float() < 0.5;
  const stored = `${pick(frames)} ${verb} my ${subject} at the ${place}`;
  const text = `${pick(frames)} ${verb} my ${subject} at the ${place}${right ? '' : ` ${pick(additions)}`}`;
  return {
    text,
    candidate: aCandidate(stored, right ? 0.8 + random.float() * 0.2 : 0.7 + random.float() * 0.2),
    right,
  };
}

/** Labels every decision that asks for it. @returns hits, wrong hits. */
export function teach(engine: DecisionEngine, requests: number, random: Random): { hits: number; wrong: number } {
  const counts = { hits: 0, wrong: 0 };
  for (let i = 0; i < requests; i++) {
    const { text, candidate, right } = aRequest(random);
    const decision = engine.decide({ text }, [candidate]);
    if (decision.kind === 'reuse') {
      counts.hits += 1;
      if (!right) counts.wrong += 1;
    }
    if (decision.audit.wanted) engine.label({ sample: decision.sample!, right, source: 'audit' });
    while (engine.tick(Infinity));
  }
  return counts;
}
