/** What is remembered, how reuse is decided, and what a person can do about both. */
import type { CacheDecisionsView, StatusReport } from '../../../admin/admin-types.ts';
import { formatBytes } from '../../../core/format.ts';
import { dateTime, dash, share, whole } from '../../model/format.ts';
import { useTopic } from '../live.ts';
import { Card, Figure, Waiting } from '../ui/card.tsx';
import { ScoreHistogram } from '../ui/score-histogram.tsx';
import { State } from '../ui/state.tsx';
import { Table } from '../ui/table.tsx';
import { AuditQueue } from './audit-queue.tsx';
import { StoredAnswers } from './stored-answers.tsx';

export function CachePage() {
  return (
    <>
      <h1 tabIndex={-1}>Cache</h1>
      <div class="cards">
        <SemanticTier />
        <Scores />
        <AuditQueue />
        <NearMisses />
        <StoredAnswers />
      </div>
    </>
  );
}

const stateTones = { certified: 'good', learning: 'warn', closed: 'bad' } as const;

function SemanticTier() {
  const status = useTopic<StatusReport>('status');
  if (status === undefined) return <Waiting id="tier" title="Other wordings" />;
  const { cache, embedding } = status.value;
  const { semantic } = cache;
  const wrong = semantic?.falseHitShare;
  return (
    <Card id="tier" title="Other wordings" of={status}>
      {cache.mode !== 'on' && (
        <p>
          <State tone="calm">not used</State>: <code>cache.mode</code> is {cache.mode}
        </p>
      )}
      {semantic !== undefined && (
        <p>
          <State tone={stateTones[semantic.state]}>{semantic.state}</State> {semantic.summary}
        </p>
      )}
      {cache.mode === 'on' && semantic === undefined && (
        <p>A fixed threshold decides. Nothing is learned, and wrong hits are not measured.</p>
      )}
      <dl class="figures">
        <Figure
          label="Stored answers"
          value={whole(cache.entries)}
          basis={`${formatBytes(cache.bytes)} in ${cache.store}`}
        />
        {semantic !== undefined && (
          <Figure
            label="Wrong semantic hits"
            value={wrong?.estimate === undefined ? undefined : `at most ${share(wrong.high)}`}
            basis={
              wrong?.estimate === undefined
                ? `not measured yet; target ${share(semantic.target)}`
                : `95 %: ${share(wrong.low)} to ${share(wrong.high)}; ${whole(wrong.wrong)} of ${whole(wrong.audited)} audited; target ${share(semantic.target)}`
            }
          />
        )}
        {semantic !== undefined && (
          <Figure
            label="Said to be wrong"
            value={whole(semantic.quarantined)}
            basis={`answers; ${whole(semantic.deniedPairs)} pairs of questions are kept apart`}
          />
        )}
        <Figure label="Embedder" value={embedding.id} basis={embedding.why} />
      </dl>
    </Card>
  );
}

function Scores() {
  const known = useTopic<CacheDecisionsView>('cache/decisions');
  if (known === undefined) return <Waiting id="scores" title="Hits and misses by score" size="broad" />;
  const { scores, decidesBy, cut, state } = known.value;
  const scored = scores.flatMap((score) => {
    const value = score[decidesBy];
    return value === undefined ? [] : [{ hit: score.hit, value }];
  });
  const without = scores.length - scored.length;
  return (
    <Card id="scores" title="Hits and misses by score" of={known} size="broad">
      {scores.length === 0 ? (
        <p class="soft">No question has been compared with stored ones yet.</p>
      ) : (
        <>
          <ScoreHistogram scored={scored} of={decidesBy} cut={cut} />
          <p class="soft">
            Of the last {whole(scores.length)} questions that were compared; {whole(without)} had nothing to score.{' '}
            {state === 'learning' && 'Near duplicates are served below the cut while audits are missing.'}
          </p>
        </>
      )}
    </Card>
  );
}

function NearMisses() {
  const known = useTopic<CacheDecisionsView>('cache/decisions');
  if (known === undefined) return <Waiting id="near" title="Near misses" size="wide" />;
  const { nearMisses, nearMissesFound } = known.value;
  return (
    <Card id="near" title="Near misses" of={known} size="wide">
      <p class="soft">
        Questions that went to a thinker although a stored one came close; the closest first. {whole(nearMisses.length)}{' '}
        of {whole(nearMissesFound)} are shown.
      </p>
      <Table
        label="Near misses"
        rows={nearMisses}
        keyOf={({ requestId }) => requestId}
        empty="None among the last requests."
        columns={[
          {
            name: 'Asked',
            cell: ({ requestId, question }) => (
              <a class="text" href={`/requests?id=${encodeURIComponent(requestId)}`}>
                {question}
              </a>
            ),
          },
          { name: 'Closest stored question', cell: ({ closest }) => <span class="text">{closest.text}</span> },
          { name: 'Similarity', kind: 'number', cell: ({ closest }) => closest.similarity.toFixed(3) },
          {
            name: 'Probability',
            kind: 'number',
            cell: ({ closest }) => (closest.probability === undefined ? dash : share(closest.probability)),
          },
          { name: 'Why not', cell: ({ closest }) => <span class="text">{closest.says}</span> },
          { name: 'When', cell: ({ at }) => <span class="name">{dateTime(at)}</span> },
        ]}
      />
    </Card>
  );
}
