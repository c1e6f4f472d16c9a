/** What came in, which of it, and why it was answered as it was. */
import { useSignal } from '@preact/signals';
import { whole } from '../../model/format.ts';
import { answers, answerWords, filterOf, matches } from '../../model/request-filter.ts';
import { requests } from '../live.ts';
import { place, setQuery } from '../router.ts';
import { Card, Waiting } from '../ui/card.tsx';
import { RequestTable } from '../ui/request-table.tsx';
import { WhyCard } from './why-card.tsx';

const shownStep = 50;

export function RequestsPage() {
  const { query } = place.value;
  const id = query.get('id') ?? undefined;
  return (
    <>
      <h1 tabIndex={-1}>Requests</h1>
      <div class={id === undefined ? 'cards' : 'cards beside'}>
        {id !== undefined && <WhyCard key={id} id={id} />}
        <List chosen={id} />
      </div>
    </>
  );
}

function List({ chosen }: { readonly chosen: string | undefined }) {
  const shownMax = useSignal(shownStep);
  const known = requests.value;
  if (known === undefined) return <Waiting id="list" title="Finished requests" size="wide" />;
  const filter = filterOf(place.value.query);
  const found = known.value.filter((record) => matches(record, filter));
  return (
    <Card id="list" title="Finished requests" of={known} size="wide">
      <Filters />
      <p class="soft" role="status">
        {whole(found.length)} of the last {whole(known.value.length)} match.
      </p>
      <RequestTable
        label="Finished requests"
        records={found.slice(0, shownMax.value)}
        empty={known.value.length === 0 ? 'None yet.' : 'No request matches these filters.'}
        chosen={chosen}
      />
      {found.length > shownMax.value && (
        <button type="button" onClick={() => (shownMax.value += shownStep)}>
          Show {Math.min(shownStep, found.length - shownMax.value)} more
        </button>
      )}
    </Card>
  );
}

function Filters() {
  const { query } = place.value;
  const field = (name: string) => ({
    id: `filter-${name}`,
    value: query.get(name) ?? '',
    onInput: ({ currentTarget }: { readonly currentTarget: HTMLInputElement }) =>
      setQuery({ [name]: currentTarget.value }),
  });
  const isFiltered = ['answer', 'model', 'tenant', 'slower'].some((name) => query.has(name));
  return (
    <form class="filters" role="search" aria-label="Filter requests" onSubmit={(event) => event.preventDefault()}>
      <label for="filter-answer">
        Answer
        <select
          id="filter-answer"
          value={query.get('answer') ?? ''}
          onChange={({ currentTarget }) => setQuery({ answer: currentTarget.value })}
        >
          <option value="">any</option>
          {answers.map((each) => (
            <option key={each} value={each}>
              {answerWords[each]}
            </option>
          ))}
        </select>
      </label>
      <label for="filter-model">
        Model
        <input type="search" {...field('model')} />
      </label>
      <label for="filter-tenant">
        Tenant
        <input type="search" {...field('tenant')} />
      </label>
      <label for="filter-slower">
        Slower than, ms
        <input type="number" min="0" step="any" inputMode="numeric" {...field('slower')} />
      </label>
      {isFiltered && (
        <button
          type="button"
          onClick={() => setQuery({ answer: undefined, model: undefined, tenant: undefined, slower: undefined })}
        >
          Clear filters
        </button>
      )}
    </form>
  );
}
