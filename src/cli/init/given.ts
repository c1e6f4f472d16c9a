/** What options, or earlier steps, have said. Each step asks only for what is still open. */
import { CliError } from '../context.ts';
import { parseDuration } from '../format.ts';

export type AnswerSource = 'demo' | 'ollama' | 'vast';
export type AlertKind = 'none' | 'webhook' | 'slack' | 'discord' | 'ntfy' | 'email';

export interface Given {
  readonly answers?: AnswerSource;
  readonly ollamaUrl?: string;
  readonly vastUrl?: string;
  readonly vastKeyFile?: string;
  /** From a step, or SELFHOST_VAST_API_KEY. */
  readonly vastKey?: string;
  readonly model?: string;
  readonly modelGb?: number;
  readonly gpu?: readonly string[];
  readonly hosts?: 'verified' | 'any' | 'datacenter';
  readonly gpuUsdPerHour?: number;
  readonly perHourUsd?: number;
  readonly perDayUsd?: number;
  readonly perMonthUsd?: number;
  readonly perRentalUsd?: number;
  /** Seconds. */
  readonly idle?: number;
  readonly hours?: string;
  readonly hoursPerDay?: number;
  readonly utcOffsetMinutes?: number;
  readonly cache?: 'strict' | 'balanced' | 'exact';
  readonly audits?: 'on' | 'off';
  readonly access?: 'open' | 'keys';
  readonly alert?: AlertKind;
  readonly alertUrl?: string;
  readonly alertTopic?: string;
  readonly alertSecretFile?: string;
  readonly smtpHost?: string;
  readonly smtpUser?: string;
  readonly alertFrom?: string;
  readonly alertTo?: string;
  readonly port?: string;
  readonly adminPort?: string;
  readonly dataDir?: string;
}

export const capOptions = ['perHourUsd', 'perDayUsd', 'perMonthUsd', 'perRentalUsd'] as const;

/** Options without which nobody can go on where nobody can be asked, all at once. */
export function missingOptions(given: Given): string[] {
  const answers = given.answers ?? 'demo';
  const missing: string[] = [];
  const need = (there: boolean, option: string) => void (there || missing.push(option));
  if (answers === 'ollama') need(given.ollamaUrl !== undefined, '--ollama-url <url>');
  if (answers === 'vast') {
    need(
      given.vastKeyFile !== undefined || given.vastKey !== undefined,
      '--vast-key-file <file> (or SELFHOST_VAST_API_KEY)',
    );
    need(given.model !== undefined, '--model <name>');
    for (const cap of capOptions) need(given[cap] !== undefined, `--${kebab(cap)} <usd>`);
  }
  const { alert = 'none' } = given;
  if (alert === 'webhook') need(given.alertUrl !== undefined, '--alert-url <url>');
  if (alert === 'ntfy') need(given.alertTopic !== undefined, '--alert-topic <topic>');
  if (alert === 'slack' || alert === 'discord') need(given.alertSecretFile !== undefined, '--alert-secret-file <file>');
  if (alert === 'email') {
    need(given.smtpHost !== undefined, '--smtp-host <host>');
    need(given.alertFrom !== undefined, '--alert-from <address>');
    need(given.alertTo !== undefined, '--alert-to <address>');
  }
  return missing;
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** @throws CliError naming all of them */
export function refuseMissing(given: Given): void {
  const missing = missingOptions(given);
  if (missing.length === 0) return;
  throw new CliError(
    `these options are missing, and there is nobody to ask:\n${missing.map((each) => `  ${each}`).join('\n')}\nnothing was written`,
  );
}

/** When machines are kept ready. `on-demand`: from nothing, when somebody asks. */
export type WorkingHours =
  | { readonly kind: 'on-demand'; readonly hoursPerDay: number }
  | { readonly kind: 'schedule'; readonly days: readonly string[]; readonly from: string; readonly to: string };

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
export const hoursExample = 'mon-fri 08:30-18:00';

/** `mon-fri 08:30-18:00`, `sat,sun 10:00-14:00`; undefined when it is neither. */
export function parseSchedule(text: string): Extract<WorkingHours, { kind: 'schedule' }> | undefined {
  const match = /^([a-z,-]+)\s+((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)$/.exec(
    text.trim().toLowerCase(),
  );
  if (match === null || match[2] === match[3]) return undefined;
  const days: string[] = [];
  for (const part of match[1]!.split(',')) {
    const [first, last = first] = part.split('-').map((day) => weekdays.indexOf(day));
    if (first === undefined || last === undefined || first < 0 || last < 0) return undefined;
    for (let at = first; ; at = (at + 1) % weekdays.length) {
      days.push(weekdays[at]!);
      if (at === last) break;
    }
  }
  return { kind: 'schedule', days: weekdays.filter((day) => days.includes(day)), from: match[2]!, to: match[3]! };
}

/** @returns what is wrong with it */
export const checkHours = (text: string): string | undefined =>
  text === 'on-demand' || parseSchedule(text) !== undefined
    ? undefined
    : `expected hours such as \`${hoursExample}\`, or on-demand`;

export const checkUsd = (text: string): string | undefined =>
  /^\$?\d+(\.\d+)?$/.test(text) && dollars(text) >= 0.01 && dollars(text) <= 1_000_000
    ? undefined
    : 'expected US dollars, 0.01 or more, such as 2 or 0.75';

export const dollars = (text: string): number => Number(text.replace('$', ''));

export const checkDuration = (text: string): string | undefined =>
  (parseDuration(text) ?? 0) >= 60 ? undefined : 'expected a time of at least a minute, such as 15m or 2h';

export const checkUrl = (text: string): string | undefined =>
  URL.canParse(text) && /^https?:/.test(text) ? undefined : 'expected a URL such as http://127.0.0.1:11434';
