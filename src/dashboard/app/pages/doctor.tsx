/** The checks of the doctor, run when somebody asks: what was seen, and what to do about it. */
import { useSignal } from '@preact/signals';
import type { DoctorReport } from '../../../admin/admin-types.ts';
import { formatMs } from '../../../core/format.ts';
import { Card } from '../ui/card.tsx';
import { State, type Tone } from '../ui/state.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';

type Status = DoctorReport['worst'];

const tones: Readonly<Record<Status, Tone>> = { ok: 'good', warn: 'warn', fail: 'bad', skipped: 'calm' };
const order: Readonly<Record<Status, number>> = { fail: 0, warn: 1, ok: 2, skipped: 3 };

export function Doctor() {
  const isWanted = useSignal(false);
  const { held, trouble, isLoading, reload } = useResource<DoctorReport>(
    isWanted.value ? '/api/doctor' : undefined,
    'once',
  );
  const isBusy = isWanted.value && isLoading;
  const checks = held?.value.checks ?? [];
  const count = (status: Status) => checks.filter((check) => check.status === status).length;
  return (
    <Card id="doctor" title="Doctor" of={held} size="wide">
      {trouble !== '' && <p class="bad-text">■ {trouble}</p>}
      <p class="soft" role="status">
        {isBusy
          ? 'looking: it may take half a minute …'
          : held === undefined
            ? 'Looks for what is wrong: this machine, stores, embedder, market and what it bills, thinkers, alerts, secrets.'
            : `${count('fail')} failed, ${count('warn')} with a warning, ${count('ok')} well, ${count('skipped')} with nothing to look at.`}
      </p>
      {held !== undefined && (
        <Table
          label="Checks"
          rows={checks.toSorted((a, b) => order[a.status] - order[b.status] || a.id.localeCompare(b.id))}
          keyOf={({ id }) => id}
          columns={[
            {
              name: 'Check',
              cell: ({ id, title }) => (
                <span class="text">
                  {title}
                  <span class="basis">{id}</span>
                </span>
              ),
            },
            { name: 'Is', cell: ({ status }) => <State tone={tones[status]}>{status}</State> },
            { name: 'Seen', cell: ({ evidence }) => <span class="text">{evidence}</span> },
            { name: 'What to do', cell: ({ fix }) => <span class="text">{fix ?? ''}</span> },
            { name: 'Took', kind: 'number', cell: ({ ms }) => formatMs(ms) },
          ]}
        />
      )}
      <button
        type="button"
        class={held === undefined ? 'primary' : ''}
        disabled={isBusy}
        onClick={() => (isWanted.value ? reload() : (isWanted.value = true))}
      >
        {held === undefined ? 'Look now' : 'Look again'}
      </button>
    </Card>
  );
}
