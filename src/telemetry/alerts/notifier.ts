/** Decides what is worth a message: how alerts stand, against what people have been told. Pure but for its memory. */
import { addMs, type EpochMs } from '../../core/units.ts';
import { isAtLeast, type MessageLevel } from './channel.ts';
import { isQuiet, type QuietHours } from './quiet-hours.ts';
import type { AlertState } from './watch.ts';

export interface NotifierOptions {
  /** Told again after so long, while it goes on. */
  readonly renotifyMs: number;
  /** An alert that comes back within this time has never been away. */
  readonly settleMs: number;
  readonly quietHours: QuietHours | undefined;
}

export interface Silence {
  readonly id: string;
  /** Name of a rule, kind of an event, or `*`. */
  readonly rule: string;
  readonly until: EpochMs;
  readonly comment: string;
}

/** What people were last told of one alert. */
export interface Told {
  readonly level: MessageLevel;
  readonly at: EpochMs;
  /** When it was last seen to hold. */
  readonly heldAt: EpochMs;
}

export interface Notice {
  readonly state: AlertState;
  readonly status: 'firing' | 'resolved';
  readonly level: MessageLevel;
}

/** After a restart, what was told counts as going on for this long: as long as the longest short window. */
const restartGraceMs = 10 * 60_000;

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #told = new Map<string, Told>();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** By rule, to be kept over a restart. */
  get told(): Readonly<Record<string, Told>> {
    return Object.fromEntries(this.#told);
  }

  /** A gateway that has just begun knows too little of the past to say that something is over. */
  restore(told: Readonly<Record<string, Told>>, at: EpochMs): void {
    for (const [rule, each] of Object.entries(told)) {
      this.#told.set(rule, { ...each, heldAt: addMs(at, restartGraceMs) });
    }
  }

  /** @returns what is to be sent for these states; they count as told from here on */
  decide(states: readonly AlertState[], silences: readonly Silence[], at: EpochMs): readonly Notice[] {
    return states.flatMap((state): Notice[] => {
      const { name } = state.rule;
      const level = levelOf(state);
      const told = this.#told.get(name);
      if (level !== undefined) {
        if (told !== undefined) this.#told.set(name, { ...told, heldAt: at });
        const isDue = told === undefined || !isAtLeast(told.level, level) || at - told.at >= this.#options.renotifyMs;
        if (!isDue || isSilenced(name, silences, at) || this.waits(level, at)) return [];
        this.#told.set(name, { level, at, heldAt: at });
        return [{ state, status: 'firing', level }];
      }
      // Its condition holds again, for less long than it has to.
      if (told !== undefined && state.pending && told.heldAt < at) this.#told.set(name, { ...told, heldAt: at });
      // Nobody was told, so nobody waits for the end of it.
      if (
        told === undefined ||
        state.pending ||
        at - told.heldAt < this.#options.settleMs ||
        this.waits(told.level, at)
      )
        return [];
      this.#told.delete(name);
      return isSilenced(name, silences, at) ? [] : [{ state, status: 'resolved', level: told.level }];
    });
  }

  /** Whether a message of this level has to wait for the end of the quiet hours. */
  waits(level: MessageLevel, at: EpochMs): boolean {
    const { quietHours } = this.#options;
    if (quietHours === undefined || (level === 'page' && quietHours.pages === 'through')) return false;
    return isQuiet(quietHours, at);
  }
}

export const isSilenced = (rule: string, silences: readonly Silence[], at: EpochMs): boolean =>
  silences.some((silence) => silence.until > at && (silence.rule === rule || silence.rule === '*'));

function levelOf({ level, rule }: AlertState): MessageLevel | undefined {
  if (level === 'ok') return undefined;
  return level === 'warn' ? 'warn' : rule.severity;
}
