import { formatMs } from '../../../core/format.ts';
import type { RequestRecord } from '../../../telemetry/request-log.ts';
import { clockTime, dash, whole } from '../../model/format.ts';
import { answerOf, answerWords, type AnswerKind } from '../../model/request-filter.ts';
import { place, withQuery } from '../router.ts';
import { State, type Tone } from './state.tsx';
import { Table, type Column } from './table.tsx';

const tones: Readonly<Record<AnswerKind, Tone>> = {
  exact: 'good',
  semantic: 'good',
  coalesced: 'good',
  miss: 'calm',
  bypass: 'calm',
  failed: 'bad',
  none: 'calm',
};

export function AnswerState({ record }: { readonly record: RequestRecord }) {
  const kind = answerOf(record);
  const cosine = kind === 'semantic' && record.similarity !== undefined ? ` ${record.similarity.toFixed(3)}` : '';
  return (
    <State tone={tones[kind]}>
      {kind === 'failed'
        ? `${record.status} ${(record.error ?? record.outcome).split(':', 1)[0]!}`
        : answerWords[kind] + cosine}
    </State>
  );
}

/** Beside the list, with its filters, where there is one. */
const whyAddress = (id: string): string =>
  place.value.path === '/requests' ? withQuery({ id }) : `/requests?id=${encodeURIComponent(id)}`;

const columns: readonly Column<RequestRecord>[] = [
  {
    name: 'When',
    cell: ({ id, at }) => (
      <a href={whyAddress(id)} aria-label={`Why, request at ${clockTime(at)}`}>
        {clockTime(at)}
      </a>
    ),
  },
  { name: 'Answer', cell: (record) => <AnswerState record={record} /> },
  { name: 'Took', kind: 'number', cell: ({ totalMs }) => formatMs(totalMs) },
  { name: 'First token', kind: 'number', cell: ({ ttftMs }) => (ttftMs === undefined ? dash : formatMs(ttftMs)) },
  { name: 'Tokens', kind: 'number', cell: ({ completionTokens }) => whole(completionTokens) },
  { name: 'Model', cell: ({ model }) => <span class="name">{model}</span> },
  { name: 'From', cell: ({ thinker, cache }) => thinker ?? (cache === undefined ? dash : 'cache') },
  { name: 'Tenant', cell: ({ tenant }) => tenant },
];

export interface RequestTableProps {
  readonly label: string;
  readonly records: readonly RequestRecord[];
  readonly empty: string;
  readonly chosen?: string | undefined;
}

export function RequestTable({ label, records, empty, chosen }: RequestTableProps) {
  return (
    <Table
      label={label}
      columns={columns}
      rows={records}
      keyOf={({ id }) => id}
      empty={empty}
      isChosen={({ id }) => id === chosen}
    />
  );
}
