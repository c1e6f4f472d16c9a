/** What to do next, from what is known: what costs most, or hurts most, first. */
import type {
  AlertsView,
  CacheAuditsView,
  ChangeSettingRequest,
  FleetReport,
  MoneyReport,
  SpendNowView,
  StatusReport,
} from '../../admin/admin-types.ts';
import { formatDuration } from '../../core/format.ts';
import { daysPerMonth } from '../../core/units.ts';
import type { IdleAdvice } from './idle-advice.ts';
import { byUrgency } from './alert-order.ts';

export interface Action {
  readonly id: string;
  readonly title: string;
  /** Evidence and consequence, in a sentence. */
  readonly why: string;
  /** USD a month that it brings; undefined where it is not about money, or not known. */
  readonly usdPerMonth: number | undefined;
  /** Of the page that helps. */
  readonly href: string;
  readonly link: string;
  readonly urgency: 'now' | 'soon' | 'when you can';
  /** Can be done from here, after a question. */
  readonly apply?: { readonly change: ChangeSettingRequest; readonly effect: readonly string[] };
}

export interface ActionFacts {
  readonly status: StatusReport;
  readonly report: MoneyReport | undefined;
  readonly spend: SpendNowView | undefined;
  readonly fleet: FleetReport | undefined;
  readonly audits: CacheAuditsView | undefined;
  readonly alerts: AlertsView | undefined;
  /** From a replay; undefined while there is none. */
  readonly idle?: IdleAdvice | undefined;
}

/** A list of more is no list of what to do. */
export const actionsMax = 3;

/** Below this, a month of it is not worth a person's minute. */
const usdMin = 1;

export function actionsOf(facts: ActionFacts): readonly Action[] {
  const found = [
    ...fleetStands(facts),
    ...alertsFire(facts),
    ...nobodyAnswers(facts),
    ...overBudget(facts),
    ...idleMoney(facts),
    ...wrongHits(facts),
    ...unpriced(facts),
    ...coarseEmbedder(facts),
    ...auditsWait(facts),
    ...oldPrices(facts),
  ];
  const rank = { now: 0, soon: 1, 'when you can': 2 } as const;
  return found
    .toSorted((a, b) => rank[a.urgency] - rank[b.urgency] || (b.usdPerMonth ?? 0) - (a.usdPerMonth ?? 0))
    .slice(0, actionsMax);
}

function fleetStands({ fleet }: ActionFacts): Action[] {
  if (fleet === undefined || !['stopped', 'exhausted', 'refused', 'unknown'].includes(fleet.state)) return [];
  return [
    {
      id: 'fleet-stands',
      title: fleet.state === 'stopped' ? 'The fleet is stopped' : 'The fleet cannot rent',
      why: fleet.says,
      usdPerMonth: undefined,
      href: '/fleet',
      link: 'Open the fleet',
      urgency: 'now',
    },
  ];
}

function alertsFire({ alerts }: ActionFacts): Action[] {
  const firing = byUrgency(alerts?.rules ?? []).filter(({ level, silenced }) => level === 'alert' && !silenced);
  const [first] = firing;
  if (first === undefined) return [];
  const others = firing.length === 1 ? '' : ` ${firing.length - 1} more fire.`;
  return [
    {
      id: 'alerts',
      title: `${first.name} fires`,
      why: `${first.summary} ${first.action}${others}`,
      usdPerMonth: undefined,
      href: '/alerts',
      link: 'See the alerts',
      urgency: first.severity === 'page' ? 'now' : 'soon',
    },
  ];
}

function nobodyAnswers({ status, fleet }: ActionFacts): Action[] {
  const { thinkers } = status;
  // A fleet that sleeps wakes by itself.
  if (fleet !== undefined || thinkers.some(({ state, kind }) => state === 'ready' && kind !== 'simulated')) return [];
  const simulated = thinkers.some(({ kind, state }) => kind === 'simulated' && state === 'ready');
  const trouble = thinkers.find(({ lastError }) => lastError !== undefined);
  return [
    simulated
      ? {
          id: 'simulated',
          title: 'Connect a real model',
          why: 'Answers are made up by a simulated thinker. Start Ollama on this machine, list your servers, or rent GPUs.',
          usdPerMonth: undefined,
          href: '/fleet',
          link: 'See the thinkers',
          urgency: 'soon',
        }
      : {
          id: 'no-thinker',
          title: 'Bring a thinker back',
          why:
            trouble === undefined
              ? 'No thinker is configured or was found: new questions are refused.'
              : `${trouble.name} is ${trouble.state}: ${trouble.lastError ?? ''}. New questions are refused.`,
          usdPerMonth: undefined,
          href: '/fleet',
          link: 'See the thinkers',
          urgency: 'now',
        },
  ];
}

function overBudget({ spend }: ActionFacts): Action[] {
  const cap = spend?.caps?.perMonthUsd;
  const forecast = spend?.month.forecastUsd;
  if (cap === undefined || forecast === undefined || forecast <= cap) return [];
  return [
    {
      id: 'over-budget',
      title: 'The month runs over its cap',
      why: `At the pace of the last day the month ends at $${forecast.toFixed(2)}; the cap is $${cap.toFixed(2)}. When it is reached, cached answers go on and new questions are refused.`,
      usdPerMonth: forecast - cap,
      href: '/savings',
      link: 'See what costs',
      urgency: 'soon',
    },
  ];
}

function idleMoney({ report, fleet, idle: advice }: ActionFacts): Action[] {
  if (report?.costUsd === undefined || report.days < 1) return [];
  const { gpu_idle: idle, gpu_cold: cold } = report.totals.costs;
  const perMonth = ((idle / 1e6) * daysPerMonth) / report.days;
  const part = idle / 1e6 / report.costUsd;
  if (perMonth < usdMin || part < 0.3) return [];
  const coldPart = cold / 1e6 / report.costUsd;
  const waits = `${Math.round(part * 100)} % of what you pay is for GPUs that wait (${Math.round(coldPart * 100)} % for starting).`;
  if (fleet === undefined)
    return [
      {
        id: 'idle',
        title: 'Use the GPU more, or let it sleep',
        why: `${waits} A rented fleet that sleeps would not bill this.`,
        usdPerMonth: perMonth,
        href: '/savings',
        link: 'See what costs',
        urgency: 'soon',
      },
    ];
  if (advice === undefined)
    return [
      {
        id: 'idle',
        title: 'Let machines sleep sooner',
        why: `${waits} A shorter idle time-out saves most of it, and adds starts that people wait for.`,
        usdPerMonth: perMonth,
        href: '/what-if',
        link: 'Try it in What-if',
        urgency: 'soon',
      },
    ];
  // A replay has looked: to wait is what costs least.
  if (advice.kind === 'stay') return [];
  const { idleS, usdPerMonth, waitsPerDay, days } = advice;
  const perDay = Number(Math.abs(waitsPerDay).toPrecision(2));
  const effect = `A replay of ${Number(days.toFixed(1))} days costs $${usdPerMonth.toFixed(2)} a month less, and ${
    perDay === 0
      ? 'nobody waits longer'
      : `${perDay} ${waitsPerDay > 0 ? 'more' : 'fewer'} questions a day wait for a start`
  }.`;
  return [
    {
      id: 'idle',
      title: `Let machines sleep after ${formatDuration(idleS)}`,
      why: `${waits} ${effect}`,
      usdPerMonth,
      href: `/what-if?idleS=${idleS / 60}`,
      link: 'Try it in What-if',
      urgency: 'soon',
      apply: { change: { name: 'fleet.idleTimeoutMs', value: idleS * 1000 }, effect: [effect] },
    },
  ];
}

function wrongHits({ status }: ActionFacts): Action[] {
  const { semantic } = status.cache;
  const wrong = semantic?.falseHitShare;
  if (semantic === undefined || wrong?.estimate === undefined || wrong.estimate <= semantic.target) return [];
  return [
    {
      id: 'wrong-hits',
      title: 'Too many wrong hits',
      why: `${wrong.wrong} of ${wrong.audited} audited semantic hits were wrong; the target is ${Math.round(semantic.target * 1000) / 10} %.`,
      usdPerMonth: undefined,
      href: '/cache',
      link: 'See how it decides',
      urgency: 'now',
    },
  ];
}

function unpriced({ status, report }: ActionFacts): Action[] {
  const own = status.thinkers.some(({ kind }) => kind === 'static');
  if (!own || report === undefined || report.costUsd !== undefined) return [];
  return [
    {
      id: 'unpriced',
      title: 'Give your thinkers a price',
      why: 'What an hour of them costs is not known, so neither costs nor savings can be told. Set costPerHourUsd.',
      usdPerMonth: undefined,
      href: '/savings',
      link: 'See what is unpriced',
      urgency: 'when you can',
    },
  ];
}

function coarseEmbedder({ status: { embedding, cache } }: ActionFacts): Action[] {
  if (embedding.remedy === undefined || cache.mode !== 'on') return [];
  return [
    {
      id: 'embedder',
      title: 'Recognise more rewordings',
      why: `${embedding.why}; ${embedding.remedy}.`,
      usdPerMonth: undefined,
      href: '/cache',
      link: 'See hits and misses',
      urgency: 'when you can',
    },
  ];
}

function auditsWait({ audits }: ActionFacts): Action[] {
  if (audits === undefined || audits.cases.length === 0) return [];
  const n = audits.cases.length;
  return [
    {
      id: 'audits',
      title: n === 1 ? 'Compare two answers' : `Compare ${n} pairs of answers`,
      why: 'Neither rules nor vectors could tell whether the stored answer would have done. Each word teaches the cache.',
      usdPerMonth: undefined,
      href: '/cache',
      link: 'Read them',
      urgency: 'when you can',
    },
  ];
}

function oldPrices({ report }: ActionFacts): Action[] {
  const old = report?.baselines.find(({ priceIsOld }) => priceIsOld);
  if (old === undefined) return [];
  return [
    {
      id: 'old-prices',
      title: 'Look prices up again',
      why: `The price of the ${old.baseline} baseline is ${old.priceAgeDays ?? 0} days old, and prices move within weeks.`,
      usdPerMonth: undefined,
      href: '/savings',
      link: 'See the baselines',
      urgency: 'when you can',
    },
  ];
}
