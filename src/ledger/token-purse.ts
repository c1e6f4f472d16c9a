/** Money for answers that are bought by the token: a cap a day, checked before each is asked for. */
import type { Usage } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import { epochMs, usdMicros, type UsdMicros } from '../core/units.ts';
import type { Ledger } from './ledger.ts';

export interface TokenPrice {
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
}

/** A dollar a million tokens is a micro-dollar a token. */
export const tokensCost = ({ promptTokens, completionTokens }: Usage, price: TokenPrice): UsdMicros =>
  usdMicros(promptTokens * price.inputUsdPerMillion + completionTokens * price.outputUsdPerMillion);

export interface Reserved {
  /** Exactly once; undefined: it cost nothing. */
  settle(usage: Usage | undefined): void;
}

export interface TokenPurse {
  /** Sets aside what `most` would cost. @returns undefined where the cap could be passed, or what is spent cannot be told */
  reserve(most: Usage): Promise<Reserved | undefined>;
}

export interface TokenPurseDeps {
  readonly ledger: Pick<Ledger, 'append' | 'totals'>;
  readonly clock: Clock;
  readonly price: TokenPrice;
  readonly perDay: UsdMicros;
  readonly utcOffsetMinutes: number;
  /** What the cost is written down for. */
  readonly subject: string;
}

const dayMs = 86_400_000;

export function createTokenPurse(deps: TokenPurseDeps): TokenPurse {
  const { ledger, clock, price, perDay, subject } = deps;
  const offsetMs = deps.utcOffsetMinutes * 60_000;
  /** Set aside for answers that are being made. */
  let held = 0;
  /** Written down, ever: what a look at the ledger that began before may have missed. */
  let settled = 0;

  const spentToday = async (): Promise<number> => {
    const now = clock.now();
    const from = Math.floor((now + offsetMs) / dayMs) * dayMs - offsetMs;
    // Costs of a range begin after its first instant, and the day begins with it.
    const { costs } = await ledger.totals({ from: epochMs(from - 1), to: epochMs(now) });
    return costs.fallback;
  };

  return {
    async reserve(most) {
      const cost = tokensCost(most, price);
      held += cost;
      const before = settled;
      const spent = await spentToday().catch(() => Infinity);
      if (spent + (settled - before) + held > perDay) {
        held -= cost;
        return undefined;
      }
      return {
        settle(usage) {
          held -= cost;
          if (usage === undefined) return;
          const amount = tokensCost(usage, price);
          if (amount === 0) return;
          settled += amount;
          ledger.append({ kind: 'cost', at: clock.now(), component: 'fallback', subject, seconds: 0, amount });
        },
      };
    },
  };
}
