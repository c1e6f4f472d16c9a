import { metricTable } from '../../metrics.ts';
import { above, and, each, equals, increase, minus, or, sum, time } from '../expression.ts';
import { hourMs, minuteMs, type AlertRule } from '../rule.ts';

const { inflight, lastReconcile, orphanInstances, thinkers, thinkerStarts, thinkerStops } = metricTable;

export const fleetRules: readonly AlertRule[] = [
  {
    name: 'NoHealthyThinker',
    severity: 'page',
    // Queued requests count as in flight, so a fleet asleep with nobody asking is healthy.
    when: and(equals(sum(thinkers.name, { state: 'ready' }), 0), above(sum(inflight.name, { source: 'thinker' }), 0)),
    forMs: 5 * minuteMs,
    noData: 'ok',
    summary: 'People wait and no thinker is ready.',
    action:
      'Run `llm-self-host status` and `llm-self-host fleet status`: which server is away, or why nothing is rented.',
  },
  {
    name: 'ColdStartStuck',
    severity: 'page',
    when: and(
      above(sum(thinkers.name, { state: ['renting', 'loading'] }), 0),
      equals(increase(thinkerStarts.name, 20 * minuteMs, { result: 'ok' }), 0),
    ),
    forMs: 20 * minuteMs,
    noData: 'ok',
    summary: 'Thinkers have been starting for 20 minutes and none has come up. Machines in that state are billed.',
    action:
      'Run `llm-self-host fleet status` for the phase it is in; a slow download or a wrong model are the usual ones.',
  },
  {
    name: 'InstanceFlapping',
    severity: 'ticket',
    when: or(
      above(increase(thinkerStarts.name, hourMs), 6),
      above(increase(thinkerStops.name, hourMs, { reason: ['unhealthy', 'outbid'] }), 3),
    ),
    forMs: 0,
    noData: 'ok',
    summary: 'Machines come and go: each start is paid for and answers nothing.',
    action: 'Run `llm-self-host fleet history` for the reasons; ask for more reliable hosts or a longer idle timeout.',
  },
  {
    name: 'OrphanInstance',
    severity: 'page',
    when: above(each(orphanInstances.name), 0),
    forMs: 10 * minuteMs,
    noData: 'ok',
    summary: 'A rented machine with our label belongs to nothing and is billed.',
    action: 'Look at the list of instances on the page of the provider, and destroy what should not be there.',
  },
  {
    name: 'ReconcileStale',
    severity: 'ticket',
    when: above(minus(time, each(lastReconcile.name)), 900),
    forMs: 0,
    noData: 'ok',
    summary: 'The fleet has not been compared with the market for 15 minutes: what is billed is not known.',
    action: 'See the log for errors of the provider; check its status page and the key.',
  },
];
