/** What people type and read on a command line. */
import type { RunTimeSettingView } from '../admin/admin-types.ts';

/** `90s`, `15m`, `1h`, `2d` → seconds; undefined when it is none of them. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(s|m|h|d)$/.exec(text.trim());
  if (!match) return undefined;
  const unit = { s: 1, m: 60, h: 3600, d: 86_400 }[match[2] as 's' | 'm' | 'h' | 'd'];
  return Number(match[1]) * unit;
}

/** Cents where cents matter, more places where they do not show. */
export function formatUsd(usd: number): string {
  const places = usd === 0 || Math.abs(usd) >= 0.1 ? 2 : Math.abs(usd) >= 0.001 ? 4 : 7;
  return `${usd < 0 ? '-' : ''}$${Math.abs(usd).toLocaleString('en-US', { minimumFractionDigits: places, maximumFractionDigits: places })}`;
}

/** Of a setting that holds instead of what the configuration says. */
export const overridingWords = ({ name, value, written }: RunTimeSettingView): string =>
  `${name} is ${value}, changed at run time; the configuration says ${written ?? 'nothing'}`;

/** `0.1234` → `12.3 %`. */
export const formatPercent = (share: number, places = 1): string => `${(share * 100).toFixed(places)} %`;

/** Columns padded to their widest cell; the last one is cut to what is left of `width`. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[], width = 100): string {
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((cells) => cells[i]?.length ?? 0)));
  const used = widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0);
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i < cells.length - 1 ? cell.padEnd(widths[i]!) : clip(cell, Math.max(12, width - used))))
      .join('  ')
      .trimEnd();
  return `${[header, ...rows].map(line).join('\n')}\n`;
}

const clip = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
