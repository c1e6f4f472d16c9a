/** What the product promised, against what was measured here. */
import type { Claim, ClaimsReport, Verdict } from '../../../admin/admin-types.ts';
import { dash, whole } from '../../model/format.ts';
import { Card, Waiting } from '../ui/card.tsx';
import { State, type Tone } from '../ui/state.tsx';
import { Table } from '../ui/table.tsx';
import type { Resource } from '../ui/use-resource.ts';

const tones: Readonly<Record<Verdict, Tone>> = {
  met: 'good',
  conditional: 'warn',
  'not met': 'bad',
  'not enough data': 'calm',
};

export function Claims({ claims }: { readonly claims: Resource<ClaimsReport> }) {
  if (claims.held === undefined) return <Waiting id="claims" title="What was promised" size="wide" />;
  const { value } = claims.held;
  const count = (verdict: Verdict) => value.claims.filter((claim) => claim.verdict === verdict).length;
  return (
    <Card id="claims" title="What was promised" of={claims.held} size="wide">
      {claims.trouble !== '' && <p class="bad-text">■ {claims.trouble}</p>}
      <p>
        {count('met')} met, {count('conditional')} true under a condition, {count('not met')} not met,{' '}
        {count('not enough data')} without enough data, over {value.days.toFixed(1)} days.
      </p>
      <Table
        label="Promises"
        rows={value.claims}
        keyOf={({ id }) => id}
        columns={[
          { name: 'Promise', cell: (claim) => <Promised {...claim} /> },
          { name: 'Verdict', cell: ({ verdict }) => <State tone={tones[verdict]}>{verdict}</State> },
          { name: 'Measured', cell: ({ measured }) => <span class="text">{measured ?? dash}</span> },
          { name: 'n', kind: 'number', cell: ({ n }) => whole(n) },
          { name: 'True when', cell: ({ condition }) => <span class="text">{condition}</span> },
        ]}
      />
    </Card>
  );
}

function Promised({ promise, target, definition, window }: Claim) {
  return (
    <span class="text">
      {promise}
      <span class="basis">
        target {target}; {definition}; {window}
      </span>
    </span>
  );
}
