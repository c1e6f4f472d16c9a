/** Every answer that is kept: found, read, forgotten one by one, by a filter, or all at once. */
import { useSignal } from '@preact/signals';
import type {
  CacheEntryView,
  CacheListView,
  CacheRowView,
  FlushReply,
  PurgeReply,
  PurgeRequest,
} from '../../../admin/admin-types.ts';
import { formatBytes, formatDuration } from '../../../core/format.ts';
import { dateTime, whole } from '../../model/format.ts';
import { call, isOperator } from '../api.ts';
import { place, setQuery, withQuery } from '../router.ts';
import { Card } from '../ui/card.tsx';
import { ask } from '../ui/confirm.tsx';
import { FilterInput } from '../ui/filter-input.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';

const shownMax = 1_000;
const rowsMax = 25;

export function StoredAnswers() {
  const { query } = place.value;
  const filter = new URLSearchParams({ limit: String(shownMax) });
  for (const name of ['model', 'contains']) if (query.get(name)) filter.set(name, query.get(name)!);
  const { held, trouble, isLoading, reload } = useResource<CacheListView>(`/api/cache/entries?${filter.toString()}`);
  const rows = held?.value.entries ?? [];
  const isWhole = held?.value.before === undefined;
  const byUse = query.get('sort') === 'hits';
  const sorted = byUse ? rows.toSorted((a, b) => b.hits - a.hits) : rows;
  const rowsShown = useSignal(rowsMax);
  const entry = query.get('entry') ?? undefined;
  const isFiltered = query.has('model') || query.has('contains');
  return (
    <Card id="entries" title="Stored answers" of={held} size="wide">
      <form
        class="filters"
        role="search"
        aria-label="Filter stored answers"
        onSubmit={(event) => event.preventDefault()}
      >
        <label for="entries-contains">
          Question contains
          <FilterInput
            id="entries-contains"
            value={query.get('contains') ?? ''}
            onCommit={(contains) => setQuery({ contains })}
          />
        </label>
        <label for="entries-model">
          Model, whole name
          <FilterInput id="entries-model" value={query.get('model') ?? ''} onCommit={(model) => setQuery({ model })} />
        </label>
        <label for="entries-sort">
          Order
          <select
            id="entries-sort"
            value={byUse ? 'hits' : 'newest'}
            onChange={({ currentTarget }) => setQuery({ sort: currentTarget.value === 'hits' ? 'hits' : undefined })}
          >
            <option value="newest">newest first</option>
            <option value="hits">most used first</option>
          </select>
        </label>
      </form>
      {trouble !== '' && <p class="bad-text">■ {trouble}</p>}
      <p class="soft" role="status">
        {isLoading
          ? 'asking …'
          : `${whole(rows.length)}${isWhole ? '' : ' or more'} found${byUse && !isWhole ? '; the most used of the newest 1,000' : ''}.`}
      </p>
      {entry !== undefined && <Entry key={entry} id={entry} onGone={reload} />}
      <Table
        label="Stored answers"
        rows={sorted.slice(0, rowsShown.value)}
        keyOf={({ id }) => id}
        empty="None."
        isChosen={({ id }) => id === entry}
        columns={[
          {
            name: 'Question',
            cell: ({ id, text }) => (
              <a class="text" href={withQuery({ entry: id })}>
                {text === '' ? '(serves the same request only)' : text}
              </a>
            ),
          },
          { name: 'Hits', kind: 'number', cell: ({ hits }) => whole(hits) },
          { name: 'Model', cell: ({ model }) => <span class="name">{model}</span> },
          { name: 'Age', kind: 'number', cell: ({ ageS }) => formatDuration(ageS) },
          { name: 'Expires in', kind: 'number', cell: ({ expiresInS }) => formatDuration(expiresInS) },
          { name: 'Size', kind: 'number', cell: ({ bytes }) => formatBytes(bytes) },
          { name: 'Tenant', cell: ({ tenant }) => tenant },
        ]}
      />
      <div class="row">
        {sorted.length > rowsShown.value && (
          <button type="button" onClick={() => (rowsShown.value += rowsMax)}>
            Show {Math.min(rowsMax, sorted.length - rowsShown.value)} more
          </button>
        )}
        {isOperator() && rows.length > 0 && (
          <button
            type="button"
            class="danger"
            onClick={() => askToForget({ rows, isWhole, isFiltered, query, onDone: reload })}
          >
            {isFiltered ? 'Forget these' : 'Forget all'}
          </button>
        )}
      </div>
    </Card>
  );
}

interface Forgetting {
  readonly rows: readonly CacheRowView[];
  readonly isWhole: boolean;
  readonly isFiltered: boolean;
  readonly query: URLSearchParams;
  readonly onDone: () => void;
}

function askToForget({ rows, isWhole, isFiltered, query, onDone }: Forgetting): void {
  const many = `${whole(rows.length)}${isWhole ? '' : ' or more'} stored answers`;
  const hits = rows.reduce((sum, row) => sum + row.hits, 0);
  const effect = (
    <>
      <p>
        {many} are forgotten. They have served {whole(hits)} hits; whoever asks these questions next waits for a
        thinker, and its time is paid for again.
      </p>
      <p>This cannot be undone.</p>
    </>
  );
  if (isFiltered) {
    const body: PurgeRequest = {
      ...(query.get('model') && { model: query.get('model')! }),
      ...(query.get('contains') && { contains: query.get('contains')! }),
    };
    ask({
      title: 'Forget these answers?',
      effect,
      action: `Forget ${many}`,
      tone: 'danger',
      run: async () => {
        const { removed } = await call<PurgeReply>('/api/cache/purge', { method: 'POST', body });
        onDone();
        return `${whole(removed)} stored answers are forgotten.`;
      },
    });
    return;
  }
  ask({
    title: 'Forget every stored answer?',
    effect,
    action: 'Forget all',
    tone: 'danger',
    typed: 'forget all',
    run: async () => {
      await call<FlushReply>('/api/cache/flush', { method: 'POST' });
      onDone();
      return 'Every stored answer is forgotten.';
    },
  });
}

function Entry({ id, onGone }: { readonly id: string; readonly onGone: () => void }) {
  const { held, trouble } = useResource<CacheEntryView>(`/api/cache/entries/${encodeURIComponent(id)}`, 'once');
  const entry = held?.value;
  return (
    <section class="entry" aria-label="One stored answer">
      <div class="card-head">
        <h3>{entry?.semantic?.text ?? id}</h3>
        <a class="button" href={withQuery({ entry: undefined })}>
          Close
        </a>
      </div>
      {trouble !== '' && <p class="bad-text">■ {trouble}</p>}
      {entry !== undefined && (
        <>
          <p class="answer" tabIndex={0} role="group" aria-label="Answer">
            {entry.answer.text}
          </p>
          <p class="soft">
            {entry.model}, tenant {entry.tenant}, stored {dateTime(entry.storedAt)}, expires {dateTime(entry.expiresAt)}
            ; <a href={`/requests?id=${encodeURIComponent(entry.origin)}`}>the request that made it</a>
          </p>
          {isOperator() && (
            <button
              type="button"
              class="danger"
              onClick={() =>
                ask({
                  title: 'Forget this answer?',
                  effect: <p>Whoever asks this next waits for a thinker, and its time is paid for again.</p>,
                  action: 'Forget it',
                  tone: 'danger',
                  run: async () => {
                    await call(`/api/cache/entries/${encodeURIComponent(id)}`, { method: 'DELETE' });
                    setQuery({ entry: undefined });
                    onGone();
                    return 'The stored answer is forgotten.';
                  },
                })
              }
            >
              Forget this answer
            </button>
          )}
        </>
      )}
    </section>
  );
}
