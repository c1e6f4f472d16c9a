/** Two answers side by side, and a word on whether the stored one would have done: C, W or U. */
import { useSignal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import type { CacheAuditsView, CaseRequest, CaseVerdict, OpenCase } from '../../../admin/admin-types.ts';

import { dateTime, share, whole } from '../../model/format.ts';
import { call, isOperator, wordsOf } from '../api.ts';
import { useTopic } from '../live.ts';
import { Card, Waiting } from '../ui/card.tsx';
import { say } from '../ui/notices.tsx';

export function AuditQueue() {
  const known = useTopic<CacheAuditsView>('cache/audits');
  /** Settled here; the next news has them no more. */
  const settled = useSignal<ReadonlySet<string>>(new Set());
  if (known === undefined) return <Waiting id="audits" title="Audits for a person" size="wide" />;
  const { state, why, pending, cases } = known.value;
  const open = cases.filter(({ id }) => !settled.value.has(id));
  const [first] = open;
  return (
    <Card id="audits" title="Audits for a person" of={known} size="wide">
      <p class="soft">
        Audits are {state}: {why}. {whole(open.length)} wait for a person, {whole(pending)} are being compared.
      </p>
      {first === undefined ? (
        <p class="soft">Nothing to read: what rules and models could compare is settled.</p>
      ) : (
        <Case key={first.id} shown={first} onSettled={() => (settled.value = new Set([...settled.value, first.id]))} />
      )}
    </Card>
  );
}

const verdicts: readonly { readonly verdict: CaseVerdict; readonly key: string; readonly words: string }[] = [
  { verdict: 'correct', key: 'c', words: 'Correct' },
  { verdict: 'wrong', key: 'w', words: 'Wrong' },
  { verdict: 'unsure', key: 'u', words: 'Unsure' },
];

function Case({ shown, onSettled }: { readonly shown: OpenCase; readonly onSettled: () => void }) {
  const isBusy = useSignal(false);

  async function decide(verdict: CaseVerdict): Promise<void> {
    if (isBusy.value) return;
    isBusy.value = true;
    const body: CaseRequest = { verdict };
    try {
      await call(`/api/cache/audits/${encodeURIComponent(shown.id)}`, { method: 'POST', body });
      say('good', `Noted as ${verdict}.`);
      onSettled();
    } catch (error) {
      say('bad', wordsOf(error));
      onSettled();
    } finally {
      isBusy.value = false;
    }
  }

  // Before it is seen: a key that answers what one reads must not be lost.
  useLayoutEffect(() => {
    if (!isOperator()) return;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement;
      // Letters belong to whoever types, and to an open question.
      if (target.closest('input, select, textarea, dialog') !== null) return;
      const found = verdicts.find(({ key }) => key === event.key.toLowerCase());
      if (found !== undefined) void decide(found.verdict);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [shown.id]);

  return (
    <div>
      <p>
        <strong>
          Would the stored answer have served <q>{shown.question}</q>?
        </strong>
      </p>
      <p class="soft">
        {shown.served ? 'It was given to whoever asked' : 'A thinker answered instead'}, {dateTime(shown.at)},{' '}
        {shown.model}; right with probability {share(shown.probability)} as the score has it.
      </p>
      <div class="pair">
        <section aria-label="Stored answer" class="answer" tabIndex={0}>
          <h3>
            Stored answer
            {shown.storedQuestion === undefined ? (
              ''
            ) : (
              <>
                , to <q>{shown.storedQuestion}</q>
              </>
            )}
          </h3>
          <p>{shown.stored}</p>
        </section>
        <section aria-label="Fresh answer" class="answer" tabIndex={0}>
          <h3>Fresh answer of a thinker</h3>
          <p>{shown.fresh}</p>
        </section>
      </div>
      {isOperator() && (
        <div class="row">
          {verdicts.map(({ verdict, key, words }) => (
            <button key={verdict} type="button" disabled={isBusy.value} onClick={() => void decide(verdict)}>
              {words} <kbd>{key.toUpperCase()}</kbd>
            </button>
          ))}
          <span class="soft">“Wrong” keeps a stored answer that was given from serving other wordings.</span>
        </div>
      )}
    </div>
  );
}
