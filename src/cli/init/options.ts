/** Options of `init` and `connect vast`: every question of the wizard has one. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseDuration } from '../format.ts';
import { checkHours, checkUsd, dollars } from './given.ts';

export function addVastOptions(command: Command): Command {
  return command
    .option('--vast-key-file <file>', 'file with the API key of vast.ai; or SELFHOST_VAST_API_KEY')
    .option('--vast-url <url>', 'its API; the simulated market prints its own')
    .option('--model <name>', 'model that rented machines serve, as Ollama names it')
    .option('--model-gb <n>', 'its size, GB, where it is not a well-known one', positive)
    .option('--gpu <name>', 'kind of GPU to rent; may be repeated (default: any that fits)', collect)
    .addOption(
      new Option('--hosts <which>', 'whose machines: verified hosts, any, or companies in data centres').choices([
        'verified',
        'any',
        'datacenter',
      ]),
    )
    .option('--gpu-usd-per-hour <usd>', 'most for one machine (default: half more than is usual now)', money)
    .option('--per-hour-usd <usd>', 'cap: all machines together, an hour', money)
    .option('--per-day-usd <usd>', 'cap: a day', money)
    .option('--per-month-usd <usd>', 'cap: a calendar month', money)
    .option('--per-rental-usd <usd>', 'cap: one machine, from its rental to its end', money)
    .option('--idle <time>', 'the last machine is given back after so long unasked, such as 15m', duration)
    .option('--hours <when>', 'a machine is kept then, such as "mon-fri 08:30-18:00"; or on-demand', hours)
    .option('--hours-per-day <n>', 'use on demand, for the estimate', positive)
    .option('--utc-offset-minutes <n>', 'of hours and budget days, east of UTC (default: of this computer)', offset);
}

export function addAlertOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--alert <kind>', 'who is told when something needs a person; a test message is sent').choices([
        'none',
        'webhook',
        'slack',
        'discord',
        'ntfy',
        'email',
      ]),
    )
    .option('--alert-url <url>', 'webhook: where to post; ntfy: your own server')
    .option('--alert-topic <topic>', 'ntfy: topic')
    .option('--alert-secret-file <file>', 'file with its secret: webhook URL of slack and discord, token, password')
    .option('--smtp-host <host>', 'email: SMTP server')
    .option('--smtp-user <name>', 'email: who signs in; - for a relay that asks nobody')
    .option('--alert-from <address>', 'email: sender')
    .option('--alert-to <address>', 'email: receiver');
}

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('expected a number above 0');
  return value;
}

function money(text: string): number {
  const wrong = checkUsd(text);
  if (wrong !== undefined) throw new InvalidArgumentError(wrong);
  return dollars(text);
}

function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds < 60) throw new InvalidArgumentError('expected a time such as 15m or 2h');
  return seconds;
}

function hours(text: string): string {
  const wrong = checkHours(text);
  if (wrong !== undefined) throw new InvalidArgumentError(wrong);
  return text;
}

function offset(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < -720 || value > 840)
    throw new InvalidArgumentError('expected whole minutes from -720 to 840');
  return value;
}
