/** Stops machines that are kept as spares, and starts them again, until the market shows that it is so. */
import type { CallOptions } from '../core/chat.ts';
import { toAppError } from '../core/errors.ts';
import type { FleetDeps } from './fleet-deps.ts';
import type { FleetState } from './fleet-state.ts';
import type { MarketView } from './observe.ts';

/** Pause between two calls about one machine. The deadlines of its phase end them. */
const againAfterMs = 15_000;

export class Parker {
  readonly #deps: FleetDeps;
  readonly #state: FleetState;
  /** By label: which phase was last asked for, and when it may be asked for again. */
  readonly #asked = new Map<string, { readonly phaseAt: number; readonly nextAt: number }>();

  constructor(parts: { readonly deps: FleetDeps; readonly state: FleetState }) {
    this.#deps = parts.deps;
    this.#state = parts.state;
  }

  /** @param market as the last list showed it: nothing is asked for that it shows already */
  async act(market: MarketView, options: CallOptions): Promise<void> {
    const { clock, logger, provider } = this.#deps;
    for (const label of this.#asked.keys()) if (!this.#state.get(label)) this.#asked.delete(label);
    for (const { label, phase, phaseAt, instanceId } of this.#state.all()) {
      if ((phase !== 'stopping' && phase !== 'restarting') || instanceId === undefined) continue;
      const asked = this.#asked.get(label);
      const isFirst = asked?.phaseAt !== phaseAt;
      if (!isFirst && clock.now() < asked.nextAt) continue;
      // Of a start that was heard the list shows another status; one from before the call says nothing.
      const status = market.kind === 'known' ? market.instances.get(label)?.status : undefined;
      if (!isFirst && phase === 'restarting' && status !== 'stopped') continue;
      this.#asked.set(label, { phaseAt, nextAt: clock.now() + againAfterMs });
      try {
        if (phase === 'stopping') await provider.stop(instanceId, options);
        else await provider.start(instanceId, options);
        logger.info(
          { label, instance: instanceId },
          phase === 'stopping' ? 'machine told to stop' : 'machine told to start',
        );
      } catch (error) {
        const { code, message } = toAppError(error);
        logger.warn({ label, instance: instanceId, phase, reason: message }, 'a stop or start failed; tried again');
        if (code === 'provider_refused' && this.#state.get(label)?.phase === phase)
          this.#state.move(label, 'destroying', message, { outcome: 'failed' });
        if (options.signal.aborted) return;
      }
    }
  }
}
