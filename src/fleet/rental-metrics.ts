/** Starts, their stages, and ends of rented machines, from the steps of their lives. */
import type { Metrics } from '../telemetry/metrics.ts';
import type { Rental } from './intent-store.ts';
import { isLaunching, type Phase } from './lifecycle.ts';

type Counted = Pick<Metrics, 'thinkerStarts' | 'thinkerStops' | 'thinkerRestarts' | 'thinkerColdStart'>;
type StopReason = 'idle' | 'budget' | 'unhealthy' | 'manual';

/** The part of a start that a phase belongs to. */
const stageOf: Partial<Record<Phase, 'rent' | 'image' | 'model'>> = {
  requested: 'rent',
  creating: 'rent',
  loading: 'image',
  starting: 'model',
};

/** @param halted an operator has stopped the fleet, or it stops with the gateway */
export function countStep(metrics: Counted, from: Rental, to: Rental, halted: boolean): void {
  const stage = stageOf[from.phase];
  if (stage !== undefined && (isLaunching(to.phase) || to.phase === 'ready')) {
    metrics.thinkerColdStart.observe({ stage }, (to.phaseAt - from.phaseAt) / 1000);
  }
  if (to.phase === 'ready' && from.readyAt === undefined) {
    metrics.thinkerStarts.inc({ result: 'ok' });
    metrics.thinkerColdStart.observe({ stage: 'total' }, (to.phaseAt - from.createdAt) / 1000);
  }
  if (from.phase === 'restarting') {
    const outcome = to.restarts?.at(-1)?.outcome;
    if (outcome === 'ready') metrics.thinkerRestarts.inc({ result: 'ok' });
    if (outcome === 'failed') metrics.thinkerRestarts.inc({ result: 'failed' });
  }
  if (to.phase !== 'destroying') return;
  const reason = to.endReason ?? '';
  if (isLaunching(from.phase)) {
    // What we called off ourselves has not failed.
    if (to.outcome === 'failed') metrics.thinkerStarts.inc({ result: isOverdue(reason) ? 'timeout' : 'failed' });
  } else {
    metrics.thinkerStops.inc({ reason: stopReasonOf(reason, halted) });
  }
}

const isOverdue = (reason: string): boolean => reason.startsWith('still ');

/** The words are those of the plan, of the budget and of the watch over workers. */
export function stopReasonOf(reason: string, halted: boolean): StopReason {
  if (reason.startsWith('lost: ') || reason.includes(' tokens a second and made ')) return 'unhealthy';
  if (reason.includes(' are spent this ')) return 'budget';
  return halted ? 'manual' : 'idle';
}
