/** docs/reference/metrics.md and cli.md, from the table and from the commands themselves. */
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
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
