/** Entries as text, a line each: for spreadsheets and scripts. */
import type { LedgerEntry } from './ledger.ts';

export const exportFormats = ['csv', 'json'] as const;
export type ExportFormat = (typeof exportFormats)[number];

const columns = [
  'kind',
  'at',
  'source',
  'outcome',
  'tenant',
  'model',
  'thinker',
  'promptTokens',
  'completionTokens',
  'ttftMs',
  'totalMs',
  'queuedMs',
  'loadMs',
  'gpuMs',
  'avoidedGpuMs',
  'storedGpuMs',
  'component',
  'subject',
  'seconds',
  'usd',
  'requestId',
  'question',
  'answerOf',
  'id',
] as const;

/** Times are ISO 8601 in UTC, amounts dollars with all six places. Empty: not of this kind of entry. */
export const csvHeader = `${columns.join(',')}\r\n`;

export function exportLine(entry: LedgerEntry, format: ExportFormat): string {
  return format === 'csv' ? csvLine(entry) : `${JSON.stringify(readable(entry))}\n`;
}

function csvLine(entry: LedgerEntry): string {
  const row = readable(entry);
  return `${columns.map((column) => csvCell(row[column])).join(',')}\r\n`;
}

function readable(entry: LedgerEntry): Readonly<Record<string, string | number | undefined>> {
  const at = new Date(entry.at).toISOString();
  if (!('amount' in entry)) return { ...entry, at };
  const { amount, ...rest } = entry;
  return { ...rest, at, usd: usdText(amount) };
}

/** Exact: a float would show 0.1 + 0.2. */
export function usdText(micros: number): string {
  const whole = Math.abs(Math.trunc(micros / 1e6));
  const rest = Math.abs(micros % 1e6);
  return `${micros < 0 ? '-' : ''}${whole}.${String(rest).padStart(6, '0')}`;
}

function csvCell(value: string | number | undefined): string {
  if (value === undefined) return '';
  const text = String(value);
  // Spreadsheets run what begins so, and names of models are what clients sent.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) && !/^-?\d/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
