/** What is watched, how it stands, who is told, and what was told. */
import type {
  AlertChannelView,
  AlertHistoryView,
  AlertsView,
  AlertTestRequest,
  AlertTestView,
  AlertView,
  SilenceRequest,
  SilenceView,
  SpendNowView,
} from '../../../admin/admin-types.ts';
import { formatDuration } from '../../../core/format.ts';
import { dateTime, dash, usd, whole } from '../../model/format.ts';
import { byUrgency } from '../../model/alert-order.ts';
import { call, isOperator } from '../api.ts';
import { useTopic, type Held } from '../live.ts';
import { Card, Waiting } from '../ui/card.tsx';
import { ask } from '../ui/confirm.tsx';
import { Meter } from '../ui/meter.tsx';
import { State, type Tone } from '../ui/state.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';

export function AlertsPage() {
  const alerts = useTopic<AlertsView>('alerts');
  return (
    <>
      <h1 tabIndex={-1}>Alerts and budgets</h1>
      <div class="cards">
        {alerts === undefined ? <Waiting id="rules" title="Rules" size="broad" /> : <Standing alerts={alerts} />}
        <Budgets />
        {alerts !== undefined && (
          <>
            <Rules alerts={alerts} />
            <Channels alerts={alerts} />
            <Silences alerts={alerts} />
          </>
        )}
        <Told />
      </div>
    </>
  );
}

interface OfAlerts {
  readonly alerts: Held<AlertsView>;
}

const levelTones: Readonly<Record<AlertView['level'], Tone>> = { ok: 'good', warn: 'warn', alert: 'bad' };
const levelWords: Readonly<Record<AlertView['level'], string>> = { ok: 'quiet', warn: 'warning', alert: 'firing' };

function RuleState({ level, pending, silenced }: AlertView) {
  return (
    <>
      <State tone={levelTones[level]}>{levelWords[level]}</State>
      {(pending || silenced) && (
        <span class="basis">
          {[...(pending ? ['about to fire'] : []), ...(silenced ? ['silenced'] : [])].join(', ')}
        </span>
      )}
    </>
  );
}

function Standing({ alerts }: OfAlerts) {
  const { rules, channels } = alerts.value;
  const loud = byUrgency(rules).filter(({ level, pending }) => level !== 'ok' || pending);
  return (
    <Card id="standing" title="Now" of={alerts} size="broad">
      <p class="verdict">
        {loud.length === 0 ? (
          <State tone="good">All {rules.length} rules are quiet</State>
        ) : (
          <State tone={loud.some(({ level }) => level === 'alert') ? 'bad' : 'warn'}>
            {loud.length} of {rules.length} rules are not quiet
          </State>
        )}
      </p>
      {channels.length === 0 && (
        <p>
          <State tone="warn">nobody is told</State>{' '}
          <span class="soft">no channel is configured: add one under alerts.channels</span>
        </p>
      )}
      {loud.map((rule) => (
        <section key={rule.name} class="machine" aria-label={rule.name}>
          <h3>
            {rule.name} <RuleState {...rule} />
          </h3>
          <p>{rule.summary}</p>
          <p>
            <strong>First:</strong> {rule.action}
          </p>
          <p class="soft">
            {rule.since === undefined ? '' : `Since ${dateTime(rule.since)}. `}
            {rule.values
              .map(({ labels, value }) => `${labels === '' ? 'value' : labels}: ${Number(value.toPrecision(4))}`)
              .join('; ')}{' '}
            Runbook: <code>{rule.runbook}</code>
          </p>
        </section>
      ))}
    </Card>
  );
}

function Budgets() {
  const spend = useTopic<SpendNowView>('money/now');
  if (spend === undefined) return <Waiting id="budgets" title="Budgets" />;
  const { today, month, caps } = spend.value;
  return (
    <Card id="budgets" title="Budgets" of={spend}>
      {today.usd === undefined || month.usd === undefined ? (
        <p class="soft">– unpriced: give your thinkers a costPerHourUsd.</p>
      ) : (
        <>
          <Meter label="Today (UTC)" value={today.usd} max={caps?.perDayUsd} />
          <Meter label="This month" value={month.usd} max={caps?.perMonthUsd} />
          <p>
            At its end about <strong>{usd((month.forecastUsd ?? 0) * 1e6)}</strong>,{' '}
            <span class="soft">at the pace of the last 24 h.</span>
          </p>
        </>
      )}
      <p class="soft">
        Caps are set under <code>fleet.caps</code>; nothing is rented that could pass one.
      </p>
    </Card>
  );
}

function Rules({ alerts }: OfAlerts) {
  return (
    <Card id="rules" title="Rules" of={alerts} size="wide">
      <Table
        label="Rules"
        rows={byUrgency(alerts.value.rules)}
        keyOf={({ name }) => name}
        columns={[
          {
            name: 'Rule',
            cell: ({ name, summary }) => (
              <span class="text">
                {name}
                <span class="basis">{summary}</span>
              </span>
            ),
          },
          { name: 'Stands', cell: (rule) => <RuleState {...rule} /> },
          {
            name: 'Since',
            cell: ({ since }) => (since === undefined ? dash : <span class="name">{dateTime(since)}</span>),
          },
          { name: 'Urgency', cell: ({ severity }) => (severity === 'page' ? 'at once' : 'in the morning') },
          {
            name: 'Must hold',
            kind: 'number',
            cell: ({ forMs }) => (forMs === 0 ? 'no time' : formatDuration(forMs / 1000)),
          },
          {
            name: 'Condition',
            cell: ({ expression }) => (
              <details>
                <summary>as Prometheus has it</summary>
                <code class="text">{expression}</code>
              </details>
            ),
          },
          ...(isOperator()
            ? [
                {
                  name: 'Change',
                  cell: ({ name }: AlertView) => (
                    <button type="button" aria-label={`Silence ${name}`} onClick={() => askToSilence(name)}>
                      Silence
                    </button>
                  ),
                },
              ]
            : []),
        ]}
      />
    </Card>
  );
}

const silenceTimes = [
  { name: 'an hour', forS: 3_600 },
  { name: 'eight hours', forS: 8 * 3_600 },
  { name: 'a day', forS: 86_400 },
  { name: 'a week', forS: 7 * 86_400 },
] as const;

function askToSilence(rule: string): void {
  const draft = { forS: 3_600, comment: '' };
  ask({
    title: rule === '*' ? 'Silence everything?' : `Silence ${rule}?`,
    effect: (
      <>
        <p>
          {rule === '*' ? 'No message about anything' : 'No message about it'} is sent to any channel for this time. It
          is still watched, shown here, and written down.
        </p>
        <div class="fields">
          <label>
            For
            <select onChange={({ currentTarget }) => (draft.forS = Number(currentTarget.value))}>
              {silenceTimes.map(({ name, forS }) => (
                <option key={name} value={String(forS)}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label>
            Why (for others)
            <input type="text" maxLength={500} onInput={({ currentTarget }) => (draft.comment = currentTarget.value)} />
          </label>
        </div>
      </>
    ),
    action: 'Silence',
    run: async () => {
      const body: SilenceRequest = { rule, forS: draft.forS, ...(draft.comment !== '' && { comment: draft.comment }) };
      const silence = await call<SilenceView>('/api/alerts/silences', { method: 'POST', body });
      return `Silent until ${dateTime(silence.until)}.`;
    },
  });
}

const outcomeTones = { sent: 'good', failed: 'bad', dropped: 'warn' } as const;

function Channels({ alerts }: OfAlerts) {
  const { channels } = alerts.value;
  return (
    <Card id="channels" title="Who is told" of={alerts} size="wide">
      <Table
        label="Channels"
        rows={channels}
        keyOf={({ name }) => name}
        empty="Nobody: no channel is configured. Add a webhook, Slack, Discord, ntfy or a mailbox under alerts.channels, and start again."
        columns={[
          { name: 'Channel', cell: ({ name }) => name },
          { name: 'Kind', cell: ({ kind }) => kind },
          { name: 'From', cell: ({ levelMin }) => levelMin },
          { name: 'Waiting', kind: 'number', cell: ({ waiting }) => whole(waiting) },
          {
            name: 'Last message',
            cell: ({ last }: AlertChannelView) =>
              last === undefined ? (
                dash
              ) : (
                <>
                  <State tone={outcomeTones[last.outcome]}>{last.outcome}</State>{' '}
                  <span class="name">{dateTime(last.at)}</span>
                  {last.error !== undefined && <span class="basis">{last.error}</span>}
                </>
              ),
          },
          ...(isOperator()
            ? [
                {
                  name: 'Test',
                  cell: ({ name }: AlertChannelView) => (
                    <button type="button" aria-label={`Send a test to ${name}`} onClick={() => askToTest(name)}>
                      Send a test
                    </button>
                  ),
                },
              ]
            : []),
        ]}
      />
    </Card>
  );
}

function askToTest(channel: string): void {
  ask({
    title: `Send a test to ${channel}?`,
    effect: <p>One message that says it is a test goes out now.</p>,
    action: 'Send',
    run: async () => {
      const body: AlertTestRequest = { channel };
      const { results } = await call<AlertTestView>('/api/alerts/test', { method: 'POST', body });
      const failed = results.find(({ sent }) => !sent);
      if (failed !== undefined)
        throw new Error(`${failed.channel} did not take it: ${failed.error ?? 'no reason was told'}`);
      return `${channel} took the test message.`;
    },
  });
}

function Silences({ alerts }: OfAlerts) {
  const { silences } = alerts.value;
  return (
    <Card id="silences" title="Silences" of={alerts} size="wide">
      <Table
        label="Silences"
        rows={silences}
        keyOf={({ id }) => id}
        empty="Nothing is silenced."
        columns={[
          { name: 'Rule', cell: ({ rule }) => (rule === '*' ? 'everything' : rule) },
          { name: 'Until', cell: ({ until }) => <span class="name">{dateTime(until)}</span> },
          { name: 'Why', cell: ({ comment }) => comment || dash },
          ...(isOperator()
            ? [
                {
                  name: 'Change',
                  cell: ({ id, rule }: SilenceView) => (
                    <button
                      type="button"
                      aria-label={`End the silence of ${rule}`}
                      onClick={() =>
                        ask({
                          title: 'End this silence?',
                          effect: <p>Messages about it are sent again, beginning with what fires now.</p>,
                          action: 'End it',
                          run: async () => {
                            await call(`/api/alerts/silences/${encodeURIComponent(id)}`, { method: 'DELETE' });
                            return 'The silence has ended.';
                          },
                        })
                      }
                    >
                      End
                    </button>
                  ),
                },
              ]
            : []),
        ]}
      />
      {isOperator() && (
        <button type="button" onClick={() => askToSilence('*')}>
          Silence everything
        </button>
      )}
    </Card>
  );
}

const statusTones = { firing: 'bad', resolved: 'good', test: 'calm' } as const;

function Told() {
  const { held, trouble, reload } = useResource<AlertHistoryView>('/api/alerts/history?limit=50');
  return (
    <Card id="told" title="What was told" of={held} size="wide">
      {trouble !== '' && <p class="bad-text">■ {trouble}</p>}
      <Table
        label="Messages"
        rows={held?.value.messages ?? []}
        keyOf={({ id, at }) => `${id} ${at}`}
        empty="Nothing was told yet."
        columns={[
          { name: 'When', cell: ({ at }) => <span class="name">{dateTime(at)}</span> },
          {
            name: 'What',
            cell: ({ status, title }) => (
              <>
                <State tone={statusTones[status]}>{status}</State> {title}
              </>
            ),
          },
          { name: 'Summary', cell: ({ summary }) => <span class="text">{summary}</span> },
          {
            name: 'Arrived',
            cell: ({ deliveries }) =>
              deliveries.length === 0
                ? 'nobody is told'
                : deliveries.map(({ channel, outcome, error }) => (
                    <div key={channel}>
                      <State tone={outcomeTones[outcome]}>
                        {channel} {outcome}
                      </State>
                      {error !== undefined && <span class="basis">{error}</span>}
                    </div>
                  )),
          },
        ]}
      />
      <button type="button" onClick={reload}>
        Look again
      </button>
    </Card>
  );
}
