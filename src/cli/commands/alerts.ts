import { InvalidArgumentError, type Command } from 'commander';
import type {
  AlertHistoryView,
  AlertsView,
  AlertTestRequest,
  AlertTestView,
  SilenceRequest,
  SilenceView,
} from '../../admin/alert-types.ts';
import { adminTarget, call, getJson } from '../client.ts';
import { printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { formatTable, parseDuration } from '../format.ts';

interface SilenceOptions extends GlobalOptions {
  /** Seconds. */
  readonly for?: number;
  readonly comment?: string;
  readonly end?: boolean;
}

export function addAlerts(program: Command, context: CliContext): void {
  const alerts = program
    .command('alerts')
    .description('What needs a person: how alerts stand, who is told, and what was told.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host alerts list', 'how every alert stands'],
        ['llm-self-host alerts test', 'a message to every channel, to see it arrive'],
        ['llm-self-host alerts silence HitRateDrop --for 2h', 'quiet while you work on it'],
      ]),
    );
  addList(alerts, context);
  addTest(alerts, context);
  addHistory(alerts, context);
  addSilence(alerts, context);
}

function addList(alerts: Command, context: CliContext): void {
  alerts
    .command('list')
    .description('Every alert, the ones that need you first; then channels and silences.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host alerts list', 'as a table'],
        ['llm-self-host alerts list --json', 'for scripts'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const view = await getJson<AlertsView>(adminTarget(context, options), { path: '/api/alerts' });
      if (options.json) printJson(context, view);
      else context.out(alertsText(view));
    });
}

function addTest(alerts: Command, context: CliContext): void {
  alerts
    .command('test')
    .argument('[channel]', 'name of one channel; default: all')
    .description('Send a test message now, and say whether each channel took it. Exit code 1 when one did not.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host alerts test', 'every channel'],
        ['llm-self-host alerts test phone', 'the one of this name'],
      ]),
    )
    .action(async (channel: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const body: AlertTestRequest = channel === undefined ? {} : { channel };
      const view = await getJson<AlertTestView>(adminTarget(context, options), {
        method: 'POST',
        path: '/api/alerts/test',
        body,
      });
      if (options.json) printJson(context, view);
      else
        for (const { channel: name, sent, error } of view.results)
          context.out(`${name}: ${sent ? 'sent' : `failed: ${error}`}\n`);
      if (view.results.some(({ sent }) => !sent)) context.setExitCode(1);
    });
}

function addHistory(alerts: Command, context: CliContext): void {
  alerts
    .command('history')
    .option('--limit <n>', 'messages to show', '20')
    .description('The last messages and whether they arrived, newest first.')
    .addHelpText('after', examples([['llm-self-host alerts history --limit 5', 'the last five']]))
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { readonly limit: string }>();
      const view = await getJson<AlertHistoryView>(adminTarget(context, options), {
        path: '/api/alerts/history',
        query: { limit: options.limit },
      });
      if (options.json) printJson(context, view);
      else context.out(historyText(view));
    });
}

function addSilence(alerts: Command, context: CliContext): void {
  alerts
    .command('silence')
    .argument('<rule>', 'name of an alert, `*` for all, or with --end the id of a silence')
    .option('--for <time>', 'how long, such as 30m, 2h, 1d', seconds)
    .option('--comment <text>', 'why, for the others')
    .option('--end', 'end the silence of this id')
    .description('Send no messages about an alert for a while. It is still worked out and shown.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host alerts silence CacheDown --for 1h --comment "Redis moves"', 'an hour of quiet'],
        ['llm-self-host alerts silence Xk3… --end', 'speak again'],
      ]),
    )
    .action(async (rule: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<SilenceOptions>();
      const target = adminTarget(context, options);
      if (options.end) {
        await call(target, { method: 'DELETE', path: `/api/alerts/silences/${encodeURIComponent(rule)}` });
        context.out(`ended: ${rule}\n`);
        return;
      }
      if (options.for === undefined) command.error('error: --for is missing, such as --for 2h');
      const body: SilenceRequest = { rule, forS: options.for, comment: options.comment };
      const silence = await getJson<SilenceView>(target, { method: 'POST', path: '/api/alerts/silences', body });
      if (options.json) printJson(context, silence);
      else
        context.out(
          `${silence.rule} is silent until ${iso(silence.until)}; end it with \`llm-self-host alerts silence ${silence.id} --end\`\n`,
        );
    });
}

function alertsText({ rules, channels, silences }: AlertsView): string {
  const rank = { alert: 0, warn: 1, ok: 2 } as const;
  const rows = rules
    .toSorted((a, b) => rank[a.level] - rank[b.level] || Number(b.pending) - Number(a.pending))
    .map(({ name, severity, level, pending, since, silenced, summary }) => [
      level === 'ok' && pending ? 'pending' : level,
      name,
      severity,
      level === 'ok' || since === undefined ? '' : iso(since),
      silenced ? 'silenced' : '',
      level === 'ok' ? '' : summary,
    ]);
  const table = formatTable(['state', 'alert', 'severity', 'since', '', 'what'], rows, 160);
  const who = channels.map(({ name, kind, levelMin, waiting, last }) => [
    name,
    kind,
    `${levelMin} and above`,
    last === undefined
      ? 'nothing sent yet'
      : `${last.outcome} ${iso(last.at)}${last.error === undefined ? '' : `: ${last.error}`}`,
    waiting === 0 ? '' : `${waiting} waiting`,
  ]);
  return [
    table,
    channels.length === 0
      ? '\nNobody is told: add a channel to alerts.channels.\n'
      : `\n${formatTable(['channel', 'kind', 'gets', 'last', ''], who, 160)}`,
    ...(silences.length === 0
      ? []
      : [
          '\n',
          formatTable(
            ['silence', 'alert', 'until', 'why'],
            silences.map(({ id, rule, until, comment }) => [id, rule, iso(until), comment]),
            160,
          ),
        ]),
  ].join('');
}

function historyText({ messages }: AlertHistoryView): string {
  if (messages.length === 0) return 'nothing was told yet\n';
  const rows = messages.map(({ at, status, level, title, deliveries }) => [
    iso(at),
    status,
    level,
    title,
    deliveries
      .map(({ channel, outcome, error }) => `${channel} ${outcome}${error === undefined ? '' : ` (${error})`}`)
      .join(', ') || 'no channel, or on its way',
  ]);
  return formatTable(['at', 'what', 'level', 'alert', 'channels'], rows, 160);
}

const iso = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');

function seconds(text: string): number {
  const value = parseDuration(text);
  if (value === undefined) throw new InvalidArgumentError('expected a time such as 30m, 2h or 1d');
  return value;
}
