/** What `serve` says when it is ready: where it is, where answers come from, and what to type next. */
import type { StatusReport, ThinkerReportView } from '../admin/admin-types.ts';
import { chooseModel } from '../core/choose-model.ts';
import { formatBytes } from '../core/format.ts';
import { overridingWords } from './format.ts';

export interface BannerFacts {
  /** Clients of the gateway must send an API key. */
  readonly keyRequired: boolean;
  /** The operator port asks for its key. */
  readonly adminKeyRequired: boolean;
  /** Opens the page as the operator, once; undefined where no key is set. */
  readonly loginUrl: string | undefined;
  /** Configuration file in use, if any. */
  readonly configFile: string | undefined;
}

export function banner(status: StatusReport, facts: BannerFacts): string {
  const { gatewayUrl, adminUrl } = status;
  const rows = [
    row('Gateway', gatewayUrl),
    row(
      'Operator',
      `${adminUrl}  (dashboard, metrics, models${facts.adminKeyRequired ? '; asks for its key' : ''})`,
      ...(facts.loginUrl === undefined ? [] : [`${facts.loginUrl}  (logs in once, within an hour)`]),
    ),
    row('Answers', ...answersFrom(status.thinkers)),
    row('Cache', cacheLine(status), ...sharedLines(status), ...optional(semanticLine(status))),
    row('Embedder', `${status.embedding.id}: ${status.embedding.why}`, ...optional(status.embedding.remedy)),
    row('Data', status.dataDir),
    row(
      'Config',
      facts.configFile ?? 'none, defaults (config.example.yaml lists every option)',
      ...status.overriding.map(overridingWords),
    ),
  ];
  return [
    `llm-self-host ${status.version} is ready`,
    '',
    ...rows,
    '',
    'Point a client at it:',
    ...clientLines(gatewayUrl, facts.keyRequired),
    '',
    ...tryIt(status, facts),
    '',
    '',
  ].join('\n');
}

const row = (label: string, ...lines: readonly string[]): string =>
  lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(9)} ${line}`).join('\n');

const optional = (line: string | undefined): string[] => (line === undefined ? [] : [line]);

function answersFrom(thinkers: readonly ThinkerReportView[]): string[] {
  if (thinkers.length === 0) {
    return [
      'NOWHERE YET: no thinker is configured and none was found',
      'start Ollama on this machine, or list your servers under `thinkers` in a file given with --config',
    ];
  }
  const lines = thinkers.flatMap((thinker) => {
    const trouble = thinker.state === 'ready' ? '' : `; ${thinker.state}${because(thinker.lastError)}`;
    const who =
      thinker.kind === 'simulated'
        ? `${thinker.name}: SIMULATED, no model is running and its text is made up`
        : `${thinker.name} at ${thinker.url}`;
    return [
      `${who}${trouble}`,
      thinker.models.length === 0 ? 'it has no models yet' : `models: ${listed(thinker.models)}`,
    ];
  });
  if (thinkers.every((thinker) => thinker.kind === 'simulated')) {
    lines.push(
      'for real answers: start Ollama on this machine and restart, or list your servers under `thinkers`',
      'in a file given with --config',
    );
  }
  return lines;
}

/** Enough names to recognise the machine by; a long list is what /api/tags is for. */
const modelsShownMax = 4;

function listed(models: readonly string[]): string {
  const rest = models.length - modelsShownMax;
  return models.slice(0, modelsShownMax).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

const because = (error: string | undefined): string => (error === undefined ? '' : `: ${error}`);

function cacheLine({ cache }: StatusReport): string {
  if (cache.mode === 'off') return 'off: every question goes to a thinker';
  const tiers = cache.mode === 'exact-only' ? 'same question only' : 'same question, or the same in other words';
  return `${cache.mode}: ${tiers}; ${cache.entries} answers (${formatBytes(cache.bytes)}) in ${cache.store}`;
}

/** Where answers are shared: with what, why so, and what a person should look at. */
function sharedLines({ cache: { shared } }: StatusReport): string[] {
  if (shared === undefined) return [];
  const state =
    shared.state === 'ready' ? 'Redis is ready' : `Redis is ${shared.state.toUpperCase()}, serving without it`;
  return [`${state}; ${shared.backend}: ${shared.why}`, ...shared.warnings];
}

/** How far the same question in other words is answered, and what is missing to answer more of them. */
function semanticLine({ cache: { mode, semantic } }: StatusReport): string | undefined {
  if (mode !== 'on' || semantic === undefined) return undefined;
  const audits = semantic.audits.state === 'on' ? '' : `; audits are off: ${semantic.audits.why}`;
  return `other words: ${semantic.summary}${audits}`;
}

function clientLines(gatewayUrl: string, keyRequired: boolean): string[] {
  const key = keyRequired ? 'with your key' : 'any key will do';
  return [
    row('Ollama', `OLLAMA_HOST=${gatewayUrl}`),
    row('OpenAI', `base URL ${gatewayUrl}/v1  (${key})`),
    row('Anthropic', `base URL ${gatewayUrl}  (${key})`),
  ];
}

function tryIt({ gatewayUrl, adminUrl, thinkers }: StatusReport, facts: BannerFacts): string[] {
  const model = chooseModel(thinkers.flatMap((thinker) => thinker.models));
  if (model === undefined) {
    const key = facts.adminKeyRequired ? ' -H "Authorization: Bearer $SELFHOST_ADMIN_KEY"' : '';
    return ['There is no model yet. Fetch one:', `  curl${key} ${adminUrl}/api/pull -d '{"model":"llama3.2"}'`];
  }
  return [
    'Try it, twice: the second answer comes from the cache.',
    `  ${curlExample(gatewayUrl, model, facts.keyRequired)}`,
  ];
}

/** One line to paste into a shell. Model names hold no quotes: Ollama allows letters, digits, `.`, `-`, `_`, `/` and `:`. */
function curlExample(gatewayUrl: string, model: string, keyRequired: boolean): string {
  const body = JSON.stringify({
    model: model.replace(/:latest$/, ''),
    messages: [{ role: 'user', content: 'Why is the sky blue?' }],
    stream: false,
  });
  const key = keyRequired ? ' -H "Authorization: Bearer $SELFHOST_API_KEY"' : '';
  return `curl -i${key} ${gatewayUrl}/api/chat -d '${body}'`;
}
