import type { Command } from 'commander';
import type { MoneyReport } from '../../admin/admin-types.ts';
import { formatRange } from '../../core/format.ts';
import { adminTarget, getJson } from '../client.ts';
import { printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { formatPercent, formatTable, formatUsd } from '../format.ts';
import { rangeQuery, withRange, type RangeOptions } from './ledger.ts';

export function addSavings(program: Command, context: CliContext): void {
  withRange(program.command('savings'))
    .description(
      'What it cost and what it saved: against a cloud’s GPU, an API, and the same thinkers without a cache.',
    )
    .addHelpText(
      'after',
      examples([
        ['llm-self-host savings', 'the last 30 days'],
        ['llm-self-host savings --json | jq .cacheSaved', 'for scripts'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & RangeOptions>();
      const report = await getJson<MoneyReport>(adminTarget(context, options), {
        path: '/api/money/report',
        query: rangeQuery(options),
      });
      if (options.json) printJson(context, report);
      else context.out(describeSavings(report));
    });
}

const orUnpriced = (usd: number | undefined): string => (usd === undefined ? 'unpriced' : formatUsd(usd));

export function describeSavings(report: MoneyReport): string {
  const { gpu, falseHits, roi } = report;
  const lines = [
    `over ${report.days.toFixed(1)} days: ${report.queries.toLocaleString('en-US')} answers, ${report.hitShare === undefined ? 'no hits yet' : `${formatPercent(report.hitShare)} from the cache`}${falseHits === undefined ? '' : `, wrong ones at most ${formatPercent(falseHits.high)} of other wordings`}`,
    `paid        ${orUnpriced(report.costUsd)}${report.costPerMonthUsd === undefined ? '' : `, ${formatUsd(report.costPerMonthUsd)} a month at this pace`}`,
    `a question  ${orUnpriced(report.perQueryUsd)}, a miss ${orUnpriced(report.perMissUsd)} of GPU`,
    `GPUs        ${gpu.billedHours.toFixed(1)} h billed${gpu.utilisation === undefined ? '' : `, ${formatPercent(gpu.utilisation)} of it busy`}${gpu.usdPerHour === undefined ? '' : `, ${formatUsd(gpu.usdPerHour)}/h`}`,
    `the cache   saved ${saved(report)}`,
    `break-even  ${report.breakEven.share === undefined ? '–' : formatPercent(report.breakEven.share)} of hits: ${report.breakEven.why}`,
  ];
  if (report.qualityAdjustedUsd !== undefined)
    lines.push(
      `            ${formatUsd(report.qualityAdjustedUsd.estimate)} after wrong hits, at least ${formatUsd(report.qualityAdjustedUsd.low)}`,
    );
  if (roi !== undefined)
    lines.push(
      `return      ${formatPercent(roi.withOperator, 0)} in ${roi.months} months with your time, ${roi.withoutOperator === undefined ? 'no money spent once' : formatPercent(roi.withoutOperator, 0)} without`,
    );
  const table = formatTable(
    ['AGAINST', 'WOULD COST', 'SAVED', 'SHARE', 'WHICH IS'],
    report.baselines.map(({ baseline, usd, savedUsd, savedShare, says, priceIsOld, priceAgeDays }) => [
      baseline,
      orUnpriced(usd),
      savedUsd === undefined ? '–' : formatUsd(savedUsd),
      savedShare === undefined ? '–' : formatPercent(savedShare),
      priceIsOld ? `${says} (${priceAgeDays} days old)` : says,
    ]),
    200,
  );
  const drifts = report.drift
    .slice(-7)
    .map(({ at, meteredUsd, chargedUsd, drift }) => [
      new Date(at).toISOString().slice(0, 10),
      formatUsd(meteredUsd),
      formatUsd(chargedUsd),
      drift === undefined ? '–' : formatPercent(drift, 2),
    ]);
  const drift = drifts.length === 0 ? '' : `\n${formatTable(['DAY', 'METERED', 'CHARGED', 'DRIFT'], drifts)}`;
  return `${lines.join('\n')}\n\n${table}${drift}`;
}

function saved({ cacheSaved: { basis, estimate } }: MoneyReport): string {
  switch (estimate.kind) {
    case 'unpriced':
      return `– (unpriced: ${estimate.why})`;
    case 'not-enough-data':
      return `– (not enough data: ${estimate.why})`;
    default: {
      const { usd, low, high, method } = estimate;
      const interval = low === undefined || high === undefined ? '' : ` (95 %: ${formatRange(low, high, formatUsd)})`;
      return `about ${formatUsd(usd)}${interval} by the measure of ${basis}; ${method}`;
    }
  }
}
