import { InvalidArgumentError, type Command } from 'commander';
import type { CostInputs, CostResult } from '../../ledger/model/calculator.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { formatPercent, formatTable, formatUsd } from '../format.ts';

/** One flag for each figure: its option, what it is, and its default in words. */
const flags: readonly (readonly [field: keyof CostInputs, flag: string, what: string])[] = [
  ['queries', '--queries <n>', 'questions a month (100000)'],
  ['hitShare', '--hit-share <share>', 'fraction of them answered from the cache, 0 to 1 (0.3)'],
  ['promptTokens', '--prompt-tokens <n>', 'of a question (500)'],
  ['completionTokens', '--completion-tokens <n>', 'of an answer (200)'],
  ['tokensPerSecond', '--tokens-per-second <n>', 'of the GPU at the concurrency it really has (100)'],
  ['prefillPerSecond', '--prefill-per-second <n>', 'prompt tokens a second (5000)'],
  ['gpuUsdPerHour', '--gpu-price <usd>', 'an hour of the GPU, all in (0.5)'],
  ['hours', '--hours <n>', 'it runs a month, with --schedule always-on (730)'],
  ['utilisation', '--utilisation <share>', 'busy over billed time, with --schedule elastic (0.6)'],
  ['coldHours', '--cold-hours <n>', 'of starting and loading a month (0)'],
  ['diskGb', '--disk-gb <n>', 'of rented disk (60)'],
  ['diskUsdPerGbMonth', '--disk-price <usd>', 'a GB and month (0.15)'],
  ['trafficGb', '--traffic-gb <n>', 'a month (0)'],
  ['trafficUsdPerGb', '--traffic-price <usd>', 'a GB (0.01)'],
  ['fixedUsd', '--fixed <usd>', 'the gateway’s machine, Redis, a domain, a month (30)'],
  ['cacheUsd', '--cache-fixed <usd>', 'the part of it that is there for the cache (0)'],
  ['operatorHours', '--operator-hours <n>', 'of your work a month (0)'],
  ['operatorUsdPerHour', '--operator-price <usd>', 'an hour of it (0)'],
  ['fallbackUsd', '--fallback <usd>', 'paid to an API a month (0)'],
  ['cloudUsdPerHour', '--cloud-price <usd>', 'an hour of a cloud’s GPU (1.006)'],
  ['cloudHours', '--cloud-hours <n>', 'it would run (730)'],
  ['cloudFixedUsd', '--cloud-fixed <usd>', 'beside it, a month (30)'],
  ['apiInputUsdPerMillion', '--api-input <usd>', 'a million prompt tokens at an API (unpriced)'],
  ['apiOutputUsdPerMillion', '--api-output <usd>', 'a million completion tokens there (unpriced)'],
  ['wrongShare', '--wrong-share <share>', 'of hits that are wrong, 0 to 1 (0)'],
  ['wrongUsd', '--wrong-cost <usd>', 'of one wrong answer (0)'],
  ['investmentUsd', '--investment <usd>', 'spent once (0)'],
  ['months', '--months <n>', 'over which a return is counted (6)'],
];
const shares = new Set<keyof CostInputs>(['hitShare', 'utilisation', 'wrongShare']);
/** What is divided by. */
const positive = new Set<keyof CostInputs>(['tokensPerSecond', 'prefillPerSecond', 'utilisation', 'months']);

export function addCost(program: Command, context: CliContext): void {
  const command = program
    .command('cost')
    .description('A month as arithmetic: what it would cost, against what, and when the cache pays. Needs no gateway.')
    .option('--example', 'start from the promised month, $590 against $3,240')
    .option(
      '--schedule <schedule>',
      'always-on: the hours given; elastic: busy time over utilisation (always-on)',
      scheduleOf,
    );
  for (const [field, flag, what] of flags) {
    // commander would name it after the flag; the calculator has its own names.
    command.option(flag, what, (text) => numberOf(field, text));
  }
  command
    .addHelpText(
      'after',
      examples([
        ['llm-self-host cost --example', 'the promised month, with what it assumes'],
        ['llm-self-host cost --queries 22000 --schedule elastic --utilisation 0.1', 'ten people, a GPU that sleeps'],
        ['llm-self-host cost --queries 1000000 --api-input 0.15 --api-output 0.6', 'against an API'],
      ]),
    )
    .action(async (_: unknown, self: Command) => {
      const options = self.optsWithGlobals<GlobalOptions & Record<string, unknown>>();
      const { calculate, calculatorDefaults, promisedMonth } = await import('../../ledger/model/calculator.ts');
      const base = options['example'] === true ? promisedMonth : calculatorDefaults;
      const given = Object.fromEntries(
        flags.flatMap(([field, flag]) => {
          const value = options[optionName(flag)];
          return value === undefined ? [] : [[field, value]];
        }),
      ) as Partial<CostInputs>;
      const schedule = options['schedule'] as CostInputs['schedule'] | undefined;
      const inputs: CostInputs = { ...base, ...given, ...(schedule && { schedule }) };
      if ((inputs.apiInputUsdPerMillion === undefined) !== (inputs.apiOutputUsdPerMillion === undefined))
        throw new CliError('an API has two prices: give both --api-input and --api-output');
      const result = calculate(inputs);
      if (options.json) printJson(context, { inputs, result });
      else context.out(describeCost(inputs, result));
    });
}

const optionName = (flag: string): string =>
  flag
    .split(' ')[0]!
    .slice(2)
    .replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

function scheduleOf(text: string): CostInputs['schedule'] {
  if (text !== 'always-on' && text !== 'elastic') throw new InvalidArgumentError('expected always-on or elastic');
  return text;
}

function numberOf(field: keyof CostInputs, text: string): number {
  const value = Number(text);
  const max = shares.has(field) ? 1 : 1e12;
  if (text.trim() === '' || !(value >= 0 && value <= max) || (positive.has(field) && value === 0))
    throw new InvalidArgumentError(
      `expected a number ${positive.has(field) ? 'above 0' : 'from 0'}${shares.has(field) ? ' to 1' : ''}`,
    );
  return value;
}

export function describeCost(inputs: CostInputs, result: CostResult): string {
  const rate = (value: number) => Number(value.toFixed(2));
  const assumes = [
    `${inputs.queries.toLocaleString('en-US')} questions a month, ${formatPercent(inputs.hitShare)} from the cache`,
    `${inputs.promptTokens} prompt and ${inputs.completionTokens} completion tokens at ${inputs.tokensPerSecond} tokens/s: ${rate(result.missSeconds)} s of GPU a miss`,
    inputs.schedule === 'always-on'
      ? `one GPU at $${inputs.gpuUsdPerHour}/h for ${inputs.hours} h, whatever comes`
      : `GPUs at $${inputs.gpuUsdPerHour}/h that follow the load, ${formatPercent(inputs.utilisation)} of their time busy`,
    `disk ${inputs.diskGb} GB at $${inputs.diskUsdPerGbMonth}, fixed $${inputs.fixedUsd}, your time $${inputs.operatorHours * inputs.operatorUsdPerHour}`,
  ];
  const lines = [
    'assumes',
    ...assumes.map((line) => `  ${line}`),
    '',
    formatTable(
      ['A MONTH', 'USD'],
      [
        ...Object.entries(result.components)
          .filter(([, usd]) => usd !== 0)
          .map(([name, usd]) => [name, formatUsd(usd)]),
        ['total', formatUsd(result.monthUsd)],
      ],
    ),
    `busy ${rate(result.busyHours)} of ${rate(result.billedHours)} billed hours: ${formatPercent(result.utilisation)}`,
    `a question ${formatUsd(result.perQueryUsd)}, a miss ${formatUsd(result.perMissUsd)} of GPU, a hit ${formatUsd(result.perHitUsd)} of GPU`,
  ];
  if (result.gpusNeeded > 1)
    lines.push(`this load needs ${result.gpusNeeded} GPUs: at more than 60 % of its time one keeps people waiting`);
  lines.push(
    '',
    formatTable(
      ['AGAINST', 'A MONTH', 'SAVED', 'SHARE', 'WHICH IS'],
      result.baselines.map(({ name, monthUsd, savedUsd, savedShare, what }) => [
        name,
        monthUsd === undefined ? 'unpriced' : formatUsd(monthUsd),
        savedUsd === undefined ? '–' : formatUsd(savedUsd),
        savedShare === undefined ? '–' : formatPercent(savedShare, 2),
        what,
      ]),
    ),
    `break-even  ${result.breakEvenHitShare === undefined ? 'none' : formatPercent(result.breakEvenHitShare)} of hits: ${result.breakEvenWhy}`,
  );
  if (result.wrongShareMax !== undefined)
    lines.push(`hits pay while fewer than ${formatPercent(result.wrongShareMax, 2)} of them are wrong`);
  if (result.roi !== undefined)
    lines.push(
      `return over ${inputs.months} months against cloud-gpu: ${formatPercent(result.roi.withOperator, 0)} with your time, ${Number.isFinite(result.roi.withoutOperator) ? formatPercent(result.roi.withoutOperator, 0) : 'no money spent once'} without`,
    );
  return `${lines.join('\n')}\n`;
}
