/** What the market offers now: asked for when somebody wants to see it. */
import { useSignal } from '@preact/signals';
import type { FleetOffers } from '../../../admin/admin-types.ts';
import { formatDuration } from '../../../core/format.ts';
import { share, usd, whole } from '../../model/format.ts';
import { Card } from '../ui/card.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';

const shownMax = 10;

export function Offers() {
  const isWanted = useSignal(false);
  const { held, trouble, isLoading, reload } = useResource<FleetOffers>(
    isWanted.value ? '/api/fleet/offers' : undefined,
    'once',
  );
  return (
    <Card id="offers" title="What could be rented" of={held} size="wide">
      {trouble !== '' && <p class="bad-text">■ {trouble}</p>}
      {held !== undefined && (
        <>
          <Table
            label="Offers"
            rows={held.value.ranked.slice(0, shownMax)}
            keyOf={({ id }) => id}
            empty="No offer fits what is wanted."
            columns={[
              { name: 'GPU', cell: ({ gpu }) => <span class="name">{gpu}</span> },
              { name: 'An hour', kind: 'number', cell: ({ pricePerHourUsd }) => usd(pricePerHourUsd * 1e6) },
              {
                name: 'A million tokens',
                kind: 'number',
                cell: ({ usdPerMillionTokens }) => usd(usdPerMillionTokens * 1e6),
              },
              { name: 'Tokens/s', kind: 'number', cell: ({ tokensPerS }) => whole(tokensPerS) },
              { name: 'Ready in', kind: 'number', cell: ({ readyInS }) => formatDuration(readyInS) },
              { name: 'Becomes ready', kind: 'number', cell: ({ chanceOfReady }) => share(chanceOfReady) },
              { name: 'Reliability', kind: 'number', cell: ({ reliability }) => share(reliability) },
              { name: 'Line', kind: 'number', cell: ({ downloadMbps }) => `${whole(downloadMbps)} Mbit/s` },
              { name: 'Where', cell: ({ country, datacenter }) => `${country}${datacenter ? ', datacenter' : ''}` },
            ]}
          />
          <p class="soft">
            The best first; {whole(held.value.ranked.length)} fit, {whole(held.value.rejected.length)} do not
            {held.value.rejected[0] === undefined
              ? ''
              : `, such as a ${held.value.rejected[0].gpu}: ${held.value.rejected[0].reason}`}
            .
          </p>
        </>
      )}
      <button
        type="button"
        disabled={isLoading && isWanted.value}
        onClick={() => (isWanted.value ? reload() : (isWanted.value = true))}
      >
        {held === undefined ? 'Ask the market' : 'Ask again'}
      </button>
    </Card>
  );
}
