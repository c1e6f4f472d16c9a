/**
 * What the control law costs and makes wait, against other systems' laws and one that knows the future:
 * `npm run bench:fleet -- TRACES [--quick] [--json FILE] [--seeds N] [--only TEXT]`. Simulated time and machines; the
 * law, the demand meter, the offer score and the budget are the product's own files.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { contenderRuns, type ScenarioRuns } from './fleet/play-scenario.ts';
import { scenariosFor } from './fleet/scenarios.ts';
import { lineOf, rowOf, summarize, type Summary } from './fleet/summary.ts';
import { saveRows } from './lib/rows.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    seeds: { type: 'string' },
    only: { type: 'string' },
  },
});
const folder = positionals[0];
if (folder === undefined || !existsSync(folder)) {
  console.error(
    folder === undefined
      ? 'Usage: npm run bench:fleet -- TRACES; the folder with azure-llm-2023-conv.csv.gz and azure-llm-2023-code.csv.gz'
      : `There is no folder ${folder}; the traces are azure-llm-2023-{conv,code}.csv.gz of the Azure LLM inference trace 2023.`,
  );
  process.exit(2);
}
const seeds = values.seeds === undefined ? (values.quick ? 2 : 10) : Number(values.seeds);
if (!Number.isInteger(seeds) || seeds < 1) throw new Error(`--seeds is ${values.seeds}; expected a positive integer`);

console.log(`Synthetic days: 58 recorded minutes of real requests, shuffled in half hours and thinned by a day curve of ours.
Machines, prices, cold starts (median 240 s), bad hosts and losses (one in 24 h) are simulated and assumed, not measured.
A miss is a request that waits more than 10 s for a slot. Intervals are 95 % over ${seeds} seeds. Every run begins with no machine.`);

const summaries: Summary[] = [];
const scenarios = scenariosFor({
  seeds,
  faultSeeds: values.quick ? 1 : seeds,
  weekSeeds: values.quick ? 0 : Math.min(3, seeds),
  manySeeds: values.quick ? 0 : 5 * seeds,
});
for (const scenario of scenarios) {
  if (values.only !== undefined && !scenario.name.includes(values.only)) continue;
  const runs: ScenarioRuns = contenderRuns(folder, scenario);
  const clairvoyant = runs.byContender.get('clairvoyant');
  const own = [...runs.byContender].map(([name, figures]) =>
    summarize(scenario.name, name, figures, { clairvoyant, boundsUsd: runs.boundsUsd }),
  );
  summaries.push(...own);
  console.log(
    `\n## ${scenario.name} (${scenario.about}; ${runs.requests} requests; lower bound $${own[0]!.boundUsd!.toFixed(2)})`,
  );
  printLines(own.map(lineOf));
}
printSavings(summaries);
const trouble = summaries.filter(
  ({ contender, leaked, breaches }) => contender.startsWith('ours') && leaked + breaches > 0,
);
console.log(
  trouble.length === 0
    ? '\nNo instance of ours leaked and no budget was passed in any run.'
    : `\nLEAKED OR PASSED A BUDGET: ${trouble.map(({ scenario }) => scenario).join(', ')}`,
);
saveRows(summaries.map(rowOf), values.json);
if (trouble.length > 0) process.exitCode = 1;

function printLines(lines: readonly Record<string, string>[]): void {
  const columns = Object.keys(lines[0]!);
  const table = [columns, ...lines.map((line) => columns.map((column) => line[column]!))];
  const widths = columns.map((_, i) => Math.max(...table.map((cells) => cells[i]!.length)));
  for (const cells of table)
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '));
}

function printSavings(all: readonly Summary[]): void {
  const byRate = all.filter(({ scenario }) => scenario.includes('hit rate'));
  const without = byRate[0];
  if (without === undefined) return;
  console.log('\n## What hits save');
  for (const { scenario, usd, runs } of byRate) {
    const hours = runs.reduce((sum, { result }) => sum + result.machineHours, 0) / runs.length;
    const saved = without.usd.mean - usd.mean;
    console.log(
      `${scenario}: ${hours.toFixed(1)} machine hours, $${usd.mean.toFixed(2)}, saved $${saved.toFixed(2)} (${((100 * saved) / without.usd.mean).toFixed(0)} %)`,
    );
  }
}
