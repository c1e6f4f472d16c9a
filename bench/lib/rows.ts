import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { describeCommit, describeMachine } from './machine.ts';

/** One measurement: field names end in their unit (`p99Ms`, `bytesPerRow`). */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Prints rows as a table on standard output, and writes them where `--json` says: an array of rows,
 * each carrying the machine, the commit and the command, so that a row stands on its own.
 */
export function writeRows(rows: readonly Row[], json: string | undefined): void {
  if (json !== '-') printTable(rows);
  saveRows(rows, json);
}

/** The same without the table: says on what the rows were measured, and writes them where `--json` says. */
export function saveRows(rows: readonly Row[], json: string | undefined): void {
  const program = process.argv[1] ?? '';
  const command = `node ${basename(dirname(program))}/${basename(program)} ${process.argv.slice(2).join(' ')}`.trim();
  const about = { ...describeMachine(), commit: describeCommit(), command, at: new Date().toISOString() };
  const text = `${JSON.stringify(
    rows.map((row) => ({ ...row, ...about })),
    null,
    1,
  )}\n`;
  if (json === '-') {
    process.stdout.write(text);
    return;
  }
  console.log(
    `\n${about.cpu}, ${about.cores} cores, Node ${about.node}, load ${about.load1}; ${about.commit}; ${command}`,
  );
  if (json !== undefined) {
    mkdirSync(dirname(json), { recursive: true });
    writeFileSync(json, text);
    console.log(`wrote ${json}`);
  }
}

/** Rows of one shape share a table. */
function printTable(rows: readonly Row[]): void {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const shape = Object.keys(row).join();
    const group = groups.get(shape);
    if (group) group.push(row);
    else groups.set(shape, [row]);
  }
  for (const group of groups.values()) {
    const columns = Object.keys(group[0]!);
    const cells = [columns, ...group.map((row) => columns.map((column) => String(row[column])))];
    const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]!.length)));
    console.log('');
    for (const line of cells) console.log(line.map((cell, at) => cell.padStart(widths[at]!)).join('  '));
  }
}
