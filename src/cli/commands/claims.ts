import type { Command } from 'commander';
import type { ClaimsReport } from '../../admin/admin-types.ts';
import { adminTarget, getJson } from '../client.ts';
import { printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { rangeQuery, withRange, type RangeOptions } from './ledger.ts';

export function addClaims(program: Command, context: CliContext): void {
  withRange(program.command('claims'))
    .description('What this product promises, what was measured here, and under which condition it is true.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host claims', 'the last 30 days'],
        ['llm-self-host claims --json | jq -r \'.claims[] | "\\(.id) \\(.verdict)"\'', 'for scripts'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & RangeOptions>();
      const report = await getJson<ClaimsReport>(adminTarget(context, options), {
        path: '/api/money/claims',
        query: rangeQuery(options),
      });
      if (options.json) printJson(context, report);
      else context.out(describeClaims(report));
    });
}

export function describeClaims({ days, claims }: ClaimsReport): string {
  const told = claims.map(({ promise, verdict, measured, target, definition, condition, n }) =>
    [
      `${verdict.toUpperCase().padEnd(16)}${promise}`,
      `  measured   ${measured ?? '–'} (target ${target}; n = ${n.toLocaleString('en-US')})`,
      `  counts     ${definition}`,
      `  true when  ${condition}`,
    ].join('\n'),
  );
  return `${[`over ${days.toFixed(1)} days`, ...told].join('\n\n')}\n`;
}
