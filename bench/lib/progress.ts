/** A bar on standard error; silent when that is no terminal, so that logs and pipes stay clean. */
export interface Progress {
  /** @param done of `total`, as given to `startProgress`. */
  update(done: number): void;
  end(): void;
}

const barChars = 30;
/** A redraw costs a system call; ten a second look smooth. */
const redrawMs = 100;

export function startProgress(label: string, total: number): Progress {
  if (!process.stderr.isTTY) return { update: () => undefined, end: () => undefined };
  let drawnAtMs = -Infinity;
  const draw = (done: number) => {
    const filled = Math.round((barChars * done) / Math.max(1, total));
    process.stderr.write(`\r\x1b[K${label} ${'█'.repeat(filled)}${'░'.repeat(barChars - filled)} ${done}/${total}`);
  };
  return {
    update(done) {
      const nowMs = performance.now();
      if (nowMs - drawnAtMs < redrawMs && done < total) return;
      drawnAtMs = nowMs;
      draw(done);
    },
    end: () => void process.stderr.write('\r\x1b[K'),
  };
}
