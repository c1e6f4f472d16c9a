import { Option, type Command } from 'commander';
import type { LedgerTotalsView } from '../../admin/admin-types.ts';
import { adminTarget, call, getJson } from '../client.ts';
import { printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { formatTable, formatUsd } from '../format.ts';

export interface RangeOptions extends GlobalOptions {
  readonly days?: string;
  readonly from?: string;
  readonly to?: string;
  readonly tenant?: string;
}

interface ExportOptions extends RangeOptions {
  readonly format: string;
}

export function addLedger(program: Command, context: CliContext): void {
  const ledger = program
    .command('ledger')
    .description('What was answered and what was billed, entry by entry and in sums.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host ledger totals', 'the last 30 days'],
        ['llm-self-host ledger export --format csv > ledger.csv', 'every entry, for a spreadsheet'],
      ]),
    );
  addTotals(ledger, context);
  addExport(ledger, context);
}

function addTotals(ledger: Command, context: CliContext): void {
  withRange(ledger.command('totals'))
    .description('Sums: what was billed by component, which answers came from where.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host ledger totals', 'the last 30 days'],
        ['llm-self-host ledger totals --from 2026-06-01 --to 2026-07-01', 'June, UTC'],
        ['llm-self-host ledger totals --json | jq .totals.total', 'millionths of a dollar, for scripts'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<RangeOptions>();
      const view = await getJson<LedgerTotalsView>(adminTarget(context, options), {
        path: '/api/ledger/totals',
        query: rangeQuery(options),
      });
      if (options.json) printJson(context, view);
      else context.out(describeTotals(view));
    });
}

function addExport(ledger: Command, context: CliContext): void {
  withRange(ledger.command('export'))
    .description('Every entry, oldest first, a line each.')
    .addOption(
      new Option('--format <format>', 'csv: a table; json: one object a line').choices(['csv', 'json']).default('csv'),
    )
    .addHelpText(
      'after',
      examples([
        ['llm-self-host ledger export > ledger.csv', 'the last 30 days'],
        ['llm-self-host ledger export --days 365 --format json > year.ndjson', 'a year, for scripts'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<ExportOptions>();
      const response = await call(adminTarget(context, options), {
        path: '/api/ledger/export',
        query: { ...rangeQuery(options), format: options.format },
      });
      const decoder = new TextDecoder();
      for await (const chunk of response.body!) context.out(decoder.decode(chunk as Uint8Array, { stream: true }));
      context.out(decoder.decode());
    });
}

export function withRange(command: Command): Command {
  return command
    .option('--days <n>', 'the last n days (default 30)')
    .option('--from <day>', 'first day, such as 2026-06-01 (UTC)')
    .option('--to <day>', 'the day after the last one')
    .option('--tenant <name>', 'answers of one tenant; costs are everyone’s');
}

export const rangeQuery = ({ days, from, to, tenant }: RangeOptions) => ({ days, from, to, tenant });

const componentWords: Readonly<Record<keyof LedgerTotalsView['totals']['costs'], string>> = {
  gpu_busy: 'GPU, answering',
  gpu_idle: 'GPU, idle',
  gpu_cold: 'GPU, starting',
  storage: 'storage',
  bandwidth: 'bandwidth',
  fixed: 'fixed',
  fallback: 'paid API',
};

function describeTotals({ range, totals, lost }: LedgerTotalsView): string {
  const day = (at: number) => new Date(at).toISOString().slice(0, 16).replace('T', ' ');
  const components = (Object.keys(componentWords) as (keyof typeof componentWords)[]).filter(
    (component) => totals.costs[component] !== 0 || totals.seconds[component] !== 0,
  );
  const billed =
    components.length === 0
      ? 'nothing was billed: give your thinkers a costPerHourUsd, or list what you pay under money.fixedPerMonth\n'
      : formatTable(
          ['BILLED', 'HOURS', 'USD'],
          [
            ...components.map((component) => [
              componentWords[component],
              (totals.seconds[component] / 3600).toFixed(1),
              formatUsd(totals.costs[component] / 1e6),
            ]),
            ['total', '', formatUsd(totals.total / 1e6)],
          ],
        );
  const answered = formatTable(
    ['ANSWERS', 'COUNT', 'TOKENS IN', 'TOKENS OUT', 'GPU TIME', 'AVOIDED'],
    Object.entries(totals.bySource)
      .filter(([, sums]) => sums.answers + sums.failed + sums.stopped > 0)
      .map(([source, sums]) => [
        source,
        String(sums.answers),
        String(sums.promptTokens),
        String(sums.completionTokens),
        `${(sums.gpuMs / 1000).toFixed(1)} s`,
        `${(sums.avoidedGpuMs / 1000).toFixed(1)} s`,
      ]),
  );
  return [
    `from ${day(range.from)} to ${day(range.to)} UTC${range.tenant === undefined ? '' : `, answers of ${range.tenant}`}`,
    '',
    billed,
    answered,
    totals.failed > 0 ? `${totals.failed} requests failed\n` : '',
    totals.charged > 0 ? `the provider charged ${formatUsd(totals.charged / 1e6)}\n` : '',
    lost > 0 ? `${lost} entries could not be written and are lost; see the log\n` : '',
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()
    .concat('\n');
}
