/** Five questions, and what came in a moment ago. */
import type {
  AlertsView,
  CacheAuditsView,
  FleetReport,
  MoneyReport,
  SettingsView,
  SpendNowView,
  StatusReport,
} from '../../../admin/admin-types.ts';
import { formatDuration, formatMs } from '../../../core/format.ts';
import { actionsOf, type Action, type ActionFacts } from '../../model/actions.ts';
import { intervalWords, share, usd, whole } from '../../model/format.ts';
import { firstTokenPace, hitPace, type Pace } from '../../model/latency.ts';
import { components, componentWords } from '../../model/spend-by-day.ts';
import { servingState } from '../../model/serving.ts';
import { call, isOperator, wordsOf } from '../api.ts';
import { requests, useTopic, type Held } from '../live.ts';
import { Card, Figure, Waiting } from '../ui/card.tsx';
import { say } from '../ui/notices.tsx';
import { RequestTable } from '../ui/request-table.tsx';
import { SplitBar } from '../ui/split-bar.tsx';
import { Spark } from '../ui/spark.tsx';
import { State } from '../ui/state.tsx';
import { useIdleAdvice } from '../ui/use-idle-advice.ts';
import { askToApply, settingsTurn } from './apply-setting.tsx';

const tapeLength = 12;

const sayTrouble = (error: unknown): void => say('bad', wordsOf(error));

export function NowPage() {
  const status = useTopic<StatusReport>('status');
  return (
    <>
      <h1 tabIndex={-1}>Now</h1>
      <div class="cards">
        <IsItUp status={status} />
        <IsItFast />
        <IsItSaving status={status} />
        <WhatDoesItCost />
        <WhatShouldIDo status={status} />
        <Tape />
      </div>
    </>
  );
}

interface OfStatus {
  readonly status: Held<StatusReport> | undefined;
}

function IsItUp({ status }: OfStatus) {
  const fleet = useTopic<FleetReport | null>('fleet');
  const report = useTopic<MoneyReport>('money/report');
  if (status === undefined) return <Waiting id="up" title="Is it up?" />;
  const { value } = status;
  const state = servingState(value);
  const sleeps = state.kind !== 'serving' && fleet?.value != null ? ` The fleet: ${fleet.value.says}` : '';
  const { traffic } = value;
  return (
    <Card id="up" title="Is it up?" of={status}>
      <p class="verdict">
        <State tone={state.tone}>{state.word}</State>
      </p>
      <p class="soft">
        {state.why}.{sleeps}
      </p>
      <dl class="figures">
        <Figure label="Running since" value={formatDuration(value.uptimeS)} basis={`version ${value.version}`} />
        <Availability report={report?.value} />
        <Figure
          label="Right now"
          value={`${whole(traffic.inFlight)} running`}
          basis={`${whole(traffic.waiting)} waiting for a thinker`}
        />
      </dl>
    </Card>
  );
}

/** Of requests that were answered or failed by our fault; promised are 99.5 %. */
function Availability({ report }: { readonly report: MoneyReport | undefined }) {
  const asked = report === undefined ? 0 : report.queries + report.totals.failed;
  if (report === undefined || asked === 0)
    return <Figure label="Answered, 30 days" value={undefined} basis="nothing was asked yet" />;
  const { failed } = report.totals;
  const allowed = Math.floor(asked * (1 - availabilityMin));
  return (
    <Figure
      label="Answered, 30 days"
      value={`${(Math.floor((1 - failed / asked) * 10_000) / 100).toFixed(2)} %`}
      basis={`${whole(failed)} of ${whole(asked)} failed in ${report.days.toFixed(1)} days; 99.5 % allows ${whole(allowed)}`}
    >
      <State tone={failed <= allowed ? 'good' : 'bad'}>{failed <= allowed ? 'within' : 'below'} 99.5 %</State>
    </Figure>
  );
}

const availabilityMin = 0.995;

/** What the product promises. */
const hitMsMax = 100;
const firstTokenMsMax = 5_000;

function IsItFast() {
  const known = requests.value;
  if (known === undefined) return <Waiting id="fast" title="Is it fast?" />;
  return (
    <Card id="fast" title="Is it fast?" of={known}>
      <dl class="figures">
        <PaceFigure label="Hits, p95" pace={hitPace(known.value)} limitMs={hitMsMax} what="hits" />
        <PaceFigure
          label="First token of a thinker, p95"
          pace={firstTokenPace(known.value)}
          limitMs={firstTokenMsMax}
          what="answers"
        />
      </dl>
    </Card>
  );
}

interface PaceFigureProps {
  readonly label: string;
  readonly pace: Pace;
  readonly limitMs: number;
  readonly what: string;
}

function PaceFigure({ label, pace, limitMs, what }: PaceFigureProps) {
  const { p95Ms, n, parts } = pace;
  const isKept = p95Ms !== undefined && p95Ms < limitMs;
  return (
    <Figure
      label={label}
      value={p95Ms === undefined ? undefined : formatMs(p95Ms)}
      basis={
        n === 0 ? `no ${what} among the last 1,000 requests` : `of ${whole(n)} ${what} among the last 1,000 requests`
      }
    >
      {p95Ms !== undefined && (
        <State tone={isKept ? 'good' : 'bad'}>
          {isKept ? 'within' : 'over'} {formatMs(limitMs)}
        </State>
      )}
      <Spark label={label} values={parts} limit={limitMs} format={formatMs} />
    </Figure>
  );
}

function IsItSaving({ status }: OfStatus) {
  const report = useTopic<MoneyReport>('money/report');
  if (status === undefined || report === undefined) return <Waiting id="saving" title="Is it saving?" />;
  const { traffic, cache } = status.value;
  const { exact, semantic, coalesced } = traffic.hits;
  const hits = exact + semantic + coalesced;
  const wrong = cache.semantic?.falseHitShare;
  const { estimate } = report.value.cacheSaved;
  return (
    <Card id="saving" title="Is it saving?" of={report}>
      <dl class="figures">
        <Figure
          label="Saved by the cache, 30 days"
          value={estimate.kind === 'estimate' ? `about ${usd(estimate.usd * 1e6)}` : undefined}
          basis={
            estimate.kind === 'estimate'
              ? estimate.low === undefined
                ? `${intervalWords(estimate)}: ${estimate.method}`
                : intervalWords(estimate)
              : `${estimate.kind === 'unpriced' ? 'unpriced' : 'not enough data'}: ${estimate.why}`
          }
        />
        <Figure
          label="Answered without a thinker"
          value={traffic.hitShare === undefined ? undefined : share(traffic.hitShare)}
          basis={`${whole(hits)} of ${whole(hits + traffic.misses)} that could be, since start: ${whole(exact)} exact, ${whole(semantic)} semantic, ${whole(coalesced)} shared`}
        />
        <Figure
          label="Wrong semantic hits"
          value={wrong?.estimate === undefined ? undefined : `at most ${share(wrong.high)}`}
          basis={
            wrong?.estimate === undefined
              ? 'not measured: no hit was audited'
              : `${whole(wrong.wrong)} wrong of ${whole(wrong.audited)} audited; 95 %: ${share(wrong.low)} to ${share(wrong.high)}`
          }
        />
      </dl>
      <p>
        <a href="/savings">Savings, baselines and promises</a>
      </p>
    </Card>
  );
}

function WhatDoesItCost() {
  const spend = useTopic<SpendNowView>('money/now');
  if (spend === undefined) return <Waiting id="cost" title="What does it cost?" />;
  const { perHourUsd, today, month, caps } = spend.value;
  const dollars = (value: number | undefined) => (value === undefined ? undefined : usd(value * 1e6));
  const unpriced = 'unpriced: give your thinkers a costPerHourUsd';
  return (
    <Card id="cost" title="What does it cost?" of={spend}>
      <dl class="figures">
        <Figure
          label="An hour, now"
          value={dollars(perHourUsd)}
          basis={perHourUsd === undefined ? unpriced : 'GPUs that run and what is paid either way'}
        />
        <Figure
          label="Today (UTC)"
          value={dollars(today.usd)}
          basis={caps?.perDayUsd === undefined ? 'no cap on the day' : `cap ${dollars(caps.perDayUsd)!}`}
        />
        <Figure
          label="This month"
          value={dollars(month.usd)}
          basis={
            month.forecastUsd === undefined
              ? 'no forecast'
              : `about ${dollars(month.forecastUsd)!} at its end, at the pace of the last 24 h${caps?.perMonthUsd === undefined ? '; no cap' : `; cap ${dollars(caps.perMonthUsd)!}`}`
          }
        />
      </dl>
      {month.costs !== undefined && month.usd !== undefined && month.usd > 0 && (
        <SplitBar
          label="This month by what it was for"
          parts={components.map((component) => ({ name: componentWords[component], value: month.costs![component] }))}
          format={(value) => usd(value)}
        />
      )}
    </Card>
  );
}

const urgencies = { now: 'bad', soon: 'warn', 'when you can': 'calm' } as const;

function WhatShouldIDo({ status }: OfStatus) {
  const report = useTopic<MoneyReport>('money/report');
  const spend = useTopic<SpendNowView>('money/now');
  const fleet = useTopic<FleetReport | null>('fleet');
  const audits = useTopic<CacheAuditsView>('cache/audits');
  const alerts = useTopic<AlertsView>('alerts');
  if (status === undefined || fleet === undefined) return <Waiting id="do" title="What should I do?" size="broad" />;
  return (
    <Actions
      of={status}
      facts={{
        status: status.value,
        report: report?.value,
        spend: spend?.value,
        fleet: fleet.value ?? undefined,
        audits: audits?.value,
        alerts: alerts?.value,
      }}
    />
  );
}

function Actions({ of, facts }: { readonly of: Held<StatusReport>; readonly facts: ActionFacts }) {
  // A replay is worth its second of a core only where idle time costs.
  const asks = facts.fleet !== undefined && actionsOf(facts).some(({ id }) => id === 'idle');
  const idle = useIdleAdvice(asks, settingsTurn.value);
  const actions = actionsOf({ ...facts, idle });
  const apply = async ({ change, effect }: NonNullable<Action['apply']>): Promise<void> => {
    const { runTime } = await call<SettingsView>('/api/settings');
    askToApply({ changes: [change], here: runTime, effect });
  };
  return (
    <Card id="do" title="What should I do?" of={of} size="broad">
      {actions.length === 0 ? (
        <p>Nothing: it runs as it should.</p>
      ) : (
        <ol class="actions">
          {actions.map(({ id, title, why, usdPerMonth, href, link, urgency, apply: applicable }) => (
            <li key={id}>
              <p>
                <strong>{title}</strong> <State tone={urgencies[urgency]}>{urgency}</State>
                {usdPerMonth !== undefined && <span class="worth">about {usd(usdPerMonth * 1e6)} a month</span>}
              </p>
              <p class="soft">{why}</p>
              <p class="row">
                <a href={href}>{link}</a>
                {applicable !== undefined && isOperator() && (
                  <button type="button" onClick={() => void apply(applicable).catch(sayTrouble)}>
                    Apply
                  </button>
                )}
              </p>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

function Tape() {
  const known = requests.value;
  if (known === undefined) return <Waiting id="tape" title="Requests as they finish" />;
  return (
    <Card id="tape" title="Requests as they finish" of={known} size="wide">
      <RequestTable
        label="Last requests"
        records={known.value.slice(0, tapeLength)}
        empty="None yet. Ask it something, twice: the second answer comes from the cache."
      />
      <p>
        <a href="/requests">All requests, with filters</a>
      </p>
    </Card>
  );
}
