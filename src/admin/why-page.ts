/** One request, told whole: why it was answered as it was, and two buttons to say whether that was right. No script. */
import type { AppError } from '../core/errors.ts';
import { formatDuration, formatMs } from '../core/format.ts';
import type { FeedbackReply, RequestStory, StoryCandidate } from './admin-types.ts';
import { escape, list, page, section, sourceHash, table } from './html.ts';
import { style } from './status-page/style.ts';

/** Nothing runs, nothing is loaded, and forms go nowhere but here. */
export const whyPagePolicy = [
  "default-src 'none'",
  `style-src ${sourceHash(style)}`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

export function renderWhyPage(story: RequestStory, said: FeedbackReply['effect'] | undefined): string {
  const { request, decision, candidates, otherTargets } = story;
  const parts = [
    said === undefined ? '' : `<p class="wide good" role="status">${effects[said]}</p>`,
    section('because', 'Why', `<p><strong>${escape(story.because)}</strong></p>${questions(story)}`, 'wide'),
    section('steps', 'What happened', stepsTable(story)),
    section(
      'request',
      'Request',
      list([
        ['Id', `<code>${escape(story.requestId)}</code>`],
        ['When', new Date(request.at).toISOString()],
        ['Route', escape(request.route)],
        ['Model', escape(request.model)],
        ['Tenant', escape(request.tenant)],
        ['Cache', escape(request.cache ?? 'not asked')],
        ['Status', `${request.status} ${escape(request.outcome)}`],
        ['Tokens', `${request.promptTokens} read, ${request.completionTokens} written`],
      ]),
    ),
  ];
  if (decision !== undefined) {
    const targets = otherTargets.map((says) => `<li>${escape(says)}</li>`).join('');
    parts.push(
      section(
        'candidates',
        'Close stored questions',
        `<p>${escape(decision.says)}</p>${
          candidates.length === 0 ? '<p class="soft">None was close enough to look at.</p>' : candidateList(candidates)
        }${targets === '' ? '' : `<h3>With another target of wrong hits</h3><ul>${targets}</ul>`}`,
        'wide',
      ),
    );
  }
  if (story.canBeJudged) parts.push(section('judge', 'Was it right?', judgeForms(story), 'wide'));
  return page(`Why ${story.requestId}`, heading('Why this answer'), parts.join('\n'));
}

/** Asked before something is taken away. */
export function renderConfirmPage(story: RequestStory): string {
  const consequence =
    story.request.cache === 'exact'
      ? 'The stored answer is removed. Whoever asks next gets a new one.'
      : 'The stored answer serves no other wording any more, and the two questions are remembered as different.';
  return page(
    'Was it wrong?',
    heading('Was it wrong?'),
    section(
      'confirm',
      'Say that this answer was wrong',
      `${questions(story)}<p>${consequence}</p>
<div class="row">${form(story.requestId, 'wrong', 'Yes, it was wrong', true)}
<a href="/requests/${encodeURIComponent(story.requestId)}">No, go back</a></div>`,
      'wide',
    ),
  );
}

export function renderRefusalPage({ status, message }: AppError): string {
  return page(
    `${status}`,
    heading('That did not work'),
    section('refused', `Refused (${status})`, `<p class="bad">${escape(message)}</p>`, 'wide'),
  );
}

const effects: Readonly<Record<FeedbackReply['effect'], string>> = {
  quarantined:
    'Noted. That stored answer serves no other wording any more, and the two questions are remembered as different.',
  removed: 'Noted. The stored answer is gone; whoever asks next gets a new one.',
  counted: 'Noted. It counts for this stored answer and teaches the score.',
};

const heading = (title: string): string =>
  `<h1>${title}</h1>\n<p><a href="/plain">Status</a> · <a href="/requests">Dashboard</a></p>`;

function questions({ question, served }: RequestStory): string {
  const rows: [string, string][] = [];
  if (question !== undefined) rows.push(['Asked', quoted(question)]);
  if (served !== undefined) {
    if (served.question !== undefined && served.question !== question)
      rows.push(['Answer to', quoted(served.question)]);
    const gone = served.stillStored ? '' : ' <span class="soft">(no longer stored)</span>';
    rows.push(['Stored answer', `<code>${escape(served.entryId)}</code>${gone}`]);
    if (served.askedBy !== undefined) rows.push(['First asked by', requestLink(served.askedBy)]);
    if (served.ageS !== undefined) rows.push(['Age', formatDuration(served.ageS)]);
  }
  return rows.length === 0 ? '' : list(rows);
}

export const requestLink = (id: string): string =>
  `<a href="/requests/${encodeURIComponent(id)}"><code>${escape(id)}</code></a>`;

/** Longer texts are cut: `why --json` has them whole. */
const shownCharsMax = 600;

const quoted = (text: string): string =>
  `<q>${escape(text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}…` : text)}</q>`;

function stepsTable({ steps }: RequestStory): string {
  return table(
    ['Step', '#Time', 'What'],
    steps.map(
      ({ name, ms, says }) =>
        `<tr><th scope="row">${escape(name)}</th><td class="number">${ms === undefined ? '' : formatMs(ms)}</td><td>${escape(says)}</td></tr>`,
    ),
  );
}

/** A list rather than a table: questions are long, and screens may be narrow. */
function candidateList(candidates: readonly StoryCandidate[]): string {
  const items = candidates.map(({ chosen, text, similarity, probability, ageS, says, ...rest }) => {
    const facts = [
      `similarity ${similarity.toFixed(3)}`,
      ...(probability === undefined ? [] : [`probability ${probability.toFixed(3)}`]),
      `${formatDuration(ageS)} old`,
    ];
    const mark = chosen ? ' <span class="soft">(served, or came closest)</span>' : '';
    return `<li>${chosen ? `<strong>${quoted(text)}</strong>` : quoted(text)}${mark}<br>${facts.join(', ')}<br>${escape(says)}${inputsOf(rest.inputs)}</li>`;
  });
  return `<ol>${items.join('')}</ol>`;
}

function inputsOf(inputs: StoryCandidate['inputs']): string {
  if (inputs === undefined) return '';
  const rows = Object.entries(inputs).map(([name, value]): [string, string] => [
    escape(name),
    String(Number(value.toFixed(3))),
  ]);
  return `<details><summary>what the score saw</summary>${list(rows)}</details>`;
}

const judgeForms = ({ requestId }: RequestStory): string =>
  `<p>Your word changes what is served: “wrong” takes effect at once.</p>
<div class="row">${form(requestId, 'right', 'This was right', false)}
${form(requestId, 'wrong', 'This was wrong', false)}</div>`;

const form = (id: string, verdict: 'right' | 'wrong', label: string, confirmed: boolean): string =>
  `<form method="post" action="/requests/${encodeURIComponent(id)}/feedback"><input type="hidden" name="verdict" value="${verdict}">${
    confirmed ? '<input type="hidden" name="confirmed" value="yes">' : ''
  }<button type="submit">${label}</button></form>`;
