/** What all gateways together have used of the limits of a key. */
import type { KeyLimits } from './key-record.ts';

export interface SharedVerdict {
  /** The pace that is used up by all together; undefined when the request may go on. */
  readonly usedUp: 'requests' | 'tokens' | undefined;
  /** By how much, in units of the pace. */
  readonly over: number;
  /** Cost of today (UTC), all gateways, 1e-6 USD. */
  readonly microsToday: number;
}

/** Port: counts for several gateways as for one. It never throws: a key is not refused because a server is ill. */
export interface SharedUsage {
  /** Counts one request. @returns undefined when nobody can be asked: then each gateway keeps the limits by itself */
  enter(subject: string, limits: KeyLimits): Promise<SharedVerdict | undefined>;
  /** After an answer; waits for nothing. */
  used(subject: string, tokens: number, usdMicros: number): void;
}
