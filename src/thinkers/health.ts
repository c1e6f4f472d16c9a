/** Whether a thinker may be given requests: probes, ejection after failures, slow return. Decides; the pool acts. */
import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { ThinkerState } from './thinker.ts';

export interface HealthOptions {
  /** Between probes of a thinker that answers. Default 5000: residency is never older. */
  readonly probeIntervalMs: number;
  /** A probe that takes longer has failed. Default 3000. */
  readonly probeTimeoutMs: number;
  /** Longest pause between probes of one that does not answer. Default 30000. */
  readonly probeBackoffMaxMs: number;
  /** Failed probes in a row after which one that did answer counts as gone. Default 2: one may be a hiccup. */
  readonly probeFailuresMax: number;
  /** Failed requests in a row after which it is ejected. Default 3. */
  readonly ejectAfterFailures: number;
  /** First ejection; each further one lasts twice as long. Default 5000. */
  readonly ejectionMs: number;
  /** Longest ejection. Default 60000. */
  readonly ejectionMaxMs: number;
  /** After an ejection its share of load grows to the full one over this time. Default 30000. */
  readonly slowReturnMs: number;
}

export const healthDefaults: HealthOptions = {
  probeIntervalMs: 5_000,
  probeTimeoutMs: 3_000,
  probeBackoffMaxMs: 30_000,
  probeFailuresMax: 2,
  ejectAfterFailures: 3,
  ejectionMs: 5_000,
  ejectionMaxMs: 60_000,
  slowReturnMs: 30_000,
};

/** Share of its normal load that a thinker gets right after an ejection. */
const weightMin = 0.1;
/** After the first failed probe the next comes soon: gone or only slow is worth knowing. */
const firstRetryMs = 1_000;
/** Probes of many thinkers drift apart instead of coming in one burst. */
const jitterShare = 0.1;

export class Health {
  readonly #options: HealthOptions;
  readonly #clock: Clock;
  /** Keep `loading` rather than `unreachable` until the first answer: a rented machine takes minutes to boot. */
  readonly #mayTakeLong: boolean;
  #reached: 'never' | 'yes' | 'no' = 'never';
  #draining = false;
  #probeFailures = 0;
  #failuresInRow = 0;
  #ejections = 0;
  #ejectedUntilMs: number | undefined;
  #returningSinceMs: number | undefined;

  constructor(options: HealthOptions, clock: Clock, mayTakeLong: boolean) {
    this.#options = options;
    this.#clock = clock;
    this.#mayTakeLong = mayTakeLong;
  }

  get state(): ThinkerState {
    if (this.#draining) return 'draining';
    if (this.#reached === 'never') return 'loading';
    if (this.#reached === 'no') return 'unreachable';
    return this.#ejectedUntilMs === undefined ? 'ready' : 'ejected';
  }

  get failuresInRow(): number {
    return this.#failuresInRow;
  }

  get weight(): number {
    if (this.#returningSinceMs === undefined) return 1;
    const share = (this.#clock.monotonicMs() - this.#returningSinceMs) / this.#options.slowReturnMs;
    if (share < 1) return weightMin + (1 - weightMin) * share;
    this.#returningSinceMs = undefined;
    return 1;
  }

  drain(): void {
    this.#draining = true;
  }

  keep(): void {
    this.#draining = false;
  }

  probeSucceeded(): void {
    this.#reached = 'yes';
    this.#probeFailures = 0;
  }

  probeFailed(): void {
    this.#probeFailures += 1;
    if (this.#reached === 'yes' && this.#probeFailures < this.#options.probeFailuresMax) return;
    if (this.#reached === 'never' && this.#mayTakeLong) return;
    this.#reached = 'no';
  }

  /** How long until the next probe. */
  nextProbeMs(random: Random): number {
    const { probeIntervalMs, probeBackoffMaxMs } = this.#options;
    const failures = this.#probeFailures;
    const ms =
      failures === 0
        ? probeIntervalMs
        : failures === 1
          ? Math.min(firstRetryMs, probeIntervalMs)
          : Math.min(probeIntervalMs * 2 ** Math.min(failures - 2, 16), Math.max(probeBackoffMaxMs, probeIntervalMs));
    return ms * (1 - jitterShare + 2 * jitterShare * random.float());
  }

  requestSucceeded(): void {
    this.#failuresInRow = 0;
    // Back at full load and still answering: its past is forgiven.
    if (this.#ejections > 0 && this.weight === 1) this.#ejections = 0;
  }

  /** @returns true when it has failed often enough to be ejected */
  requestFailed(): boolean {
    this.#failuresInRow += 1;
    if (this.#returningSinceMs !== undefined) this.#returningSinceMs = this.#clock.monotonicMs();
    return this.state === 'ready' && this.#failuresInRow >= this.#options.ejectAfterFailures;
  }

  /** @returns how long the ejection lasts */
  eject(): number {
    const { ejectionMs, ejectionMaxMs } = this.#options;
    const ms = Math.min(ejectionMs * 2 ** Math.min(this.#ejections, 16), ejectionMaxMs);
    this.#ejections += 1;
    this.#ejectedUntilMs = this.#clock.monotonicMs() + ms;
    return ms;
  }

  /** The ejection is over, by time or because nobody else is left. */
  comeBack(): void {
    if (this.#ejectedUntilMs === undefined) return;
    this.#ejectedUntilMs = undefined;
    this.#failuresInRow = 0;
    this.#returningSinceMs = this.#clock.monotonicMs();
  }
}
