/** The traffic that was recorded, replayed under other settings. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type {
  RunTimeSettingView,
  WhatIfChange,
  WhatIfReply,
  WhatIfReport,
  WhatIfRequest,
} from '../../../admin/admin-types.ts';
import { dateTime, share, whole } from '../../model/format.ts';
import { changeOf, knobs, rowsOf, valueOf, type Knob } from '../../model/what-if-form.ts';
import { effectOf, proposalOf } from '../../model/run-time.ts';
import { ApiError, call, isOperator, wordsOf } from '../api.ts';
import type { Held } from '../live.ts';
import { place, setQuery } from '../router.ts';
import { Card } from '../ui/card.tsx';
import { State } from '../ui/state.tsx';
import { Table } from '../ui/table.tsx';
import { askToApply, useRunTimeSettings } from './apply-setting.tsx';

const windows = [1, 7, 30] as const;
const daysDefault = 7;
/** After the last move of a slider. */
const restMs = 400;
const busyMs = 1_000;

export function WhatIfPage() {
  const { query } = place.value;
  const days = windows.find((each) => each === Number(query.get('days'))) ?? daysDefault;
  const here = useRunTimeSettings().held?.value.runTime;
  return (
    <>
      <h1 tabIndex={-1}>What if</h1>
      <div class="cards">
        <Settings days={days} here={here} />
        <Result days={days} here={here} />
      </div>
    </>
  );
}

interface OfDays {
  readonly days: number;
  /** Settings that hold without a restart; undefined while they are not known. */
  readonly here: readonly RunTimeSettingView[] | undefined;
}

function Settings({ days, here }: OfDays) {
  const { query } = place.value;
  const moved = knobs.filter(({ name }) => query.has(name));
  // A fixed threshold keeps no share.
  const keepsShare = here?.some(({ name }) => name === 'cache.falseHitShareMax') ?? false;
  const shown = knobs.filter(({ name }) => name !== 'target' || keepsShare);
  return (
    <Card id="knobs" title="Settings to try">
      <form class="fields" onSubmit={(event) => event.preventDefault()}>
        <label for="what-if-days">
          Traffic of
          <select
            id="what-if-days"
            value={String(days)}
            onChange={({ currentTarget }) => setQuery({ days: currentTarget.value })}
          >
            {windows.map((each) => (
              <option key={each} value={String(each)}>
                {each === 1 ? 'the last day' : `the last ${each} days`}
              </option>
            ))}
          </select>
        </label>
        {shown.map((knob) =>
          knob.choices === undefined ? (
            <Slider key={knob.name} knob={knob} value={valueOf(query, knob.name)} />
          ) : (
            <Choice key={knob.name} knob={knob} choices={knob.choices} value={valueOf(query, knob.name)} />
          ),
        )}
      </form>
      {moved.length > 0 && (
        <button type="button" onClick={() => setQuery(Object.fromEntries(moved.map(({ name }) => [name, undefined])))}>
          As it was
        </button>
      )}
      <p class="soft">A replay changes nothing. What was moved stands in the address.</p>
    </Card>
  );
}

const move = ({ name, insteadOf }: Knob, value: string): void =>
  setQuery({ ...(insteadOf !== undefined && { [insteadOf]: undefined }), [name]: value });

interface ChoiceProps {
  readonly knob: Knob;
  readonly choices: readonly number[];
  readonly value: number | undefined;
}

function Choice({ knob, choices, value }: ChoiceProps) {
  const { name, label, words } = knob;
  const id = `knob-${name}`;
  return (
    <label for={id}>
      {label}
      <select
        id={id}
        value={value === undefined ? '' : String(value)}
        onChange={({ currentTarget }) => move(knob, currentTarget.value)}
      >
        <option value="">as it was</option>
        {choices.map((each) => (
          <option key={each} value={String(each)}>
            {words(each)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Slider({ knob, value }: { readonly knob: Knob; readonly value: number | undefined }) {
  const { name, label, min, max, step, start, words } = knob;
  const id = `knob-${name}`;
  return (
    <div class="knob">
      <label for={id}>
        {label}: <strong>{value === undefined ? 'as it was' : words(value)}</strong>
      </label>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value ?? start}
        aria-valuetext={value === undefined ? 'as it was' : words(value)}
        onInput={({ currentTarget }) => move(knob, currentTarget.value)}
      />
    </div>
  );
}

function Result({ days, here }: OfDays) {
  const held = useSignal<Held<WhatIfReport> | undefined>(undefined);
  const trouble = useSignal('');
  const isBusy = useSignal(true);
  const turn = useRef(0);
  const change = changeOf(place.value.query);
  const wanted = JSON.stringify({ days, change });

  useEffect(() => {
    const mine = (turn.current += 1);
    const gone = new AbortController();
    isBusy.value = true;
    let timer = window.setTimeout(() => void run(), restMs);
    async function run(): Promise<void> {
      const body: WhatIfRequest = { days, changes: [change] };
      try {
        const { reports } = await call<WhatIfReply>('/api/money/whatif', { method: 'POST', body, signal: gone.signal });
        if (mine !== turn.current) return;
        held.value = { value: reports[0]!, at: Date.now(), heardAtMs: performance.now() };
        trouble.value = '';
        isBusy.value = false;
      } catch (error) {
        if (mine !== turn.current || gone.signal.aborted) return;
        // One replay at a time: that of the setting before may still run.
        if (error instanceof ApiError && error.status === 429) {
          timer = window.setTimeout(() => void run(), busyMs);
          return;
        }
        trouble.value = wordsOf(error);
        isBusy.value = false;
      }
    }
    return () => {
      window.clearTimeout(timer);
      gone.abort();
    };
  }, [wanted]);

  const report = held.value?.value;
  const isAsItWas = Object.keys(change).length === 0;
  return (
    <Card id="result" title="What it would have been" size="broad">
      {trouble.value !== '' && <p class="bad-text">■ {trouble.value}</p>}
      <p class="soft" role="status">
        {isBusy.value
          ? 'replaying …'
          : report === undefined
            ? ''
            : `${whole(report.asks)} questions from ${dateTime(report.from)} on were replayed.`}
      </p>
      {report !== undefined && (
        <>
          <Table
            label="Recorded and replayed"
            rows={rowsOf(report)}
            keyOf={({ name }) => name}
            columns={[
              { name: 'Figure', cell: ({ name }) => name },
              { name: 'Recorded', kind: 'number', cell: ({ recorded }) => recorded },
              { name: isAsItWas ? 'Replayed' : 'Would have been', kind: 'number', cell: ({ scenario }) => scenario },
              {
                name: 'Difference',
                kind: 'number',
                cell: ({ difference, better }) =>
                  better === undefined ? '' : <State tone={better ? 'good' : 'warn'}>{difference}</State>,
              },
            ]}
          />
          {here !== undefined && isOperator() && (
            <Apply report={report} change={change} here={here} isBusy={isBusy.value} />
          )}
          <h3>How far this can be known</h3>
          <ul>
            <li>
              Replayed at the recorded settings, {share(report.agreement)} of the questions get the answer they got.
              {report.fleetModelError === undefined
                ? ''
                : ` The replayed fleet costs ${share(report.fleetModelError)} more than the real one did.`}
            </li>
            {report.reach.map((says) => (
              <li key={says}>{says}</li>
            ))}
          </ul>
        </>
      )}
    </Card>
  );
}

interface ApplyProps {
  readonly report: WhatIfReport;
  readonly change: WhatIfChange;
  readonly here: readonly RunTimeSettingView[];
  readonly isBusy: boolean;
}

/** Of what was moved, the settings that hold without a restart. */
function Apply({ report, change, here, isBusy }: ApplyProps) {
  const { changes, others } = proposalOf(change, here);
  if (changes.length === 0) return null;
  const left = knobs.filter(({ name }) => others.includes(name)).map(({ label }) => label);
  return (
    <p class="row">
      <button
        type="button"
        disabled={isBusy || left.length > 0}
        onClick={() => askToApply({ changes, here, effect: effectOf(report) })}
      >
        Apply
      </button>
      {left.length > 0 && <span class="soft">Not with what cannot be changed while it runs: {left.join(', ')}.</span>}
    </p>
  );
}
