/** What the market shows, put against what we know. Anything doubtful makes the whole picture unknown: then nothing is rented. */
import type { CallOptions } from '../core/chat.ts';
import { toAppError } from '../core/errors.ts';
import type { EpochMs } from '../core/units.ts';
import type { Bench } from './bench.ts';
import type { FleetDeps } from './fleet-deps.ts';
import { labelPrefix } from './fleet-deps.ts';
import type { Instance } from './fleet-provider.ts';
import type { FleetState } from './fleet-state.ts';
import type { FleetWorkers } from './fleet-workers.ts';
import type { Rental } from './intent-store.ts';
import { isLaunching, isStarting, type Phase } from './lifecycle.ts';
import { newMeter } from './meter.ts';

/** By label. */
export type MarketView =
  | { readonly kind: 'known'; readonly at: EpochMs; readonly instances: ReadonlyMap<string, Instance> }
  | { readonly kind: 'unknown'; readonly reason: string };

/** A machine that was there is believed to be gone after this many lists without it, over this time at least. */
const missesMax = 3;
const missedMs = 60_000;
/** What container engines say when a machine will never start. */
const fatalStatus = /\berror\b|\bfailed\b|failure|exception|traceback|oci runtime|permission denied/i;

export interface ObserveParts {
  readonly deps: FleetDeps;
  readonly state: FleetState;
  readonly bench: Bench;
  readonly workers: Pick<FleetWorkers, 'isReachable'>;
}

interface Missing {
  readonly since: EpochMs;
  lists: number;
}

export class Observer {
  readonly #parts: ObserveParts;
  readonly #seen = new Set<string>();
  readonly #missing = new Map<string, Missing>();

  constructor(parts: ObserveParts) {
    this.#parts = parts;
    // What had an id before our restart has been seen.
    for (const { label, instanceId } of parts.state.all()) if (instanceId !== undefined) this.#seen.add(label);
  }

  async look(options: CallOptions): Promise<MarketView> {
    const { deps, state } = this.#parts;
    let list: readonly Instance[];
    try {
      list = await deps.provider.list(labelPrefix(deps.options.name), options);
    } catch (error) {
      return { kind: 'unknown', reason: `the market does not list our machines: ${toAppError(error).message}` };
    }
    const at = deps.clock.now();
    const instances = new Map<string, Instance>();
    for (const instance of list) {
      const twin = instances.get(instance.label);
      if (twin) await this.#destroyTwin(instance, options);
      else instances.set(instance.label, instance);
    }
    for (const instance of instances.values()) this.#take(instance, at);
    const doubt = state
      .all()
      .filter(({ label }) => !instances.has(label))
      .map((rental) => this.#miss(rental, at))
      .find((reason) => reason !== undefined);
    for (const label of this.#missing.keys()) if (instances.has(label)) this.#missing.delete(label);
    return doubt === undefined ? { kind: 'known', at, instances } : { kind: 'unknown', reason: doubt };
  }

  #take(instance: Instance, at: EpochMs): void {
    const { deps, state } = this.#parts;
    const { label } = instance;
    const rental = state.find(label);
    this.#seen.add(label);
    if (!rental) return this.#takeOrphan(instance, at);
    if (rental.phase === 'gone') {
      state.move(label, 'destroying', 'the market still shows it', { instanceId: instance.id, endedAt: undefined });
      return;
    }
    if (rental.instanceId !== instance.id) state.update(label, { instanceId: instance.id });
    this.#follow(state.get(label)!, instance);
    const { meter } = state.get(label)!;
    // The contract begins when the market says so, not when we first look.
    if (meter.storageMs === 0 && !meter.storageBilled && instance.startedAt !== undefined)
      state.remember(label, {
        meter: { ...meter, at: Math.min(instance.startedAt, deps.clock.now()) as EpochMs, storageBilled: true },
      });
  }

  /** Ours by its label, and nothing of ours knows it: its keys are lost, so it cannot serve. */
  #takeOrphan(instance: Instance, at: EpochMs): void {
    const { deps, state } = this.#parts;
    deps.logger.warn({ label: instance.label, instance: instance.id }, 'orphaned machine found; it is destroyed');
    deps.onEvent?.({ kind: 'orphan-found', label: instance.label });
    state.add({
      label: instance.label,
      offerId: '' as Rental['offerId'],
      instanceId: instance.id,
      machineId: instance.machineId,
      hostId: instance.hostId,
      gpuName: instance.gpuName,
      country: '',
      pricePerHour: instance.pricePerHour,
      storagePerHour: instance.storagePerHour,
      downUsdPerGb: 0,
      upUsdPerGb: 0,
      tokensPerS: undefined,
      phase: 'destroying',
      phaseAt: at,
      reason: 'found in the market with our label and unknown to us',
      createdAt: instance.startedAt ?? at,
      readyAt: undefined,
      endedAt: undefined,
      endReason: 'orphan',
      outcome: 'cancelled',
      secrets: '',
      meter: newMeter(instance.startedAt ?? at),
      settledAt: undefined,
    });
  }

  #follow(rental: Rental, instance: Instance): void {
    const { status, statusText } = instance;
    const { phase } = rental;
    if (phase === 'destroying' || phase === 'draining') return;
    if (status === 'lost') return this.#end(rental, says('its host is offline', statusText));
    if (phase === 'stopping' || phase === 'stopped' || phase === 'restarting')
      return this.#followSpare(rental, instance);
    if (status === 'stopped' || status === 'waiting')
      return this.#end(rental, says('the market has stopped it', statusText));
    if (!isLaunching(phase)) return;
    if (status !== 'running' && fatalStatus.test(statusText)) return this.#end(rental, statusText);
    const next: Phase = status === 'running' ? 'starting' : status;
    // A machine that starts over is still on its way; its time goes on.
    if (phaseOrder.indexOf(next) > phaseOrder.indexOf(phase))
      this.#parts.state.move(rental.label, next, statusText || status);
  }

  /** One that is stopped, or not quite, or not any more: what the market shows is what it bills. */
  #followSpare(rental: Rental, { status, statusText }: Instance): void {
    const { deps, state } = this.#parts;
    const { label, phase, phaseAt } = rental;
    switch (phase) {
      case 'stopping':
        if (status === 'stopped') state.move(label, 'stopped', 'its disk is kept');
        return;
      case 'stopped':
        if (status === 'stopped') return;
        deps.logger.warn({ label, status }, 'a stopped machine runs unasked; it is stopped again');
        state.move(label, 'stopping', `the market shows it as ${status}`);
        return;
      default:
        if (status === 'loading' && fatalStatus.test(statusText)) return this.#end(rental, statusText);
        if (status === 'waiting' && deps.clock.now() - phaseAt >= deps.options.deadlines.gpuWaitMs)
          // Nobody's fault: others may have it for days.
          state.move(label, 'destroying', says('others have its GPU', statusText), { outcome: 'failed' });
    }
  }

  #end(rental: Rental, reason: string): void {
    const { deps, state, bench } = this.#parts;
    const launching = isStarting(rental.phase);
    if (launching) bench.strike(rental, reason, 'strike');
    state.move(
      rental.label,
      'destroying',
      launching ? reason : `lost: ${reason}`,
      launching ? { outcome: 'failed' } : {},
    );
    deps.onEvent?.({ kind: launching ? 'machine-unfit' : 'machine-lost', label: rental.label, reason });
  }

  /** @returns why the list cannot be believed as it is */
  #miss(rental: Rental, at: EpochMs): string | undefined {
    const { deps, state, workers } = this.#parts;
    const { label, phase } = rental;
    if (!this.#seen.has(label)) {
      if (phase === 'requested' && at - rental.phaseAt >= deps.options.deadlines.requestedMs)
        state.move(label, 'gone', 'the market never confirmed it', { outcome: 'cancelled' });
      return undefined;
    }
    if (phase === 'destroying') return undefined;
    const missing = this.#missing.get(label) ?? { since: at, lists: 0 };
    missing.lists += 1;
    this.#missing.set(label, missing);
    const reachable = workers.isReachable(label);
    if (!reachable && missing.lists >= missesMax && at - missing.since >= missedMs) {
      this.#missing.delete(label);
      // Not simply gone: a destroy by its id is certain, and costs nothing if it is.
      this.#end(rental, 'the market shows it no more');
      return undefined;
    }
    return `the list lacks ${label}, which ${reachable ? 'answers' : 'was there'}`;
  }

  async #destroyTwin(instance: Instance, options: CallOptions): Promise<void> {
    const { deps } = this.#parts;
    deps.logger.error(
      { label: instance.label, instance: instance.id },
      'two machines have one label; one is destroyed',
    );
    await deps.provider.destroy(instance.id, options).catch((error: unknown) => {
      deps.logger.warn({ err: error, instance: instance.id }, 'the second machine of a label is still there');
    });
  }
}

const says = (what: string, statusText: string): string => (statusText === '' ? what : `${what} (${statusText})`);

const phaseOrder: readonly Phase[] = ['requested', 'creating', 'loading', 'starting', 'ready'];
