/**
 * What a fault adds to a request. Each request goes, at the same moment, to what is ill and to a control that is well
 * and shares everything else with it, the process too. A machine that is busy makes both slow; and as the ill one has
 * more waits in a row, each of which may end late, the time that the process did not get is taken off both.
 */
export interface Load {
  /** Pairs of requests. */
  readonly count: number;
  readonly everyMs: number;
  readonly ill: (i: number) => Promise<unknown>;
  readonly control: (i: number) => Promise<unknown>;
}

export interface AddedLatency {
  readonly illMs: number;
  readonly controlMs: number;
  /** Of the 99th percentiles. */
  readonly addedMs: number;
}

/** Times count from when a request was due: one that a pause of the process held back has waited through it. */
export async function addedLatency({ count, everyMs, ill, control }: Load): Promise<AddedLatency> {
  const took: Record<'ill' | 'control', number[]> = { ill: [], control: [] };
  const pauses = watchPauses();
  const beganMs = performance.now();
  const asked: Promise<unknown>[] = [];
  for (let i = 0; i < count; i++) {
    const dueMs = beganMs + i * everyMs;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const timed = async (which: 'ill' | 'control', ask: (i: number) => Promise<unknown>): Promise<void> => {
      await ask(i);
      const endMs = performance.now();
      took[which].push(endMs - dueMs - pauses.within(dueMs, endMs));
    };
    // Neither is always the first of its pair.
    const pair = [() => timed('ill', ill), () => timed('control', control)];
    for (const start of i % 2 === 0 ? pair : pair.toReversed()) asked.push(start());
  }
  try {
    await Promise.all(asked);
  } finally {
    pauses.stop();
  }
  const [illMs, controlMs] = [p99(took.ill), p99(took.control)];
  return { illMs, controlMs, addedMs: illMs - controlMs };
}

const p99 = (values: readonly number[]): number => percentile(values, 0.99);

export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)]!;
}

const tickMs = 2;

/** Pauses remembered: at their shortest, those of some seconds. */
const pausesMax = 5_000;

/** When a timer came later than it should have: until then nothing in this process went on. */
export function watchPauses(): { within(fromMs: number, toMs: number): number; stop(): void } {
  const pauses: { readonly fromMs: number; readonly toMs: number }[] = [];
  let dueMs = performance.now() + tickMs;
  let timer = setTimeout(tick, tickMs);
  return {
    within(fromMs, toMs) {
      // One that is not over has not been noticed yet.
      let sum = Math.max(0, toMs - Math.max(fromMs, dueMs));
      for (let at = pauses.length - 1; at >= 0 && pauses[at]!.toMs > fromMs; at--) {
        const pause = pauses[at]!;
        sum += Math.max(0, Math.min(toMs, pause.toMs) - Math.max(fromMs, pause.fromMs));
      }
      return sum;
    },
    stop: () => clearTimeout(timer),
  };

  function tick(): void {
    const nowMs = performance.now();
    if (nowMs > dueMs) pauses.push({ fromMs: dueMs, toMs: nowMs });
    if (pauses.length >= 2 * pausesMax) pauses.splice(0, pausesMax);
    dueMs = nowMs + tickMs;
    timer = setTimeout(tick, tickMs);
  }
}
