/** Thinkers that are not there yet: whoever can make them come says whether waiting is worth it. */
import { AppError } from '../core/errors.ts';
import type { ModelName } from '../core/ids.ts';

/** How long the asker can be kept: a stream has signs of life, a plain call runs into its client's own timeout. */
export type Patience = 'plain' | 'streamed';

export type Outlook =
  /** One is starting, or will be sent for because somebody waits. */
  | {
      readonly kind: 'coming';
      /** What is left of the start, as far as one can tell. */
      readonly readyInMs: number;
      /** A request is held this long, by patience. */
      readonly holdMs: Readonly<Record<Patience, number>>;
    }
  /** None will come, and this is why. */
  | { readonly kind: 'refused'; readonly error: AppError };

/** Port: knows of thinkers that could be started. Asked only while none that is there can answer. */
export interface Standby {
  /** @returns undefined for a model that it never serves */
  outlook(model: ModelName): Outlook | undefined;
}

/** Told when the request has been held as long as it may. */
export function holdOver(model: ModelName, { readyInMs }: { readonly readyInMs: number }): AppError {
  const seconds = Math.max(1, Math.ceil(readyInMs / 1000));
  return new AppError(
    'no_thinker_ready',
    `a thinker for model \`${model}\` is starting and is expected in about ${seconds} s; retry then, or ask for a streamed answer, which waits for it`,
    { retryAfterMs: seconds * 1000 },
  );
}
