/** The machines of this fleet, in memory and on disk at once. Every change is written before it is acted on. */
import type { EpochMs } from '../core/units.ts';
import { assert } from '../core/assert.ts';
import type { FleetDeps } from './fleet-deps.ts';
import { restartsMax, type Rental, type Restart } from './intent-store.ts';
import { assertMayFollow, isLaunching, type Phase } from './lifecycle.ts';
import { countStep } from './rental-metrics.ts';

export class FleetState {
  readonly #deps: Pick<FleetDeps, 'store' | 'clock' | 'logger' | 'metrics'>;
  readonly #alive = new Map<string, Rental>();

  constructor(deps: Pick<FleetDeps, 'store' | 'clock' | 'logger' | 'metrics'>) {
    this.#deps = deps;
    for (const rental of deps.store.alive()) this.#alive.set(rental.label, rental);
  }

  /** Oldest first. */
  all(): readonly Rental[] {
    return [...this.#alive.values()];
  }

  get(label: string): Rental | undefined {
    return this.#alive.get(label);
  }

  /** Also one that is gone. */
  find(label: string): Rental | undefined {
    return this.#alive.get(label) ?? this.#deps.store.get(label);
  }

  add(rental: Rental): void {
    assert(!this.#alive.has(rental.label), `label ${rental.label} is used twice`);
    this.#write(rental);
    this.note(rental.label, rental.phase, rental.reason);
  }

  update(label: string, fields: Partial<Omit<Rental, 'label' | 'phase' | 'phaseAt'>>): Rental {
    const rental = { ...this.#of(label), ...fields };
    this.#write(rental);
    return rental;
  }

  /** Kept in memory only: lost by a crash, and then found again from what is on disk. */
  remember(label: string, fields: Partial<Pick<Rental, 'meter'>>): Rental {
    const rental = { ...this.#of(label), ...fields };
    this.#alive.set(label, rental);
    return rental;
  }

  /** One log line and one row of history for each step of a machine's life. */
  move(label: string, phase: Phase, reason: string, fields: Partial<Omit<Rental, 'label' | 'phase'>> = {}): Rental {
    const from = this.#of(label);
    assertMayFollow(from.phase, phase);
    const now = this.#deps.clock.now();
    const changed: Rental = { ...from, ...endingOf(from, phase, reason, now), ...fields, phase, phaseAt: now };
    // It served once: what becomes of it now is the outcome of this start, not of its rental.
    const rental =
      phase === 'restarting' || from.phase === 'restarting'
        ? { ...changed, outcome: from.outcome, restarts: restartsOf(from, changed, fields.outcome) }
        : changed;
    this.#write(rental);
    this.note(label, phase, reason);
    countStep(this.#deps.metrics, from, rental, this.#deps.store.fact('halt') !== undefined);
    const level = phase === 'destroying' && rental.outcome === 'failed' ? 'warn' : 'info';
    this.#deps.logger[level](
      { label, instance: rental.instanceId, gpu: rental.gpuName, from: from.phase, to: phase, reason },
      'fleet machine changed phase',
    );
    return rental;
  }

  note(label: string, kind: string, text: string): void {
    this.#deps.store.note({ at: this.#deps.clock.now(), label, kind, text });
  }

  #of(label: string): Rental {
    const rental = this.find(label);
    assert(rental, `no machine has the label ${label}`);
    return rental;
  }

  #write(rental: Rental): void {
    this.#deps.store.put(rental);
    if (rental.phase === 'gone') this.#alive.delete(rental.label);
    else this.#alive.set(rental.label, rental);
  }
}

function endingOf(from: Rental, phase: Phase, reason: string, now: EpochMs): Partial<Rental> {
  if (phase === 'ready' && from.readyAt === undefined)
    return { readyAt: now, outcome: 'ready', launchColdMs: from.meter.coldMs };
  if (phase === 'destroying') return { endReason: reason, ...(isLaunching(from.phase) && { outcome: 'cancelled' }) };
  // Nobody needs its keys any more.
  if (phase === 'gone') return { endedAt: now, endReason: from.endReason ?? reason, secrets: '' };
  return {};
}

/** One more when it is started from its disk, and how that ended: the law learns from it. */
function restartsOf(from: Rental, { phase, phaseAt }: Rental, how: Rental['outcome'] | undefined): readonly Restart[] {
  const { restarts = [] } = from;
  if (phase === 'restarting')
    return [...restarts, { at: phaseAt, endedAt: undefined, outcome: 'pending' } as const].slice(-restartsMax);
  return [
    ...restarts.slice(0, -1),
    { at: from.phaseAt, endedAt: phaseAt, outcome: phase === 'ready' ? 'ready' : (how ?? 'cancelled') },
  ];
}
