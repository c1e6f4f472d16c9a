/** Asks the market what it charged, hour by hour, and writes down what is new: the truth that our meters are held to. */
import type { CallOptions } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import { toAppError } from '../core/errors.ts';
import { epochMs, usdMicros, type EpochMs, type UsdMicros } from '../core/units.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ChargeEntry, Ledger } from './ledger.ts';

/** What is asked of a market; a fleet provider is one. */
export interface ChargingMarket {
  charges(
    range: { readonly from: EpochMs; readonly to: EpochMs },
    options: CallOptions,
  ): Promise<
    readonly { readonly instanceId: string; readonly component: ChargeEntry['component']; readonly amount: UsdMicros }[]
  >;
  account(options: CallOptions): Promise<{ readonly balance: UsdMicros }>;
}

export interface ReconcileDeps {
  readonly market: ChargingMarket;
  readonly ledger: Pick<Ledger, 'append' | 'entries'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told what was charged since the last look, and of the credit that is left. */
  readonly onCharged: (usd: number) => void;
  readonly onBalance: (usd: number) => void;
}

const dayMs = 86_400_000;
const everyMs = 3_600_000;
const balanceEveryMs = 300_000;
const deadlineMs = 60_000;
/** A market may book a day late; what it changes after that is found in its own invoices. */
const daysBack = 2;

export interface Reconciliation {
  /** Looks now; joins a look that is under way. Never rejects. */
  look(): Promise<void>;
  close(): Promise<void>;
}

export function createReconciliation(deps: ReconcileDeps): Reconciliation {
  const { market, ledger, clock, logger } = deps;
  const stop = new AbortController();
  /** The market's last word per day, machine and component. */
  const known = new Map<string, number>();
  let isPrimed = false;
  let looking: Promise<void> | undefined;

  async function prime(today: number): Promise<void> {
    if (isPrimed) return;
    const range = { from: epochMs(today - daysBack * dayMs), to: epochMs(today + dayMs) };
    for await (const entry of ledger.entries(range, ['charge']))
      if (entry.kind === 'charge') known.set(keyOf(entry), entry.amount);
    isPrimed = true;
  }

  async function lookOnce(): Promise<void> {
    const today = Math.floor(clock.now() / dayMs) * dayMs;
    try {
      await prime(today);
      for (let day = today - daysBack * dayMs; day <= today; day += dayMs) await lookAtDay(epochMs(day));
      // Days that are settled are not asked for again.
      for (const key of known.keys()) if (Number(key.split('|')[0]) < today - daysBack * dayMs) known.delete(key);
    } catch (error) {
      if (!stop.signal.aborted)
        logger.warn({ reason: toAppError(error).message }, 'charges are not known; asked again in an hour');
    }
  }

  async function lookAtDay(day: EpochMs): Promise<void> {
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(deadlineMs)]);
    const sums = new Map<string, ChargeEntry>();
    for (const { instanceId, component, amount } of await market.charges(
      { from: day, to: epochMs(day + dayMs) },
      { signal },
    )) {
      const entry: ChargeEntry = { kind: 'charge', at: day, component, subject: instanceId, amount };
      const before = sums.get(keyOf(entry))?.amount ?? 0;
      sums.set(keyOf(entry), { ...entry, amount: usdMicros(before + amount) });
    }
    for (const [key, entry] of sums) {
      const before = known.get(key) ?? 0;
      if (entry.amount === before) continue;
      known.set(key, entry.amount);
      ledger.append(entry);
      if (entry.amount > before) deps.onCharged((entry.amount - before) / 1e6);
    }
  }

  async function lookAtBalance(): Promise<void> {
    try {
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(deadlineMs)]);
      deps.onBalance((await market.account({ signal })).balance / 1e6);
    } catch (error) {
      if (!stop.signal.aborted) logger.debug({ reason: toAppError(error).message }, 'the balance is not known');
    }
  }

  const look = (): Promise<void> => (looking ??= lookOnce().finally(() => (looking = undefined)));
  const balance = (): void => void lookAtBalance();
  const timers = [clock.every(everyMs, () => void look()), clock.every(balanceEveryMs, balance)];
  void look();
  balance();
  return {
    look,
    async close() {
      for (const timer of timers) timer.clear();
      stop.abort();
      await looking;
    },
  };
}

const keyOf = ({ at, component, subject }: Pick<ChargeEntry, 'at' | 'component' | 'subject'>): string =>
  `${at}|${component}|${subject}`;
