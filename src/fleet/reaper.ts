/** Destroys until the market shows it no more: a machine that is forgotten goes on costing. */
import type { CallOptions } from '../core/chat.ts';
import { toAppError } from '../core/errors.ts';
import { addMs, type EpochMs } from '../core/units.ts';
import type { FleetDeps } from './fleet-deps.ts';
import type { FleetState } from './fleet-state.ts';
import type { MarketView } from './observe.ts';
import type { Spend } from './spend.ts';

/** First pause between two destroys of one machine, doubled up to the longest. */
const againAfterMs = 10_000;
const againMaxMs = 120_000;

interface Attempt {
  tries: number;
  nextAt: number;
  /** The market has said that it is done; until a list says otherwise, its meters ended then. */
  ackedAt: EpochMs | undefined;
  /** How long the answer took: somewhere in that time its meters ended. */
  unsureMs: number;
}

export class Reaper {
  readonly #deps: FleetDeps;
  readonly #state: FleetState;
  readonly #spend: Spend;
  readonly #attempts = new Map<string, Attempt>();
  /** Gone from the list before we were told that a destroy was done: when they ended is not known. */
  readonly #vanished = new Set<string>();

  constructor(parts: { readonly deps: FleetDeps; readonly state: FleetState; readonly spend: Spend }) {
    this.#deps = parts.deps;
    this.#state = parts.state;
    this.#spend = parts.spend;
  }

  /** With a list that can be believed: what it shows no more is gone, what it still shows is destroyed again. */
  confirm(market: Extract<MarketView, { kind: 'known' }>): void {
    for (const rental of this.#state.all()) {
      if (rental.phase !== 'destroying') continue;
      const attempt = this.#attempts.get(rental.label);
      if (market.instances.has(rental.label)) {
        // A list that was asked for before the destroy ended says nothing.
        if (attempt?.ackedAt !== undefined && market.at > attempt.ackedAt) attempt.ackedAt = undefined;
        this.#vanished.delete(rental.label);
        continue;
      }
      if (rental.instanceId !== undefined && attempt?.ackedAt === undefined) {
        this.#vanished.add(rental.label);
        continue;
      }
      this.#spend.close(
        rental.label,
        this.#vanished.delete(rental.label) ? undefined : attempt?.ackedAt,
        attempt?.unsureMs ?? 0,
      );
      this.#spend.ended(this.#state.move(rental.label, 'gone', 'the market shows it no more'));
      this.#attempts.delete(rental.label);
    }
  }

  async destroyAll(options: CallOptions): Promise<void> {
    const { clock, provider, logger } = this.#deps;
    for (const rental of this.#state.all()) {
      const { label, instanceId } = rental;
      if (rental.phase !== 'destroying' || instanceId === undefined) continue;
      const attempt = this.#attempts.get(label) ?? { tries: 0, nextAt: 0, ackedAt: undefined, unsureMs: 0 };
      this.#attempts.set(label, attempt);
      if (attempt.ackedAt !== undefined || clock.now() < attempt.nextAt) continue;
      attempt.tries += 1;
      attempt.nextAt = clock.now() + Math.min(againAfterMs * 2 ** (attempt.tries - 1), againMaxMs);
      try {
        const calledAt = clock.now();
        await provider.destroy(instanceId, options);
        attempt.unsureMs = Math.max(0, clock.now() - calledAt);
        attempt.ackedAt = addMs(calledAt, attempt.unsureMs / 2);
        logger.info(
          { label, instance: instanceId, tries: attempt.tries, reason: rental.endReason },
          'machine destroyed',
        );
      } catch (error) {
        const { message } = toAppError(error);
        logger.warn(
          { label, instance: instanceId, tries: attempt.tries, reason: message },
          'a destroy failed; tried again',
        );
        if (options.signal.aborted) return;
      }
    }
  }
}
