/** What a request may expect that needs a machine while none serves. */
import { AppError } from '../core/errors.ts';
import type { EpochMs } from '../core/units.ts';
import type { Rental } from './intent-store.ts';
import { isStarting } from './lifecycle.ts';
import type { FleetOptions } from './fleet-deps.ts';
import type { LastTick, Halt } from './reconciler.ts';
import { isExhausted } from './reconciler.ts';

export type FleetOutlook =
  | { readonly kind: 'coming'; readonly readyInMs: number }
  | { readonly kind: 'refused'; readonly error: AppError };

export interface OutlookFacts {
  readonly now: EpochMs;
  readonly rentals: readonly Rental[];
  readonly last: LastTick;
  readonly halt: Halt | undefined;
  /** The market's own words. */
  readonly refusal: string | undefined;
  readonly options: Pick<FleetOptions, 'policy' | 'model'>;
}

/** A start that should be over by now is still worth this much patience. */
const leastMs = 5_000;

export function fleetOutlook({ now, rentals, last, halt, refusal, options }: OutlookFacts): FleetOutlook {
  const { model } = options;
  if (halt !== undefined)
    return refused(
      'no_thinker_ready',
      `the fleet is stopped (${halt.reason}); \`llm-self-host fleet start\` ends that`,
    );
  const launching = rentals.filter(({ phase }) => isStarting(phase));
  if (last.budget && isExhausted(last.budget) && launching.length === 0) {
    const { reason } = last.budget;
    return refused(
      'budget_exhausted',
      `no machine may be rented for model \`${model}\`: ${reason}; stored answers go on, raise fleet.caps for new ones`,
    );
  }
  if (refusal !== undefined && launching.length === 0)
    return refused('no_thinker_ready', `the market refuses to rent for model \`${model}\`: ${refusal}`);
  const leadMs = (last.plan?.inputs?.leadTimeS ?? options.policy.leadTimePriorS) * 1000;
  const restartMs = (last.plan?.inputs?.restartLeadS ?? options.policy.restartPriorS) * 1000;
  const soonest = rentals.some(({ phase }) => phase === 'stopped') ? restartMs : leadMs;
  const readyInMs =
    launching.length === 0
      ? soonest
      : Math.min(
          ...launching.map(({ phase, phaseAt, createdAt }) =>
            phase === 'restarting' ? phaseAt + restartMs - now : createdAt + leadMs - now,
          ),
        );
  return { kind: 'coming', readyInMs: Math.max(leastMs, readyInMs) };
}

const refused = (code: 'no_thinker_ready' | 'budget_exhausted', message: string): FleetOutlook => ({
  kind: 'refused',
  error: new AppError(code, message, code === 'no_thinker_ready' ? { retryAfterMs: 60_000 } : {}),
});
