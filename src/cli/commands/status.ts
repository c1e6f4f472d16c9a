import type { Command } from 'commander';
import type { Percentiles, StatusReport } from '../../admin/admin-types.ts';
import { formatBytes, formatDuration, formatMs } from '../../core/format.ts';
import { adminTarget, getJson } from '../client.ts';
import { printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { formatTable, overridingWords } from '../format.ts';
import { examples } from '../examples.ts';

export function addStatus(program: Command, context: CliContext): void {
  program
    .command('status')
    .description('What the running gateway is doing: thinkers, hits, latency, memory.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host status', 'for people'],
        ['llm-self-host status --json | jq .traffic.hitShare', 'for scripts'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const status = await getJson<StatusReport>(adminTarget(context, options), { path: '/api/status' });
      if (options.json) printJson(context, status);
      else context.out(describeStatus(status));
    });
}

export function describeStatus(status: StatusReport): string {
  const { traffic, cache, embedding, memory } = status;
  const hits = traffic.hits.exact + traffic.hits.semantic + traffic.hits.coalesced;
  const share = traffic.hitShare === undefined ? '' : ` (${(traffic.hitShare * 100).toFixed(1)} % of those that could)`;
  const lines = [
    `llm-self-host ${status.version}, up ${formatDuration(status.uptimeS)}, ${formatBytes(memory.rssBytes)} of memory`,
    `gateway   ${status.gatewayUrl}`,
    `operator  ${status.adminUrl}`,
    `requests  ${traffic.requests} answered, ${traffic.errors} errors, ${traffic.inFlight} running, ${traffic.waiting} waiting`,
    `hits      ${hits}${share}: ${traffic.hits.exact} exact, ${traffic.hits.semantic} semantic, ${traffic.hits.coalesced} coalesced; ${traffic.tokensSaved} tokens saved`,
    `misses    ${traffic.misses}, bypasses ${traffic.bypasses}`,
    `latency   hit ${percentiles(traffic.latency.hit)}; thinker ${percentiles(traffic.latency.thinker)}`,
    `cache     ${cache.mode}: ${cache.entries} answers, ${formatBytes(cache.bytes)}, ${cache.vectors} vectors, in ${cache.store}`,
    ...sharedLines(cache),
    ...semanticLines(cache),
    `embedder  ${embedding.id}: ${embedding.why}`,
  ];
  if (embedding.remedy !== undefined) lines.push(`          ${embedding.remedy}`);
  if (embedding.reembedding !== undefined) {
    lines.push(
      `          re-embedding stored prompts: ${embedding.reembedding.done} of ${embedding.reembedding.total}`,
    );
  }
  lines.push(...status.overriding.map((setting) => `setting   ${overridingWords(setting)}`));
  lines.push(`data      ${status.dataDir}`, '');
  return `${lines.join('\n')}\n${thinkerTable(status)}`;
}

/** Whether other wordings are served, and what has been measured about that. */
function sharedLines({ shared }: StatusReport['cache']): string[] {
  if (shared === undefined) return [];
  const { state, backend, why, stale, writesWaiting, unconfirmed, warnings } = shared;
  return [
    `redis     ${state}, ${backend}: ${why}`,
    ...(stale ? ['          entries of other gateways are not heard of'] : []),
    ...(writesWaiting > 0 ? [`          ${writesWaiting} writes wait`] : []),
    ...(unconfirmed > 0
      ? [`          ${unconfirmed} invalidations are not confirmed; nothing of theirs is served`]
      : []),
    ...warnings.map((each) => `          ${each}`),
  ];
}

function semanticLines({ mode, semantic }: StatusReport['cache']): string[] {
  if (mode !== 'on' || semantic === undefined) return [];
  const { audited, wrong, low, high } = semantic.falseHitShare;
  const percent = (share: number) => `${Number((share * 100).toFixed(1))} %`;
  const measured =
    audited === 0
      ? 'none audited yet'
      : `${wrong} of ${audited} audited ones wrong (95 %: ${percent(low)} to ${percent(high)})`;
  return [
    `semantic  ${semantic.summary}`,
    `          hits: ${measured}; audits ${semantic.audits.state}: ${semantic.audits.why}`,
  ];
}

const percentiles = (of: Percentiles | undefined): string =>
  of === undefined ? 'none yet' : `p50 ${formatMs(of.p50Ms)}, p95 ${formatMs(of.p95Ms)}, p99 ${formatMs(of.p99Ms)}`;

function thinkerTable({ thinkers }: StatusReport): string {
  if (thinkers.length === 0) return 'no thinkers: start Ollama, or list your servers under `thinkers`\n';
  return formatTable(
    ['THINKER', 'KIND', 'STATE', 'BUSY', 'MODELS'],
    thinkers.map((thinker) => [
      thinker.name,
      thinker.kind,
      thinker.state,
      `${thinker.inFlight}/${thinker.maxConcurrency}`,
      thinker.lastError ?? (thinker.models.join(', ') || 'none'),
    ]),
  );
}
