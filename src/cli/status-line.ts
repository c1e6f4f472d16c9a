import type { CliContext } from './context.ts';

/** Of a terminal that does not say. */
const usualColumns = 80;

/** One line that is drawn again and again. One that wraps cannot be drawn over, so it is cut to the window as it is now. */
export function statusLine(context: CliContext, text: string): string {
  const width = Math.max(1, (context.columns?.() ?? usualColumns) - 1);
  return `\r${text.length > width ? `${text.slice(0, width - 1)}…` : text}\u001B[K`;
}
