/** Meters of all machines, what of them the ledger has been told, and what the market says it charged. */
import type { CallOptions } from '../core/chat.ts';
import { toAppError } from '../core/errors.ts';
import { addMs, usdMicros, type EpochMs, type UsdMicros } from '../core/units.ts';
import { endOfDay, startOfDay, startOfMonth, type RentalSpend, type SpendSoFar } from './budget.ts';
import type { FleetDeps } from './fleet-deps.ts';
import type { Charge, Instance } from './fleet-provider.ts';
import type { FleetState } from './fleet-state.ts';
import type { FleetWorkers } from './fleet-workers.ts';
import type { Rental } from './intent-store.ts';
import { amountsOf, isRough, meteredComponents, readMeter, rentalComponents, totalOf } from './meter.ts';
import type { MeteredComponent, RentalComponent } from './meter.ts';

/** The ledger is told this often, and at every end. */
const postEveryMs = 60_000;
/** Charges of a machine that has ended are asked for after this long, then at doubling intervals. */
const settleAfterMs = 30_000;
const settleEveryMaxMs = 6 * 3_600_000;
/** A market that has not charged by then charges nothing. */
const settleUntilMs = 3 * 86_400_000;
/** A meter further from the charges than this share is worth an operator's look. */
const driftShareMax = 0.01;
/** Looked for at the start. */
const unsettledMax = 500;
/** Settled in one round; the rest comes with the next. */
const settleMax = 50;

const gpuComponents: readonly MeteredComponent[] = ['gpu_cold', 'gpu_busy', 'gpu_idle'];

export class Spend {
  readonly #deps: FleetDeps;
  readonly #state: FleetState;
  readonly #workers: Pick<FleetWorkers, 'takeBusyMs'>;
  /** Gone, and their charges not known yet. */
  readonly #unsettled = new Map<string, Rental>();
  #postedAt: EpochMs;
  #settleAt: EpochMs;
  #settlePauseMs = settleAfterMs;

  constructor(parts: {
    readonly deps: FleetDeps;
    readonly state: FleetState;
    readonly workers: Pick<FleetWorkers, 'takeBusyMs'>;
  }) {
    this.#deps = parts.deps;
    this.#state = parts.state;
    this.#workers = parts.workers;
    this.#postedAt = parts.deps.clock.now();
    this.#settleAt = parts.deps.clock.now();
    for (const rental of parts.deps.store.recent(unsettledMax))
      if (isUnsettled(rental)) this.#unsettled.set(rental.label, rental);
  }

  /** After a crash: what a machine's row says was given to the ledger and the ledger does not have. */
  async recover(): Promise<void> {
    const { store, ledger, clock } = this.#deps;
    const now = clock.now();
    const rows = [...this.#state.all(), ...store.recent(200).filter(({ phase }) => phase === 'gone')];
    const known = new Map(
      rows.flatMap((row) => (row.instanceId === undefined ? [] : [[row.instanceId as string, row]])),
    );
    if (known.size === 0) return;
    const sums = new Map<string, number>();
    const from = Math.min(...rows.map(({ createdAt }) => createdAt)) as EpochMs;
    for await (const entry of ledger.entries({ from, to: addMs(now, 1) })) {
      if (entry.kind !== 'cost' || !known.has(entry.subject)) continue;
      const key = `${entry.subject} ${entry.component}`;
      sums.set(key, (sums.get(key) ?? 0) + entry.amount);
    }
    for (const [subject, { meter }] of known) {
      for (const component of rentalComponents) {
        const missing = (meter.posted[component] ?? 0) - (sums.get(`${subject} ${component}`) ?? 0);
        if (missing !== 0)
          ledger.append({ kind: 'cost', at: now, component, subject, seconds: 0, amount: usdMicros(missing) });
      }
    }
    await ledger.flush();
  }

  /** Reads the meters of machines that the market has just shown. */
  read(instances: ReadonlyMap<string, Instance>, now: EpochMs): void {
    for (const rental of this.#state.all()) {
      const instance = instances.get(rental.label);
      if (!instance) continue;
      const meter = readMeter(rental.meter, {
        now,
        gpuBilled: instance.gpuBilled,
        storageBilled: instance.status !== 'lost',
        ready: serves(rental),
        busyMs: this.#workers.takeBusyMs(rental.label),
      });
      this.#state.remember(rental.label, { meter });
      if (rental.phase === 'stopped')
        this.#deps.metrics.thinkerSeconds.inc({ phase: 'stopped' }, (meter.storageMs - rental.meter.storageMs) / 1000);
    }
    if (now - this.#postedAt >= postEveryMs) this.postAll(now);
  }

  /** It ended at `at`: its meters ran until then. Undefined: some time since the last reading, which the charges will tell. */
  close(label: string, at: EpochMs | undefined, unsureMs: number): void {
    const rental = this.#state.get(label);
    if (!rental) return;
    const { meter } = rental;
    const now = this.#deps.clock.now();
    const busyMs = this.#workers.takeBusyMs(label);
    const read =
      at === undefined ? { ...meter, at: now } : readMeter(meter, { ...meter, now: at, ready: serves(rental), busyMs });
    // Its GPU may have begun to bill after the last look, and then ended unseen.
    const unseenMs = at !== undefined && meter.gpuBilled ? 0 : Math.max(0, (at ?? now) - meter.at);
    const last = { ...read, unsureMs: read.unsureMs + unseenMs + unsureMs };
    this.#post({ ...rental, meter: { ...last, gpuBilled: false, storageBilled: false } }, at ?? now);
  }

  /** After `close`: the market's word on it is still missing. */
  ended(rental: Rental): void {
    if (isUnsettled(rental)) this.#unsettled.set(rental.label, rental);
  }

  postAll(now: EpochMs): void {
    this.#postedAt = now;
    for (const rental of this.#state.all()) this.#post(rental, now);
  }

  /** Of the day and month so far: what the ledger holds, and what the meters have not told it yet. */
  async soFar(now: EpochMs): Promise<SpendSoFar> {
    const { ledger, options } = this.#deps;
    const offset = options.budget.utcOffsetMinutes;
    const to = addMs(now, 1);
    const [day, month] = await Promise.all([
      ledger.totals({ from: startOfDay(now, offset), to }),
      ledger.totals({ from: startOfMonth(now, offset), to }),
    ]);
    const rented = ({ costs }: typeof day) => rentalComponents.reduce((sum, each) => sum + costs[each], 0);
    const rentals = this.#state.all().map((rental) => ({ rental, spent: this.spentOn(rental) }));
    const ended = [...this.#unsettled.values()].map((rental) => ({ rental, spent: this.spentOn(rental) }));
    const unposted = [...rentals, ...ended].reduce((sum, { rental, spent }) => sum + spent - postedOf(rental), 0);
    return {
      day: usdMicros(rented(day) + unposted),
      month: usdMicros(rented(month) + unposted),
      rentals: rentals.map(({ rental, spent }): RentalSpend => {
        const isStopped = rental.phase === 'stopped' && !rental.meter.gpuBilled;
        return {
          id: rental.label,
          pricePerHour: isStopped ? rental.storagePerHour : rental.pricePerHour,
          kind: isStopped ? 'stopped' : 'running',
          spent,
        };
      }),
    };
  }

  /** All in, with the traffic that the market has not told us yet at what a whole start moves. */
  spentOn(rental: Rental): UsdMicros {
    const own = totalOf(amountsOf(rental.meter, rental));
    const traffic = usdMicros(this.#deps.options.startDownloadGb * rental.downUsdPerGb * 1e6);
    const told = rental.meter.posted.bandwidth ?? 0;
    return usdMicros(own + (rental.phase === 'requested' ? 0 : Math.max(told, traffic)));
  }

  /** All that is known to have been spent on it, traffic only once the market has told it. */
  settledOn(rental: Rental): UsdMicros {
    return usdMicros(totalOf(amountsOf(rental.meter, rental)) + (rental.meter.posted.bandwidth ?? 0));
  }

  /**
   * Takes from the market's charges what only the market can count: traffic, and what we saw too roughly.
   * GPU and storage of machines that were watched closely are only compared.
   */
  async settle(now: EpochMs, options: CallOptions): Promise<void> {
    if (now < this.#settleAt) return;
    const open = [...this.#unsettled.values()].slice(0, settleMax);
    const due = open.filter(({ endedAt }) => now - (endedAt ?? now) >= settleAfterMs);
    if (due.length === 0) return;
    const from = startOfDay(Math.min(...due.map(({ createdAt }) => createdAt)) as EpochMs, 0);
    let charges: readonly Charge[];
    try {
      charges = await this.#deps.provider.charges({ from, to: endOfDay(now, 0) }, options);
    } catch (error) {
      this.#deps.logger.warn({ reason: toAppError(error).message }, 'charges are not known; asked again later');
      return this.#settleLater(now);
    }
    let waiting = false;
    for (const rental of due) waiting = !this.#settleOne(rental, charges, now) || waiting;
    if (waiting) this.#settleLater(now);
    else this.#settlePauseMs = settleAfterMs;
  }

  #settleLater(now: EpochMs): void {
    this.#settleAt = addMs(now, this.#settlePauseMs);
    this.#settlePauseMs = Math.min(2 * this.#settlePauseMs, settleEveryMaxMs);
  }

  /** @returns false when the market has not charged it yet */
  #settleOne(rental: Rental, charges: readonly Charge[], now: EpochMs): boolean {
    const own = charges.filter(({ instanceId }) => instanceId === rental.instanceId);
    const charged = (component: Charge['component']) =>
      own.filter((charge) => charge.component === component).reduce((sum, { amount }) => sum + amount, 0);
    const amounts = amountsOf(rental.meter, rental);
    const gpu = gpuComponents.reduce((sum, each) => sum + amounts[each].amount, 0);
    const metered = gpu + amounts.storage.amount;
    if (own.length === 0 && metered > 0 && now - (rental.endedAt ?? now) < settleUntilMs) return false;
    const posted = { ...rental.meter.posted };
    const steps: [RentalComponent, number][] = [];
    const add = (component: RentalComponent, amount: number) => {
      if (amount === 0) return;
      posted[component] = usdMicros((posted[component] ?? 0) + amount);
      steps.push([component, amount]);
    };
    const told = charged('gpu') + charged('storage');
    add('bandwidth', charged('bandwidth') - (posted.bandwidth ?? 0));
    if (isRough(rental.meter)) {
      add(rental.readyAt === undefined ? 'gpu_cold' : 'gpu_idle', charged('gpu') - gpu);
      add('storage', charged('storage') - amounts.storage.amount);
    } else if (Math.abs(told - metered) > Math.max(driftShareMax * told, 1_000)) {
      this.#deps.logger.warn({ label: rental.label, charged: told, metered }, 'the meter differs from the charges');
      this.#deps.onEvent?.({ kind: 'meter-drift', charged: usdMicros(told), metered: usdMicros(metered) });
    }
    this.#deps.store.put({ ...rental, settledAt: now, meter: { ...rental.meter, posted } });
    this.#unsettled.delete(rental.label);
    for (const [component, amount] of steps) this.#append(rental, component, 0, amount, rental.endedAt ?? now);
    return true;
  }

  /** The row first: if we die in between, `recover` finds what the ledger lacks. */
  #post(rental: Rental, at: EpochMs): void {
    if (rental.instanceId === undefined) return;
    const amounts = amountsOf(rental.meter, rental);
    const posted = { ...rental.meter.posted };
    const steps: { component: RentalComponent; seconds: number; amount: number }[] = [];
    for (const component of meteredComponents) {
      const amount = amounts[component].amount - (posted[component] ?? 0);
      if (amount === 0) continue;
      // Steps have the seconds that their amount stands for.
      const seconds = (amounts[component].seconds * amount) / amounts[component].amount;
      steps.push({ component, seconds, amount });
      posted[component] = amounts[component].amount;
    }
    this.#state.update(rental.label, { meter: { ...rental.meter, posted } });
    for (const { component, seconds, amount } of steps) this.#append(rental, component, seconds, amount, at);
  }

  #append(rental: Rental, component: RentalComponent, seconds: number, amount: number, at: EpochMs): void {
    const { ledger, metrics } = this.#deps;
    ledger.append({
      kind: 'cost',
      at,
      component,
      subject: rental.instanceId!,
      seconds,
      amount: usdMicros(amount),
    });
    const phase = phaseLabels[component];
    if (phase !== undefined && seconds > 0) metrics.thinkerSeconds.inc({ phase }, seconds);
  }
}

/** Until then its GPU time is a start's. */
const serves = ({ readyAt, phase }: Rental): boolean => readyAt !== undefined && phase !== 'restarting';

const phaseLabels: Partial<Record<RentalComponent, string>> = { gpu_cold: 'cold', gpu_busy: 'busy', gpu_idle: 'idle' };

const isUnsettled = ({ phase, settledAt, instanceId }: Rental): boolean =>
  phase === 'gone' && settledAt === undefined && instanceId !== undefined;

const postedOf = ({ meter }: Rental): number =>
  rentalComponents.reduce((sum, each) => sum + (meter.posted[each] ?? 0), 0);
