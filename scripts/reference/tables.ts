/** docs/reference/metrics.md, errors.md and cli.md, from the tables and from the commands themselves. */
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { errorTable, type ErrorCode } from '../../src/core/errors.ts';
import { metricTable } from '../../src/telemetry/metrics.ts';
import type { MetricDefinition } from '../../src/telemetry/metrics/definition.ts';

export function metricsReference(): string {
  return [
    '# Metrics',
    '',
    'Served at `/metrics` on the operator port, in the text format of Prometheus. Times are seconds, sizes are bytes, money is USD.',
    'At most 2,000 series, whatever is asked: a model beyond the first 20, or beyond that, counts as `other`.',
    '',
    '| metric | type | labels | what it counts |',
    '|---|---|---|---|',
    ...Object.values<MetricDefinition>(metricTable).map(
      ({ name, type, labels, start, help }) =>
        `| \`${name}\` | ${type} | ${labelsCell(labels)} | ${help}${start === 'absent' && type === 'gauge' ? ' Absent where it is not known.' : ''} |`,
    ),
    '',
  ].join('\n');
}

function labelsCell(labels: MetricDefinition['labels']): string {
  const cells = Object.entries(labels).map(([label, values]) =>
    'max' in values ? `\`${label}\` (≤ ${values.max})` : `\`${label}\` {${values.join(', ')}}`,
  );
  return cells.join('; ') || 'none';
}

/** The compiler asks for a line here for every new code. */
const meanings: Readonly<Record<ErrorCode, string>> = {
  bad_request: 'The request is malformed; the message names the field.',
  unsupported: 'Understood, and not offered.',
  unauthorized: 'No key, or one that is not known.',
  operator_only: 'A management route; use the operator port. Rented thinkers are not managed by hand.',
  forbidden: 'A foreign page, or a Host that is not this machine.',
  route_not_found: 'No such route on this port.',
  model_not_found: 'No thinker has this model.',
  entry_not_found: 'No such stored answer; it may have expired.',
  key_not_found: 'There is no API key with that id.',
  request_not_found: 'No such request among the last ones, or not yours.',
  method_not_allowed: 'The route does not take this method; `Allow` lists what it takes.',
  request_timeout: 'The request body did not arrive in time (`gateway.bodyTimeoutMs`).',
  not_a_hit: 'The answer did not come from the cache, so there is nothing to say about it.',
  body_too_large: 'The body is larger than the route reads (`gateway.bodyBytesMax`).',
  rate_limited:
    'Too many requests of this tenant in flight (`admission.inFlightPerTenantMax`), or a second word on one stored answer within an hour.',
  aborted: 'The client left.',
  internal: 'A fault of ours; the log has the details.',
  not_implemented: 'A route of Ollama’s that is not offered, such as cloud accounts.',
  upstream_rejected: 'The thinker refused the request itself; its status and words are kept.',
  upstream_failed: 'The thinker could not be reached, or broke the connection.',
  wrong_thinker_key: 'Somebody else answers at the address of a rented thinker. Nothing is sent there.',
  upstream_broken_stream: 'The answer ended early or was malformed.',
  upstream_busy: 'The thinker’s own queue is full.',
  queue_full: 'Our queue is full (`admission.queueMax`).',
  no_thinker_ready: 'No thinker is ready for this model.',
  shutting_down: 'The gateway is stopping.',
  timeout_connect: 'No connection to the thinker in time (`timeouts.connectMs`).',
  timeout_first_token: 'No first token in time (`timeouts.firstTokenWarmMs`, `timeouts.firstTokenColdMs`).',
  timeout_stall: 'A silence inside the answer (`timeouts.stallMs`).',
  timeout_total: 'The whole answer took too long (`timeouts.totalMs`).',
  timeout_queue: 'Waited too long for a thinker with room (`admission.queueWaitMaxMs`).',
  cache_unavailable: 'The store of answers has trouble; requests go on without it.',
  ledger_unavailable: 'The ledger could not be read; requests go on, and what they cost is written when it can be.',
  embedding_failed: 'The embedder has trouble; semantic lookups count as misses.',
  redis_unavailable: 'Redis did not answer in time or cannot be reached; requests go on without it.',
  budget_exhausted:
    'The cap on spending is reached. Cached answers go on; new questions wait for the next period or a higher cap.',
  provider_unavailable:
    'The GPU market does not answer, or not in a way that can be trusted. Nothing is rented meanwhile.',
  provider_refused: 'The GPU market refuses: its key, the credit there, or what was asked for.',
  offer_gone: 'Somebody else has rented that machine.',
  config_invalid: 'The configuration is refused at start; the message names the option.',
};

export function errorsReference(): string {
  return [
    '# Errors',
    '',
    'One table behind every error. Each dialect words it in its own shape; the operator port sends',
    '`{"error":{"code","message"}}`, its management routes `{"error":"message","code"}`.',
    'Outcome is the label in `selfhost_requests_total`.',
    '',
    '| code | status | another try may help | outcome | meaning |',
    '|---|---|---|---|---|',
    ...Object.entries(errorTable).map(
      ([code, { status, retryable, outcome }]) =>
        `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${outcome} | ${meanings[code as ErrorCode]} |`,
    ),
    '',
  ].join('\n');
}

export function cliReference(): string {
  let help = '';
  const program = createProgram({
    environment: {},
    out: (text) => {
      help += text;
    },
    err: () => {},
    stdin: process.stdin,
    outIsTerminal: false,
    errIsTerminal: false,
    version: '',
    setExitCode: () => {},
  });
  const sections = commandsOf(program).map(({ name, command }) => {
    help = '';
    command.outputHelp();
    return ['', `## ${name}`, '', '```', help.trimEnd(), '```'].join('\n');
  });
  return `${['# Command line', '', 'What `--help` says, command by command.', ...sections].join('\n')}\n`;
}

export function commandsOf(command: Command, before = ''): { readonly name: string; readonly command: Command }[] {
  const name = `${before}${command.name()}`;
  return [{ name, command }, ...command.commands.flatMap((child) => commandsOf(child, `${name} `))];
}
