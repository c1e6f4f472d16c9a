/** D06 to D10, D15: what costs money. */
import type { CallOptions } from '../../core/chat.ts';
import { fail, ok, skipped, warn, type Check, type Finding } from '../check.ts';

export interface FoundMachine {
  readonly id: string;
  readonly label: string;
  readonly gpu: string;
  readonly status: string;
  readonly usdPerHour: number;
}

export interface Market {
  account(options: CallOptions): Promise<{ readonly balanceUsd: number; readonly email: string }>;
  /** All that carry our label. */
  list(options: CallOptions): Promise<readonly FoundMachine[]>;
  /** Labels that the data folder knows as its own and alive. */
  known(): Promise<ReadonlySet<string>>;
  /** Of them those that are stopped on purpose, or are starting from that. */
  spares(): Promise<ReadonlySet<string>>;
  destroy(id: string, options: CallOptions): Promise<void>;
}

export interface Caps {
  readonly perHourUsd: number;
  readonly perDayUsd: number;
  readonly perMonthUsd: number;
  readonly perRentalUsd: number;
}

const notRenting = skipped('no GPUs are rented (fleet.provider is off)');

export function checkFleet(market: Market | undefined, caps: Caps | undefined): Check[] {
  const needing =
    (look: (market: Market, options: CallOptions) => Promise<Finding>): Check['look'] =>
    async (options) =>
      market === undefined ? notRenting : look(market, options);
  return [
    { id: 'D06', look: needing(lookAtKey) },
    { id: 'D07', look: needing((market, options) => lookAtCredit(market, caps, options)) },
    { id: 'D08', look: async () => (market === undefined ? notRenting : lookAtCaps(caps)) },
    { id: 'D09', look: needing(lookForUnknown) },
    { id: 'D10', look: needing(lookForStopped) },
  ];
}

async function lookAtKey(market: Market, options: CallOptions): Promise<Finding> {
  const { email } = await market.account(options);
  await market.list(options);
  return ok(`the market takes it${email === '' ? '' : ` (${hidden(email)})`}, for account and instances`);
}

const hidden = (email: string): string => email.replace(/^(.).*(@.*)$/, '$1…$2');

/** What is running, a day long; nothing running: one hour at the cap. */
async function lookAtCredit(market: Market, caps: Caps | undefined, options: CallOptions): Promise<Finding> {
  const [{ balanceUsd }, machines] = await Promise.all([market.account(options), market.list(options)]);
  const burn = machines.reduce((sum, { usdPerHour }) => sum + usdPerHour, 0);
  const needed = burn > 0 ? burn * 24 : (caps?.perHourUsd ?? 0);
  const evidence = `$${balanceUsd.toFixed(2)} left; ${burn > 0 ? `$${burn.toFixed(3)} an hour now, ${(balanceUsd / burn).toFixed(0)} h` : 'nothing rented now'}`;
  const fix = 'add credit at the market: at $0 it stops all machines and deletes them later';
  if (balanceUsd <= 0) return fail(evidence, fix);
  return balanceUsd < needed ? warn(evidence, fix) : ok(evidence);
}

function lookAtCaps(caps: Caps | undefined): Finding {
  if (caps === undefined) return fail('none is set', 'set fleet.caps: nothing is rented without');
  const { perHourUsd, perDayUsd, perMonthUsd, perRentalUsd } = caps;
  const evidence = `$${perHourUsd} an hour, $${perDayUsd} a day, $${perMonthUsd} a month, $${perRentalUsd} a rental`;
  const idle: string[] = [];
  if (perDayUsd > perHourUsd * 24)
    idle.push(`a day at the hourly cap costs $${(perHourUsd * 24).toFixed(2)}, so fleet.caps.perDayUsd stops nothing`);
  if (perMonthUsd > perDayUsd * 31)
    idle.push(`31 days at the daily cap cost $${(perDayUsd * 31).toFixed(2)}, so fleet.caps.perMonthUsd stops nothing`);
  if (perRentalUsd > perMonthUsd) idle.push('fleet.caps.perRentalUsd is above the month');
  return idle.length === 0
    ? ok(evidence)
    : warn(evidence, `${idle.join('; ')}: lower it to what you would not want to pass`);
}

async function lookForUnknown(market: Market, options: CallOptions): Promise<Finding> {
  const [machines, known] = await Promise.all([market.list(options), market.known()]);
  const unknown = machines.filter(({ label }) => !known.has(label));
  if (unknown.length === 0) return ok(`${machines.length} rented, all of them known here`);
  return fail(
    `${listOf(unknown)} ${unknown.length === 1 ? 'bills and is' : 'bill and are'} not known here`,
    'a running gateway takes over or gives back what carries its label; by hand: llm-self-host fleet stop',
    (call) => destroyAll(market, unknown, call),
  );
}

async function lookForStopped(market: Market, options: CallOptions): Promise<Finding> {
  const [machines, spares] = await Promise.all([market.list(options), market.spares()]);
  const idle = machines.filter(({ status }) => status === 'stopped' || status === 'waiting' || status === 'lost');
  const stopped = idle.filter(({ label, status }) => status === 'lost' || !spares.has(label));
  if (stopped.length === 0)
    return ok(
      idle.length === 0
        ? 'none: what is rented runs or starts'
        : `${idle.length} kept stopped for a fast start (fleet.spares), the others run or start`,
    );
  return fail(
    `${listOf(stopped)} ${stopped.length === 1 ? 'does' : 'do'} not run, and storage is billed all the same`,
    'give them back: llm-self-host doctor --fix, or llm-self-host fleet stop',
    (call) => destroyAll(market, stopped, call),
  );
}

async function destroyAll(market: Market, machines: readonly FoundMachine[], options: CallOptions): Promise<string> {
  for (const { id } of machines) await market.destroy(id, options);
  return `gave back ${listOf(machines)}`;
}

const listOf = (machines: readonly FoundMachine[]): string =>
  machines.map(({ id, gpu, usdPerHour }) => `${id} (${gpu}, $${usdPerHour.toFixed(3)}/h)`).join(', ');

export interface DatedPrice {
  readonly name: string;
  /** Milliseconds since the epoch; undefined: nobody said. */
  readonly pricedAt: number | undefined;
}

const dayMs = 86_400_000;
const oldDays = 30;

export function checkPrices(prices: readonly DatedPrice[], now: () => number): Check {
  return {
    id: 'D15',
    look: async () => {
      const ages = prices.map(({ name, pricedAt }) => ({
        name,
        days: pricedAt === undefined ? undefined : Math.floor((now() - pricedAt) / dayMs),
      }));
      const old = ages.filter(({ days }) => days === undefined || days > oldDays);
      const text = (rows: typeof ages) =>
        rows.map(({ name, days }) => `${name} ${days === undefined ? 'undated' : `${days} days old`}`).join(', ');
      if (ages.length === 0) return skipped('no price is configured that savings are shown against');
      if (old.length === 0) return ok(text(ages));
      return warn(
        text(old),
        `look the prices up again and set their day (money.*.pricedOn): savings are measured by them`,
      );
    },
  };
}
