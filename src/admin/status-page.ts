/** The plain page of the operator port: whole HTML from one report, with nothing loaded from elsewhere. */
import { chooseModel } from '../core/choose-model.ts';
import { formatBytes, formatDuration, formatMs } from '../core/format.ts';
import type { RequestRecord } from '../telemetry/request-log.ts';
import type { Percentiles, StatusReport, ThinkerReportView } from './admin-types.ts';
import { count, escape, list, page, section, sourceHash, table } from './html.ts';
import { semanticTier } from './status-page/semantic-tier.ts';
import { script } from './status-page/script.ts';
import { style } from './status-page/style.ts';

/** Only our own style and script run, whatever text a model name or an error smuggles in. */
export const statusPagePolicy = [
  "default-src 'none'",
  `style-src ${sourceHash(style)}`,
  `script-src ${sourceHash(script)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface StatusPageFacts {
  readonly status: StatusReport;
  /** Newest first. */
  readonly requests: readonly RequestRecord[];
  readonly now: number;
}

export function renderStatusPage({ status, requests, now }: StatusPageFacts): string {
  return page(
    'llm-self-host',
    `<h1>llm-self-host <span class="soft">${escape(status.version)}</span></h1>
<p><span id="state" class="soft" role="status">updates with a reload</span> <button id="pause" type="button" hidden>Pause updates</button></p>`,
    `${section('use', 'Use it', useIt(status))}
${section('traffic', 'Traffic', traffic(status), 'live')}
${section('thinkers', 'Thinkers', thinkers(status.thinkers), 'live wide')}
${section('cache', 'Cache', cache(status), 'live')}
${section('semantic', 'Semantic tier', semanticTier(status), 'live')}
${section('latency', 'Latency', latency(status), 'live')}
${section('requests', 'Recent requests', recent(requests, now), 'live wide')}`,
    script,
  );
}

function useIt({ gatewayUrl, thinkers }: StatusReport): string {
  const model = chooseModel(thinkers.flatMap((thinker) => thinker.models)) ?? 'llama3.2';
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Why is the sky blue?' }], stream: false });
  const url = escape(gatewayUrl);
  return `${list([
    ['Ollama', `<code>OLLAMA_HOST=${url}</code>`],
    ['OpenAI', `<code>${url}/v1</code>`],
    ['Anthropic', `<code>${url}</code>`],
  ])}
<pre id="curl" tabindex="0" aria-label="Example request">${escape(`curl -i ${gatewayUrl}/api/chat -d '${body}'`)}</pre>
<button type="button" data-copy="curl" hidden>Copy</button>`;
}

function traffic({ traffic, uptimeS, memory, thinkers }: StatusReport): string {
  const { hits } = traffic;
  const share = traffic.hitShare === undefined ? 'none yet' : `${(traffic.hitShare * 100).toFixed(1)} %`;
  const warning = thinkers.some(({ kind }) => kind === 'simulated')
    ? '<p class="warn">Some answers are simulated: no model runs behind them.</p>'
    : '';
  return `${warning}${list([
    ['Requests', `${count(traffic.requests)}, ${count(traffic.inFlight)} running, ${count(traffic.waiting)} waiting`],
    [
      'From the cache',
      `${share} (${count(hits.exact)} exact, ${count(hits.semantic)} semantic, ${count(hits.coalesced)} coalesced)`,
    ],
    ['From thinkers', `${count(traffic.misses)} misses, ${count(traffic.bypasses)} bypasses`],
    ['Tokens saved', count(traffic.tokensSaved)],
    ['Errors', traffic.errors === 0 ? '0' : `<span class="bad">${count(traffic.errors)}</span>`],
    ['Up', formatDuration(uptimeS)],
    ['Memory', `${formatBytes(memory.rssBytes)} (heap ${formatBytes(memory.heapUsedBytes)})`],
  ])}`;
}

function thinkers(views: readonly ThinkerReportView[]): string {
  if (views.length === 0) {
    return '<p class="bad">None. Start Ollama on this machine, or list your servers under <code>thinkers</code>.</p>';
  }
  const rows = views.map(
    (view) => `<tr><th scope="row">${escape(view.name)}</th><td>${kindOf(view)}</td><td>${stateOf(view)}</td>
<td class="number">${view.inFlight} / ${view.maxConcurrency}</td><td>${escape(view.loaded.join(', ')) || '<span class="soft">none</span>'}</td>
<td>${escape(view.models.join(', ')) || '<span class="soft">none</span>'}</td></tr>`,
  );
  return table(['Name', 'Kind', 'State', '#Busy', 'Loaded', 'Models'], rows);
}

const kindOf = ({ kind }: ThinkerReportView): string =>
  kind === 'simulated' ? '<span class="warn">simulated</span>' : kind;

function stateOf({ state, lastError }: ThinkerReportView): string {
  const tone = state === 'ready' ? 'good' : state === 'loading' || state === 'draining' ? 'warn' : 'bad';
  const why = lastError === undefined || state === 'ready' ? '' : `<br><span class="soft">${escape(lastError)}</span>`;
  return `<span class="${tone}">${escape(state)}</span>${why}`;
}

function cache({ cache, embedding, dataDir }: StatusReport): string {
  const { reembedding } = embedding;
  const progress = reembedding
    ? `<p><label>Re-embedding stored prompts: ${count(reembedding.done)} of ${count(reembedding.total)}
<progress value="${reembedding.done}" max="${Math.max(1, reembedding.total)}"></progress></label></p>`
    : '';
  const remedy = embedding.remedy === undefined ? '' : `<br><span class="soft">${escape(embedding.remedy)}</span>`;
  return `${list([
    ['Mode', escape(cache.mode)],
    ['Answers', `${count(cache.entries)}, ${formatBytes(cache.bytes)}, in ${escape(cache.store)}`],
    ['Vectors', count(cache.vectors)],
    ['Embedder', `${escape(embedding.id)}: ${escape(embedding.why)}${remedy}`],
    ['Data', escape(dataDir)],
  ])}${progress}`;
}

function latency({ traffic: { latency } }: StatusReport): string {
  const line = (name: string, of: Percentiles | undefined) =>
    `<tr><th scope="row">${name}</th>${
      of === undefined
        ? '<td colspan="4" class="soft">none yet</td>'
        : [of.p50Ms, of.p95Ms, of.p99Ms].map((ms) => `<td class="number">${formatMs(ms)}</td>`).join('') +
          `<td class="number">${count(of.n)}</td>`
    }</tr>`;
  return table(
    ['Answered by', '#p50', '#p95', '#p99', '#Requests'],
    [line('the cache', latency.hit), line('a thinker', latency.thinker)],
  );
}

function recent(requests: readonly RequestRecord[], now: number): string {
  if (requests.length === 0) return '<p class="soft">None yet. Try the request above, twice.</p>';
  const rows = requests.map((record) => {
    const result =
      record.outcome === 'ok'
        ? (record.cache ?? 'ok')
        : `<span class="bad">${record.status} ${escape(record.error ?? record.outcome)}</span>`;
    const similarity =
      record.cache === 'semantic' && record.similarity !== undefined ? ` ${record.similarity.toFixed(3)}` : '';
    return `<tr><td><a href="/requests/${encodeURIComponent(record.id)}">${formatDuration(Math.max(0, (now - record.at) / 1000))} ago</a></td><td>${escape(record.route)}</td><td>${escape(record.model)}</td>
<td>${result}${similarity}</td><td>${escape(record.thinker ?? '')}</td><td class="number">${formatMs(record.totalMs)}</td>
<td class="number">${count(record.completionTokens)}</td></tr>`;
  });
  return table(['When', 'Route', 'Model', 'Answer', 'Thinker', '#Took', '#Tokens'], rows);
}
