/** Who answers: rented machines with what they cost, and servers of your own. */
import type {
  FleetHistory,
  FleetReport,
  LedgerBucketsView,
  StatusReport,
  ThinkerReportView,
} from '../../../admin/admin-types.ts';
import { formatBytes, formatDuration } from '../../../core/format.ts';
import { dateTime, dash, usd, whole } from '../../model/format.ts';
import { spansOf, stillBilling, useBySubject } from '../../model/rentals.ts';
import { useTopic, type Held } from '../live.ts';
import { Card, Figure, Waiting } from '../ui/card.tsx';
import { Meter } from '../ui/meter.tsx';
import { RentalTimeline } from '../ui/rental-timeline.tsx';
import { SplitBar } from '../ui/split-bar.tsx';
import { State, type Tone } from '../ui/state.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';
import { Benched, FleetButtons } from './fleet-commands.tsx';
import { Machines } from './fleet-machines.tsx';
import { Offers } from './fleet-offers.tsx';

export function FleetPage() {
  const fleet = useTopic<FleetReport | null>('fleet');
  return (
    <>
      <h1 tabIndex={-1}>Fleet</h1>
      <div class="cards">
        {fleet === undefined ? <Waiting id="fleet" title="Rented machines" size="wide" /> : <Rented fleet={fleet} />}
        <Thinkers />
      </div>
    </>
  );
}

function Rented({ fleet }: { readonly fleet: Held<FleetReport | null> }) {
  const { value } = fleet;
  if (value === null)
    return (
      <Card id="fleet" title="Rented machines" of={fleet} size="wide">
        <p>Nothing is rented: no fleet is configured.</p>
        <p class="soft">
          Set <code>fleet.provider</code>, <code>fleet.model</code> and <code>fleet.caps</code>, and give the key of
          your account; then GPUs are rented when somebody asks, and given back when nobody does.
        </p>
      </Card>
    );
  const held = { ...fleet, value };
  return (
    <>
      <Standing fleet={held} />
      <Spend fleet={held} />
      <Machines fleet={held} />
      <OverTime fleet={held} />
      <ByMachine />
      <Offers />
      <Benched fleet={held} />
    </>
  );
}

const tones: Readonly<Record<FleetReport['state'], Tone>> = {
  serving: 'good',
  starting: 'warn',
  asleep: 'calm',
  stopped: 'warn',
  exhausted: 'bad',
  refused: 'bad',
  unknown: 'bad',
};

export interface OfFleet {
  readonly fleet: Held<FleetReport>;
}

function Standing({ fleet }: OfFleet) {
  const { state, says, target, reasons, floor, demand, model, provider, name } = fleet.value;
  const billing = stillBilling(fleet.value);
  return (
    <Card id="fleet" title="Rented machines" of={fleet} size="broad">
      <p class="verdict">
        <State tone={tones[state]}>{state}</State>
      </p>
      <p>{says}</p>
      <dl class="figures">
        <Figure
          label="Still billing"
          value={
            <State tone={billing.machines === 0 ? 'good' : 'warn'}>
              {billing.machines === 0 ? 'nothing' : `${billing.machines} machine${billing.machines === 1 ? '' : 's'}`}
            </State>
          }
          basis={
            billing.machines === 0
              ? 'the market charges for no machine of ours'
              : `${usd(billing.perHourUsd * 1e6)} an hour, disks of stopped machines included`
          }
        />
        <Figure
          label="Wanted"
          value={`${target} machine${target === 1 ? '' : 's'}`}
          basis={
            floor === undefined
              ? (reasons[0] ?? 'nobody asks')
              : `at least ${floor.workers} until ${dateTime(floor.until)}`
          }
        />
        <Figure
          label="Asked of it"
          value={demand === undefined ? undefined : `${whole(demand.tokensPerS)} tokens/s`}
          basis={
            demand === undefined
              ? 'not measured yet'
              : `${whole(demand.running)} running, ${whole(demand.queued)} waiting${demand.queued > 0 ? `, the oldest for ${formatDuration(demand.oldestQueuedS)}` : ''}; over 5 min`
          }
        />
      </dl>
      {reasons.length > 1 && (
        <ul class="soft">
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      <p class="soft">
        {model} on {provider}, fleet {name}.
      </p>
      <FleetButtons fleet={fleet.value} />
    </Card>
  );
}

function Spend({ fleet }: OfFleet) {
  const { perHourUsd, dayUsd, monthUsd, caps } = fleet.value.spend;
  return (
    <Card id="spend" title="Spent, and allowed" of={fleet}>
      <Meter label="An hour, now" value={perHourUsd} max={caps.perHourUsd} />
      <Meter label="Today" value={dayUsd} max={caps.perDayUsd} />
      <Meter label="This month" value={monthUsd} max={caps.perMonthUsd} />
      <p class="soft">
        Nothing is rented that could pass one of these.{' '}
        {caps.perRentalUsd !== undefined && `A machine is replaced at ${usd(caps.perRentalUsd * 1e6)}.`}
      </p>
    </Card>
  );
}

const windowMs = 24 * 3_600_000;

function OverTime({ fleet }: OfFleet) {
  const { held, trouble, reload } = useResource<FleetHistory>('/api/fleet/history?limit=200');
  if (held === undefined && trouble === '') return <Waiting id="over-time" title="Machines over time" size="wide" />;
  const rentals = held?.value.rentals ?? [];
  // By the clock of the fleet, which is also that of its rentals.
  const to = fleet.value.at ?? held?.at ?? 0;
  const oldest = Math.min(to, ...rentals.map(({ createdAt }) => createdAt));
  // A young fleet fills the drawing.
  const from = Math.max(to - windowMs, oldest - (to - oldest) * 0.05);
  const spans = spansOf(rentals, { from, to });
  return (
    <Card id="over-time" title="Machines over time" of={held} size="wide">
      {trouble !== '' && <p class="bad-text">■ {trouble}</p>}
      {spans.length === 0 ? (
        <p class="soft">None in the last day.</p>
      ) : (
        <RentalTimeline spans={spans} from={from} to={to} />
      )}
      <Table
        label="Rentals"
        rows={rentals.slice(0, 20)}
        keyOf={({ label }) => label}
        empty="Nothing was rented yet."
        columns={[
          { name: 'Machine', cell: ({ instanceId, label }) => instanceId ?? label },
          { name: 'GPU', cell: ({ gpu }) => <span class="name">{gpu}</span> },
          { name: 'Rented', cell: ({ createdAt }) => <span class="name">{dateTime(createdAt)}</span> },
          {
            name: 'Ready after',
            kind: 'number',
            cell: ({ createdAt, readyAt }) =>
              readyAt === undefined ? dash : formatDuration((readyAt - createdAt) / 1000),
          },
          { name: 'Phase', cell: ({ phase }) => phase },
          { name: 'Why', cell: ({ reason }) => <span class="text">{reason}</span> },
          { name: 'Came to', cell: ({ outcome, endReason }) => <span class="text">{endReason ?? outcome}</span> },
          { name: 'An hour', kind: 'number', cell: ({ pricePerHourUsd }) => usd(pricePerHourUsd * 1e6) },
          { name: 'Spent', kind: 'number', cell: ({ spentUsd }) => usd(spentUsd * 1e6) },
        ]}
      />
      <button type="button" onClick={reload}>
        Look again
      </button>
    </Card>
  );
}

function ByMachine() {
  const { held } = useResource<LedgerBucketsView>('/api/ledger/buckets?days=30&step=day');
  if (held === undefined) return <Waiting id="by-machine" title="What each machine was paid for" size="wide" />;
  const uses = useBySubject(held.value).slice(0, 12);
  return (
    <Card id="by-machine" title="What each machine was paid for" of={held} size="wide">
      <p class="soft">GPU time of the last 30 days, the dearest first.</p>
      {uses.length === 0 && <p class="soft">No GPU time was billed.</p>}
      {uses.map(({ subject, busyS, idleS, coldS, usd: dollars }) => (
        <div key={subject} class="use">
          <h3>
            {subject} <span class="soft">{usd(dollars * 1e6)}</span>
          </h3>
          <SplitBar
            label={`GPU time of ${subject}`}
            parts={[
              { name: 'busy', value: busyS },
              { name: 'idle', value: idleS },
              { name: 'starting', value: coldS },
            ]}
            format={formatDuration}
          />
        </div>
      ))}
    </Card>
  );
}

const thinkerTones: Readonly<Record<string, Tone>> = { ready: 'good', loading: 'warn', draining: 'warn' };

function Thinkers() {
  const status = useTopic<StatusReport>('status');
  if (status === undefined) return <Waiting id="thinkers" title="Thinkers" size="wide" />;
  return (
    <Card id="thinkers" title="Thinkers" of={status} size="wide">
      <Table
        label="Thinkers"
        rows={status.value.thinkers}
        keyOf={({ name }) => name}
        empty="None. Start Ollama on this machine, list your servers under `thinkers`, or rent."
        columns={[
          { name: 'Name', cell: ({ name }) => name },
          { name: 'Kind', cell: ({ kind }) => (kind === 'simulated' ? <State tone="warn">simulated</State> : kind) },
          { name: 'State', cell: (thinker) => <ThinkerState {...thinker} /> },
          { name: 'Busy', kind: 'number', cell: ({ inFlight, maxConcurrency }) => `${inFlight} of ${maxConcurrency}` },
          { name: 'In memory', cell: ({ loaded }) => loaded.join(', ') || dash },
          {
            name: 'GPU memory',
            kind: 'number',
            cell: ({ vramUsedBytes }) => (vramUsedBytes === undefined ? dash : formatBytes(vramUsedBytes)),
          },
          { name: 'Models', cell: ({ models }) => <span class="text">{models.join(', ') || dash}</span> },
          { name: 'At', cell: ({ url }) => <code>{url}</code> },
        ]}
      />
    </Card>
  );
}

function ThinkerState({ state, lastError }: ThinkerReportView) {
  return (
    <>
      <State tone={thinkerTones[state] ?? 'bad'}>{state}</State>
      {lastError !== undefined && state !== 'ready' && <span class="basis">{lastError}</span>}
    </>
  );
}
