/** A bar that is redrawn on a terminal, and a line every tenth where there is none. */
import type { CliContext } from './context.ts';

const width = 30;

export interface ProgressBar {
  show(done: number, total: number, label: string): void;
  /** Ends the line; what follows starts on a fresh one. */
  end(): void;
}

export function createProgressBar(context: Pick<CliContext, 'err' | 'errIsTerminal'>): ProgressBar {
  let lastPercent = -1;
  let open = false;
  return {
    show(done, total, label) {
      const share = total === 0 ? 1 : Math.min(1, done / total);
      const percent = Math.floor(share * 100);
      if (context.errIsTerminal) {
        if (percent === lastPercent) return;
        const filled = Math.round(share * width);
        // Erases what a longer label left behind.
        context.err(`\r[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${percent} % ${label}\u001B[K`);
        open = true;
      } else {
        if (Math.floor(percent / 10) === Math.floor(lastPercent / 10) && lastPercent >= 0) return;
        context.err(`${percent} % ${label}\n`);
      }
      lastPercent = percent;
    },
    end() {
      if (open) context.err('\n');
      open = false;
    },
  };
}
