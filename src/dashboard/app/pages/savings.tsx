/** What it cost, what it saved and against what; and the promises of the product, measured. */
import type { ClaimsReport, LedgerBucketsView, MoneyReport } from '../../../admin/admin-types.ts';
import { dateTime, intervalWords, share, usd, whole } from '../../model/format.ts';
import { spendByDay } from '../../model/spend-by-day.ts';
import { waterfallOf } from '../../model/waterfall.ts';
import { place, setQuery } from '../router.ts';
import { BreakEven } from '../ui/break-even.tsx';
import { Card, Figure, Waiting } from '../ui/card.tsx';
import { StackedBars } from '../ui/stacked-bars.tsx';
import { Table } from '../ui/table.tsx';
import { useResource, type Resource } from '../ui/use-resource.ts';
import { Waterfall } from '../ui/waterfall.tsx';
import { Baselines } from './baselines.tsx';
import { Claims } from './claims.tsx';

const windows = [1, 7, 30, 90, 365] as const;
const daysDefault = 30;

export function SavingsPage() {
  const asked = Number(place.value.query.get('days') ?? daysDefault);
  const days = windows.find((each) => each === asked) ?? daysDefault;
  const report = useResource<MoneyReport>(`/api/money/report?days=${days}`);
  const claims = useResource<ClaimsReport>(`/api/money/claims?days=${days}`);
  const buckets = useResource<LedgerBucketsView>(`/api/ledger/buckets?days=${days}&step=day`);
  return (
    <>
      <h1 tabIndex={-1}>Savings</h1>
      <div class="row">
        <label for="days">
          Window{' '}
          <select
            id="days"
            value={String(days)}
            onChange={({ currentTarget }) => setQuery({ days: currentTarget.value })}
          >
            {windows.map((each) => (
              <option key={each} value={String(each)}>
                {each === 1 ? 'last day' : `last ${each} days`}
              </option>
            ))}
          </select>
        </label>
        <a class="button" href={`/api/ledger/export?format=csv&days=${days}`} download>
          Ledger as CSV
        </a>
        <a class="button" href={`/api/ledger/export?format=json&days=${days}`} download>
          as JSON
        </a>
      </div>
      <div class="cards">
        <Bill report={report} />
        <Saved report={report} />
        <Claims claims={claims} />
        <ByDay buckets={buckets} />
        <FromCloud report={report} />
        <Return report={report} />
        <Baselines report={report} />
        <PaysFrom report={report} />
        <Drift report={report} />
      </div>
    </>
  );
}

interface OfReport {
  readonly report: Resource<MoneyReport>;
}

/** Of what a resource could not tell. */
const Trouble = ({ of }: { readonly of: Resource<unknown> }) =>
  of.trouble === '' ? null : <p class="bad-text">■ {of.trouble}</p>;

const dollars = (value: number | undefined): string | undefined => (value === undefined ? undefined : usd(value * 1e6));

function Bill({ report }: OfReport) {
  if (report.held === undefined) return <Waiting id="bill" title="What it cost" />;
  const { value } = report.held;
  return (
    <Card id="bill" title="What it cost" of={report.held}>
      <Trouble of={report} />
      <dl class="figures">
        <Figure
          label={`Paid in ${value.days.toFixed(1)} days`}
          value={dollars(value.costUsd)}
          basis={
            value.costUsd === undefined
              ? 'unpriced: give your thinkers a costPerHourUsd'
              : `${dollars(value.costPerMonthUsd)!} a month at this pace`
          }
        />
        <Figure
          label="A question"
          value={dollars(value.perQueryUsd)}
          basis={`all in, of ${whole(value.queries)} answers; a miss ${dollars(value.perMissUsd) ?? 'unpriced'} of GPU, a hit none`}
        />
        <Figure
          label="GPU time used"
          value={value.gpu.utilisation === undefined ? undefined : share(value.gpu.utilisation)}
          basis={`of ${value.gpu.billedHours.toFixed(1)} billed hours: ${value.gpu.busyHours.toFixed(1)} busy, ${value.gpu.idleHours.toFixed(1)} idle, ${value.gpu.coldHours.toFixed(1)} starting`}
        />
      </dl>
    </Card>
  );
}

const basisWords = {
  'cloud-gpu': 'at the price of a cloud GPU',
  'token-api': 'at the price of an API',
  'same-fleet': 'at what this fleet costs',
} as const;

function Saved({ report }: OfReport) {
  if (report.held === undefined) return <Waiting id="saved" title="What the cache saved" size="broad" />;
  const { cacheSaved, hitShare, hits, queries, falseHits, qualityAdjustedUsd, days } = report.held.value;
  const { estimate, basis } = cacheSaved;
  return (
    <Card id="saved" title="What the cache saved" of={report.held} size="broad">
      <dl class="figures">
        <Figure
          label={`Saved in ${days.toFixed(1)} days`}
          value={estimate.kind === 'estimate' ? dollars(estimate.usd) : undefined}
          basis={
            estimate.kind === 'estimate'
              ? `${intervalWords(estimate)}; ${basisWords[basis]}; ${estimate.method}`
              : `${estimate.kind === 'unpriced' ? 'unpriced' : 'not enough data'}: ${estimate.why}`
          }
        />
        <Figure
          label="Answered from the cache"
          value={hitShare === undefined ? undefined : share(hitShare)}
          basis={`${whole(hits)} of ${whole(queries)} answers, bypasses included; ${
            falseHits === undefined
              ? 'wrong hits not measured'
              : `wrong semantic hits at most ${share(falseHits.high)}, of ${whole(falseHits.audited)} audited`
          }`}
        />
        {qualityAdjustedUsd !== undefined && (
          <Figure
            label="Less what wrong answers cost"
            value={dollars(qualityAdjustedUsd.estimate)}
            basis={`at worst ${dollars(qualityAdjustedUsd.low)!}, with the cache's own cost`}
          />
        )}
      </dl>
    </Card>
  );
}

function ByDay({ buckets }: { readonly buckets: Resource<LedgerBucketsView> }) {
  if (buckets.held === undefined) return <Waiting id="by-day" title="Paid by day" size="wide" />;
  const { series, bars, total } = spendByDay(buckets.held.value);
  return (
    <Card id="by-day" title="Paid by day" of={buckets.held} size="wide">
      <Trouble of={buckets} />
      {bars.length === 0 ? (
        <p class="soft">Nothing was billed in this window.</p>
      ) : (
        <StackedBars
          label="Paid by day"
          of="Day (UTC)"
          summary={`${dollars(total)!} in ${bars.length} days with costs.`}
          series={series}
          bars={bars}
          format={(value) => usd(value * 1e6)}
        />
      )}
    </Card>
  );
}

function FromCloud({ report }: OfReport) {
  if (report.held === undefined) return <Waiting id="waterfall" title="Where the difference comes from" size="broad" />;
  const steps = waterfallOf(report.held.value);
  return (
    <Card id="waterfall" title="Where the difference comes from" of={report.held} size="broad">
      {steps === undefined ? (
        <p class="soft">
          Not to be said yet: it needs billed GPU time with a price.{' '}
          {report.held.value.baselines.find(({ usd: each }) => each === undefined)?.says}
        </p>
      ) : (
        <Waterfall steps={steps} />
      )}
    </Card>
  );
}

function PaysFrom({ report }: OfReport) {
  if (report.held === undefined) return <Waiting id="break-even" title="From when the cache pays" size="broad" />;
  const { breakEven, hitShare } = report.held.value;
  return (
    <Card id="break-even" title="From when the cache pays" of={report.held} size="broad">
      {breakEven.from === undefined ? (
        <p class="soft">– {breakEven.why}</p>
      ) : (
        <>
          <BreakEven {...breakEven.from} at={breakEven.share} hitShare={hitShare} />
          <p class="soft">
            {whole(breakEven.from.queriesPerMonth)} questions a month, {dollars(breakEven.from.cachePerMonthUsd)} for
            the cache, {dollars(breakEven.from.worthOfHitUsd)} a hit after wrong answers: {breakEven.why}.
          </p>
        </>
      )}
    </Card>
  );
}

function Return({ report }: OfReport) {
  if (report.held === undefined) return <Waiting id="roi" title="Return" />;
  const { roi } = report.held.value;
  return (
    <Card id="roi" title="Return" of={report.held}>
      {roi === undefined ? (
        <p class="soft">
          – Say what it cost you once and each month (<code>money.operator</code>), with a baseline that is priced.
        </p>
      ) : (
        <dl class="figures">
          <Figure
            label={`In ${roi.months} months, with your time`}
            value={share(roi.withOperator)}
            basis="(savings − money and work) ÷ money and work"
          />
          <Figure
            label="Without your time"
            value={roi.withoutOperator === undefined ? undefined : share(roi.withoutOperator)}
            basis={roi.withoutOperator === undefined ? 'no money was spent once' : '(savings − money) ÷ money'}
          />
        </dl>
      )}
    </Card>
  );
}

function Drift({ report }: OfReport) {
  if (report.held === undefined) return <Waiting id="drift" title="Our meter against the market's bill" />;
  const { drift } = report.held.value;
  return (
    <Card id="drift" title="Our meter against the market's bill" of={report.held}>
      <Table
        label="Drift"
        rows={drift.toReversed().slice(0, 14)}
        keyOf={({ at }) => String(at)}
        empty="The market has charged nothing yet that could be compared."
        columns={[
          { name: 'Day (UTC)', cell: ({ at }) => <span class="name">{dateTime(at).slice(0, 10)}</span> },
          { name: 'Metered', kind: 'number', cell: ({ meteredUsd }) => dollars(meteredUsd) },
          { name: 'Charged', kind: 'number', cell: ({ chargedUsd }) => dollars(chargedUsd) },
          { name: 'Drift', kind: 'number', cell: ({ drift: each }) => share(each) },
        ]}
      />
    </Card>
  );
}
