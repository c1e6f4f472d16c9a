/** Why one request was answered as it was, and a person's word on that. */
import { useEffect, useRef } from 'preact/hooks';
import type { FeedbackReply, RequestStory, StoryCandidate } from '../../../admin/admin-types.ts';
import { formatDuration, formatMs } from '../../../core/format.ts';
import { dateTime, dash, share, whole } from '../../model/format.ts';
import { call, isOperator } from '../api.ts';
import { withQuery } from '../router.ts';
import { ask } from '../ui/confirm.tsx';
import { say } from '../ui/notices.tsx';
import { AnswerState } from '../ui/request-table.tsx';
import { State } from '../ui/state.tsx';
import { useResource } from '../ui/use-resource.ts';

export function WhyCard({ id }: { readonly id: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { held, trouble, reload } = useResource<RequestStory>(`/api/requests/${encodeURIComponent(id)}/why`, 'once');
  useEffect(() => heading.current?.focus(), []);
  return (
    <section class="card why" aria-labelledby="why-title">
      <div class="card-head">
        <h2 id="why-title" tabIndex={-1} ref={heading}>
          Why this answer
        </h2>
        <a class="button" href={withQuery({ id: undefined })}>
          Close
        </a>
      </div>
      <div id="why" class="card-body">
        {trouble !== '' && <p class="bad-text">■ {trouble}</p>}
        {held === undefined ? (
          trouble === '' && <p class="soft">asking …</p>
        ) : (
          <Story story={held.value} onJudged={reload} />
        )}
      </div>
    </section>
  );
}

function Story({ story, onJudged }: { readonly story: RequestStory; readonly onJudged: () => void }) {
  const { request, decision, candidates, otherTargets } = story;
  return (
    <>
      <p class="because">{story.because}</p>
      <Texts story={story} />
      {story.canBeJudged && isOperator() && <Judge story={story} onJudged={onJudged} />}
      <h3>What happened</h3>
      <Steps story={story} />
      {decision !== undefined && (
        <>
          <h3>Close stored questions</h3>
          <p>{decision.says}</p>
          {candidates.length === 0 ? (
            <p class="soft">None was close enough to look at.</p>
          ) : (
            <ol class="candidates">
              {candidates.map((candidate) => (
                <Candidate key={candidate.entryId} {...candidate} />
              ))}
            </ol>
          )}
          {otherTargets.length > 0 && (
            <>
              <h3>With another target of wrong hits</h3>
              <ul>
                {otherTargets.map((says) => (
                  <li key={says}>{says}</li>
                ))}
              </ul>
            </>
          )}
        </>
      )}
      <h3>Request</h3>
      <dl class="facts">
        <dt>Answer</dt>
        <dd>
          <AnswerState record={request} />
        </dd>
        <dt>When</dt>
        <dd>{dateTime(request.at)}</dd>
        <dt>Route</dt>
        <dd>{request.route}</dd>
        <dt>Model</dt>
        <dd>{request.model}</dd>
        <dt>Tenant</dt>
        <dd>{request.tenant}</dd>
        <dt>Tokens</dt>
        <dd>
          {whole(request.promptTokens)} read, {whole(request.completionTokens)} written
        </dd>
        <dt>Id</dt>
        <dd>
          <code>{story.requestId}</code>
        </dd>
      </dl>
    </>
  );
}

function Texts({ story: { question, served } }: { readonly story: RequestStory }) {
  if (question === undefined && served === undefined) return null;
  return (
    <dl class="facts">
      {question !== undefined && (
        <>
          <dt>Asked</dt>
          <dd>
            <q>{question}</q>
          </dd>
        </>
      )}
      {served?.question !== undefined && served.question !== question && (
        <>
          <dt>Answer to</dt>
          <dd>
            <q>{served.question}</q>
          </dd>
        </>
      )}
      {served !== undefined && (
        <>
          <dt>Stored answer</dt>
          <dd>
            <code>{served.entryId}</code>
            {served.stillStored ? '' : ' (no longer stored)'}
            {served.ageS === undefined ? '' : `, ${formatDuration(served.ageS)} old when it was given`}
          </dd>
        </>
      )}
    </dl>
  );
}

/** Each step with a bar of its share of the whole: the table is the chart. */
function Steps({ story: { steps, request } }: { readonly story: RequestStory }) {
  const whole = Math.max(request.totalMs, 0.001);
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="What happened">
      <table>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col" class="number">
              Time
            </th>
            <th scope="col">What</th>
          </tr>
        </thead>
        <tbody>
          {steps.map(({ name, ms, says }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">
                {ms === undefined ? dash : formatMs(ms)}
                {ms !== undefined && (
                  <span class="bar" aria-hidden="true">
                    <span style={{ width: `${Math.min(100, (ms / whole) * 100)}%` }} />
                  </span>
                )}
              </td>
              <td>{says}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Candidate({ chosen, text, similarity, probability, ageS, says, inputs }: StoryCandidate) {
  return (
    <li data-chosen={chosen}>
      <q>{text}</q> {chosen && <State tone="calm">served, or came closest</State>}
      <br />
      <span class="soft">
        similarity {similarity.toFixed(3)}
        {probability === undefined ? '' : `, probability ${share(probability)}`}, {formatDuration(ageS)} old; {says}
      </span>
      {inputs !== undefined && (
        <details>
          <summary>what the score saw</summary>
          <dl class="facts">
            {Object.entries(inputs).map(([name, value]) => (
              <>
                <dt>{name}</dt>
                <dd>{Number(value.toFixed(3))}</dd>
              </>
            ))}
          </dl>
        </details>
      )}
    </li>
  );
}

function Judge({ story, onJudged }: { readonly story: RequestStory; readonly onJudged: () => void }) {
  const judge = async (verdict: 'right' | 'wrong'): Promise<string> => {
    const { message } = await call<FeedbackReply>(`/api/requests/${encodeURIComponent(story.requestId)}/feedback`, {
      method: 'POST',
      body: { verdict },
    });
    onJudged();
    return message;
  };
  const consequence =
    story.request.cache === 'exact'
      ? 'The stored answer is removed. Whoever asks next waits for a thinker and gets a new one.'
      : 'The stored answer serves no other wording any more, and the two questions are remembered as different. If they differ in nothing but marks and capitals, the stored answer is removed.';
  return (
    <div class="row">
      <button
        type="button"
        onClick={() =>
          void judge('right').then(
            (text) => say('good', text),
            (error: Error) => say('bad', error.message),
          )
        }
      >
        This was right
      </button>
      <button
        type="button"
        class="danger"
        onClick={() =>
          ask({
            title: 'Was this answer wrong?',
            effect: <p>{consequence}</p>,
            action: 'Yes, it was wrong',
            tone: 'danger',
            run: () => judge('wrong'),
          })
        }
      >
        This was wrong
      </button>
    </div>
  );
}
