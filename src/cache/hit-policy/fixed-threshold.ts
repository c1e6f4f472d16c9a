/** A fixed cosine threshold behind guards: what serves before anything has been learned about an embedder. */
import type { Candidate, GuardName, HitDecision, HitPolicy } from '../hit-policy.ts';
import { guards as builtGuards } from './guards/guards.ts';
import { featuresOf, type Features } from './text/features.ts';

export interface FixedThresholdOptions {
  /** Cosine at or above which an answer may be reused. */
  readonly similarityMin: number;
  /** In the order in which they are asked. Default: all but `content`. */
  readonly guards?: readonly GuardName[];
  /**
   * Reuse only between texts with the same content words in the same order. On by default: a single
   * changed word hardly moves a cosine ("of France", "of Germany"), and without a learned score this is
   * the only class of rewordings worth serving.
   */
  readonly contentWordsMustMatch?: boolean;
}

const defaultGuards = (Object.keys(builtGuards) as GuardName[]).filter((name) => name !== 'content');
/** Texts whose features are kept: those asked about again and again. About 2 KiB each. */
const rememberedMax = 2048;
/** Longer texts are not worth keeping, and an embedder takes few of them. */
const rememberedCharsMax = 512;

export function createFixedThresholdPolicy({
  similarityMin,
  guards = defaultGuards,
  contentWordsMustMatch = true,
}: FixedThresholdOptions): HitPolicy {
  const asked = contentWordsMustMatch ? [...guards, 'content' as const] : guards;
  const features = rememberFeatures();

  return {
    name: 'fixed-threshold',
    cut: similarityMin,
    decide(text, candidates): HitDecision {
      const [best] = candidates;
      if (best === undefined) return { kind: 'ask', reason: 'no-neighbour' };
      if (best.similarity < similarityMin) return { kind: 'ask', reason: 'below-threshold', best };
      const own = features(text);
      const vetoes: GuardName[] = [];
      for (const candidate of candidates) {
        if (candidate.similarity < similarityMin) break;
        const veto = vetoOf(own, text, candidate);
        if (veto === undefined) return { kind: 'reuse', candidate, vetoes };
        vetoes.push(veto);
      }
      return { kind: 'ask', reason: 'vetoed', best, guard: vetoes[0]!, vetoes };
    },
  };

  function vetoOf(own: Features, text: string, { entry }: Candidate): GuardName | undefined {
    // An entry without its text cannot be compared by words.
    const theirs = entry.semantic?.text;
    if (theirs === undefined) return 'content';
    if (theirs === text) return undefined;
    const other = features(theirs);
    return asked.find((guard) => builtGuards[guard](own, other));
  }
}

/** Features of texts seen lately; the oldest is forgotten first. */
function rememberFeatures(): (text: string) => Features {
  const known = new Map<string, Features>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = featuresOf(text);
    if (text.length > rememberedCharsMax) return made;
    if (known.size >= rememberedMax) known.delete(known.keys().next().value!);
    known.set(text, made);
    return made;
  };
}
