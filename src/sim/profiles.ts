/** Named timings of simulated thinkers: how fast a model on a machine feels. */

export interface ThinkerProfile {
  readonly name: string;
  /** No timers at all: an answer is written in one go. For replay, benchmarks and tests. */
  readonly instant: boolean;
  /** Time to first token of an empty prompt on a warm, idle model. */
  readonly ttftBaseMs: number;
  /** Prefill speed: a prompt of n tokens adds n / this many seconds. */
  readonly prefillTokensPerSecond: number;
  /** Decode speed of one answer while no other runs. */
  readonly tokensPerSecond: number;
  /** In [0, 1]: how much of its speed a slot loses for each other busy slot; 0 = slots do not disturb each other. */
  readonly slotPenalty: number;
  /** Answers generated at a time (OLLAMA_NUM_PARALLEL). */
  readonly slots: number;
  /** From disk to GPU, for a model that is not resident. */
  readonly coldLoadMs: number;
  /** Relative width of the seeded jitter: 0.1 = each wait is 90 % to 110 % of its nominal length. */
  readonly jitter: number;
}

/**
 * `demo` is fast enough to be pleasant and slow enough that a cached answer is felt. The GPU and CPU
 * rows are orders of magnitude for planning, not measurements of ours.
 */
export const thinkerProfiles = {
  instant: {
    name: 'instant',
    instant: true,
    ttftBaseMs: 0,
    prefillTokensPerSecond: Infinity,
    tokensPerSecond: Infinity,
    slotPenalty: 0,
    slots: Infinity,
    coldLoadMs: 0,
    jitter: 0,
  },
  demo: {
    name: 'demo',
    instant: false,
    ttftBaseMs: 250,
    prefillTokensPerSecond: 4_000,
    tokensPerSecond: 60,
    slotPenalty: 0.1,
    slots: 4,
    coldLoadMs: 400,
    jitter: 0.15,
  },
  'rtx4090-7b-q6': {
    name: 'rtx4090-7b-q6',
    instant: false,
    ttftBaseMs: 60,
    prefillTokensPerSecond: 5_500,
    tokensPerSecond: 105,
    slotPenalty: 0.12,
    slots: 4,
    coldLoadMs: 3_500,
    jitter: 0.1,
  },
  'rtx3060-7b-q4': {
    name: 'rtx3060-7b-q4',
    instant: false,
    ttftBaseMs: 110,
    prefillTokensPerSecond: 1_800,
    tokensPerSecond: 48,
    slotPenalty: 0.18,
    slots: 2,
    coldLoadMs: 5_000,
    jitter: 0.1,
  },
  cpu: {
    name: 'cpu',
    instant: false,
    ttftBaseMs: 600,
    prefillTokensPerSecond: 60,
    tokensPerSecond: 7,
    slotPenalty: 0.5,
    slots: 1,
    coldLoadMs: 4_000,
    jitter: 0.2,
  },
} as const satisfies Record<string, ThinkerProfile>;

export type ThinkerProfileName = keyof typeof thinkerProfiles;

export const isThinkerProfileName = (name: string): name is ThinkerProfileName => Object.hasOwn(thinkerProfiles, name);

/** @throws Error naming the known profiles when there is none of this name. */
export function thinkerProfile(profile: ThinkerProfileName | ThinkerProfile): ThinkerProfile {
  if (typeof profile !== 'string') return profile;
  if (isThinkerProfileName(profile)) return thinkerProfiles[profile];
  throw new Error(`no thinker profile "${String(profile)}"; known: ${Object.keys(thinkerProfiles).join(', ')}`);
}
