/** What holds here: the gateway itself, who may ask it, what was changed, and how it is configured. */
import { useSignal } from '@preact/signals';
import type { AuditView, SettingsView, StatusReport } from '../../../admin/admin-types.ts';
import { formatBytes, formatDuration } from '../../../core/format.ts';
import { dateTime } from '../../model/format.ts';
import { useTopic } from '../live.ts';
import { Card, Figure, Waiting } from '../ui/card.tsx';
import { State } from '../ui/state.tsx';
import { Table } from '../ui/table.tsx';
import { useResource, type Resource } from '../ui/use-resource.ts';
import { Doctor } from './doctor.tsx';
import { RunTimeSettings, useRunTimeSettings } from './apply-setting.tsx';
import { ApiKeys } from './api-keys.tsx';

export function SettingsPage() {
  const settings = useRunTimeSettings();
  return (
    <>
      <h1 tabIndex={-1}>Doctor and settings</h1>
      <div class="cards">
        <ThisGateway />
        <Doctor />
        <ApiKeys />
        <RunTimeSettings settings={settings} />
        <Configuration settings={settings} />
        <Audit />
      </div>
    </>
  );
}

function ThisGateway() {
  const status = useTopic<StatusReport>('status');
  if (status === undefined) return <Waiting id="gateway" title="This gateway" size="wide" />;
  const { value } = status;
  return (
    <Card id="gateway" title="This gateway" of={status} size="wide">
      <dl class="figures">
        <Figure label="Version" value={value.version} basis={`up ${formatDuration(value.uptimeS)}`} />
        <Figure
          label="Clients ask at"
          value={<code>{value.gatewayUrl}</code>}
          basis={`operators at ${value.adminUrl}`}
        />
        <Figure
          label="Memory"
          value={formatBytes(value.memory.rssBytes)}
          basis={`of the process; ${formatBytes(value.memory.heapUsedBytes)} of it on the heap`}
        />
        <Figure label="Data" value={<code>{value.dataDir}</code>} />
      </dl>
    </Card>
  );
}

function Configuration({ settings: { held, trouble } }: { readonly settings: Resource<SettingsView> }) {
  const showsAll = useSignal(false);
  const all = held?.value.settings ?? [];
  const changed = all.filter(({ isDefault }) => !isDefault);
  const rows = showsAll.value ? all : changed;
  return (
    <Card id="configuration" title="Configuration" of={held} size="wide">
      {trouble !== '' && <p class="bad-text">■ {trouble}</p>}
      {held !== undefined && (
        <p class="soft">
          {held.value.source === undefined ? (
            'No file; defaults and the environment.'
          ) : (
            <>
              From <code>{held.value.source}</code>.
            </>
          )}{' '}
          {changed.length} of {all.length} options are not as they come. A change of the file needs a restart.
        </p>
      )}
      <Table
        label="Options"
        rows={rows}
        keyOf={({ name }) => name}
        empty="Every option is as it comes."
        columns={[
          { name: 'Option', cell: ({ name }) => <code>{name}</code> },
          { name: 'Value', cell: ({ value }) => <code class="text">{value}</code> },
          {
            name: 'Set',
            cell: ({ isDefault }) =>
              isDefault ? <State tone="calm">default</State> : <State tone="good">by you</State>,
          },
        ]}
      />
      <button type="button" aria-pressed={showsAll.value} onClick={() => (showsAll.value = !showsAll.value)}>
        {showsAll.value ? 'Show what was changed' : 'Show every option'}
      </button>
    </Card>
  );
}

function Audit() {
  const { held, trouble, reload } = useResource<AuditView>('/api/audit?limit=100');
  return (
    <Card id="audit" title="Changes through this port" of={held} size="wide">
      {trouble !== '' && <p class="bad-text">■ {trouble}</p>}
      <p class="soft">
        The last 100, refused ones included; <code>audit.jsonl</code> in the data folder has more.
      </p>
      <Table
        label="Changes"
        rows={held?.value.entries ?? []}
        keyOf={({ at, action, target, status }) => `${at} ${action} ${target} ${status}`}
        empty="Nothing was changed yet."
        columns={[
          { name: 'When', cell: ({ at }) => <span class="name">{dateTime(at)}</span> },
          { name: 'What', cell: ({ action }) => <code>{action}</code> },
          {
            name: 'On',
            cell: ({ target, detail }) => <span class="text">{detail ? `${target} (${detail})` : target}</span>,
          },
          { name: 'As', cell: ({ role, via, session }) => [role ?? 'nobody', via, session].filter(Boolean).join(', ') },
          {
            name: 'Came to',
            cell: ({ status }) =>
              status < 400 ? <State tone="good">done</State> : <State tone="bad">refused {status}</State>,
          },
        ]}
      />
      <button type="button" onClick={reload}>
        Look again
      </button>
    </Card>
  );
}
