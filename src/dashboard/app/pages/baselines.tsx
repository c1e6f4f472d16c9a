/** Against what: three baselines, each with its price, its age, and a place to try another. */
import type { BaselineFigure, MoneyReport } from '../../../admin/admin-types.ts';
import { share, usd } from '../../model/format.ts';
import { place, setQuery } from '../router.ts';
import { Card, Waiting } from '../ui/card.tsx';
import { State } from '../ui/state.tsx';
import { Table } from '../ui/table.tsx';
import type { Resource } from '../ui/use-resource.ts';

const names: Readonly<Record<BaselineFigure['baseline'], string>> = {
  'cloud-gpu': 'GPU of a large cloud',
  'token-api': 'API that charges by token',
  'same-fleet': 'This fleet without a cache',
};

const dollars = (value: number | undefined): string => usd(value === undefined ? undefined : value * 1e6);

export function Baselines({ report }: { readonly report: Resource<MoneyReport> }) {
  if (report.held === undefined) return <Waiting id="baselines" title="Against what" size="wide" />;
  const { baselines, costUsd, gpu } = report.held.value;
  const cloud = baselines.find(({ baseline }) => baseline === 'cloud-gpu');
  const cloudPrice = cloud?.usd === undefined || gpu.billedHours === 0 ? undefined : cloud.usd / gpu.billedHours;
  const tried = Number(place.value.query.get('cloud') ?? '');
  const isTried = cloudPrice !== undefined && Number.isFinite(tried) && tried > 0;
  const rows = baselines.map((row) =>
    row.baseline === 'cloud-gpu' && isTried && row.usd !== undefined
      ? withPrice(row, tried / cloudPrice, costUsd, tried)
      : row,
  );
  return (
    <Card id="baselines" title="Against what" of={report.held} size="wide">
      <Table
        label="Baselines"
        rows={rows}
        keyOf={({ baseline }) => baseline}
        columns={[
          { name: 'Instead', cell: ({ baseline }) => names[baseline] },
          { name: 'Would cost', kind: 'number', cell: (row) => dollars(row.usd) },
          { name: 'Saved', kind: 'number', cell: ({ savedUsd }) => dollars(savedUsd) },
          { name: 'Share', kind: 'number', cell: ({ savedShare }) => share(savedShare) },
          { name: 'Assumed', cell: ({ says }) => <span class="text">{says}</span> },
          { name: 'Price', cell: (row) => <PriceAge {...row} /> },
        ]}
      />
      {cloudPrice !== undefined && (
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
          <label for="cloud-price">
            Try another price of a cloud GPU hour, USD
            <input
              id="cloud-price"
              type="number"
              min="0.01"
              step="any"
              placeholder={cloudPrice.toFixed(3)}
              value={place.value.query.get('cloud') ?? ''}
              onInput={({ currentTarget }) => setQuery({ cloud: currentTarget.value })}
            />
          </label>
        </form>
      )}
      <p class="soft">
        What is tried here stays in the address. Prices that hold are in the configuration, with their day and source:{' '}
        <code>money.cloudGpu</code>, <code>money.tokenApi</code>, and <code>costPerHourUsd</code> of your thinkers.
      </p>
    </Card>
  );
}

function withPrice(row: BaselineFigure, factor: number, costUsd: number | undefined, price: number): BaselineFigure {
  const base = row.usd! * factor;
  return {
    ...row,
    usd: base,
    savedUsd: costUsd === undefined ? undefined : base - costUsd,
    savedShare: costUsd === undefined ? undefined : 1 - costUsd / base,
    says: `tried: $${price} an hour`,
    priceAgeDays: undefined,
    priceIsOld: false,
  };
}

function PriceAge({ priceAgeDays, priceIsOld, baseline }: BaselineFigure) {
  if (priceAgeDays === undefined)
    return <State tone="calm">{baseline === 'same-fleet' ? 'what you pay' : 'undated'}</State>;
  return (
    <State tone={priceIsOld ? 'warn' : 'good'}>
      {priceAgeDays} days old{priceIsOld ? ', look it up again' : ''}
    </State>
  );
}
