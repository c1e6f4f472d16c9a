/**
 * What a machine has cost, in whole milliseconds per meter of the market and whole micro-dollars. Amounts are
 * always those of the totals, so that the steps of a day add up to the day exactly.
 */
import { usdMicros, type EpochMs, type UsdMicros } from '../core/units.ts';

/** What a rented machine's bill is made of; names as in the ledger. */
export type RentalComponent = MeteredComponent | 'bandwidth';
/** What we meter ourselves. Traffic only the market can count. */
export type MeteredComponent = 'gpu_busy' | 'gpu_idle' | 'gpu_cold' | 'storage';
export const meteredComponents: readonly MeteredComponent[] = ['gpu_cold', 'gpu_busy', 'gpu_idle', 'storage'];
export const rentalComponents: readonly RentalComponent[] = [...meteredComponents, 'bandwidth'];

export interface MeterState {
  /** Metered up to here. */
  readonly at: EpochMs;
  /** The meters that ran when it was last seen. */
  readonly gpuBilled: boolean;
  readonly storageBilled: boolean;
  readonly coldMs: number;
  readonly busyMs: number;
  readonly idleMs: number;
  readonly storageMs: number;
  /** Time between two looks in which a meter began or ended: how far off we may be, twice. */
  readonly unsureMs: number;
  /** Given to the ledger so far. */
  readonly posted: Readonly<Partial<Record<RentalComponent, UsdMicros>>>;
}

export const newMeter = (at: EpochMs): MeterState => ({
  at,
  gpuBilled: false,
  storageBilled: false,
  coldMs: 0,
  busyMs: 0,
  idleMs: 0,
  storageMs: 0,
  unsureMs: 0,
  posted: {},
});

export interface MeterReading {
  readonly now: EpochMs;
  readonly gpuBilled: boolean;
  readonly storageBilled: boolean;
  /** It has passed readiness: its GPU time is no longer the start's. */
  readonly ready: boolean;
  /** Of the time since the last reading, how long it was answering. */
  readonly busyMs: number;
}

/** A change is taken to have happened half-way between two looks; further apart than this, it counts at the least it can have cost. */
const blindAfterMs = 30_000;

/** Our count is not as good as the market's: its changes were seen too roughly for its length. */
export function isRough({ unsureMs, storageMs, coldMs, busyMs, idleMs }: MeterState): boolean {
  // Of a machine that was stopped for hours the GPU ran for a part of its life, and is most of its cost.
  const gpuMs = coldMs + busyMs + idleMs;
  return unsureMs > roughShare * (gpuMs > 0 ? Math.min(gpuMs, storageMs) : storageMs);
}
const roughShare = 0.01;

/** Pure: the state after one more look. A clock that went back adds nothing. */
export function readMeter(state: MeterState, reading: MeterReading): MeterState {
  const elapsedMs = Math.max(0, reading.now - state.at);
  const isUnsure = state.gpuBilled !== reading.gpuBilled || state.storageBilled !== reading.storageBilled;
  const gpuMs = billedMs(elapsedMs, state.gpuBilled, reading.gpuBilled);
  const busyMs = reading.ready ? Math.min(gpuMs, Math.max(0, Math.round(reading.busyMs))) : 0;
  return {
    ...state,
    at: (state.at + elapsedMs) as EpochMs,
    gpuBilled: reading.gpuBilled,
    storageBilled: reading.storageBilled,
    coldMs: state.coldMs + (reading.ready ? 0 : gpuMs),
    busyMs: state.busyMs + busyMs,
    idleMs: state.idleMs + (reading.ready ? gpuMs - busyMs : 0),
    storageMs: state.storageMs + billedMs(elapsedMs, state.storageBilled, reading.storageBilled),
    unsureMs: state.unsureMs + (isUnsure ? elapsedMs : 0),
  };
}

function billedMs(elapsedMs: number, before: boolean, after: boolean): number {
  if (before && after) return elapsedMs;
  if (!before && !after) return 0;
  return elapsedMs > blindAfterMs ? 0 : Math.round(elapsedMs / 2);
}

export interface MeterPrices {
  /** GPU and storage together. */
  readonly pricePerHour: UsdMicros;
  readonly storagePerHour: UsdMicros;
}

export type Amounts = Readonly<Record<MeteredComponent, { readonly seconds: number; readonly amount: UsdMicros }>>;

/** From the first second to the last reading. */
export function amountsOf(state: MeterState, prices: MeterPrices): Amounts {
  const gpuPerHour = prices.pricePerHour - prices.storagePerHour;
  const timed = (ms: number, perHour: number) => ({
    seconds: ms / 1000,
    amount: usdMicros((perHour * ms) / 3_600_000),
  });
  return {
    gpu_cold: timed(state.coldMs, gpuPerHour),
    gpu_busy: timed(state.busyMs, gpuPerHour),
    gpu_idle: timed(state.idleMs, gpuPerHour),
    storage: timed(state.storageMs, prices.storagePerHour),
  };
}

export const totalOf = (amounts: Amounts): UsdMicros =>
  usdMicros(meteredComponents.reduce((sum, each) => sum + amounts[each].amount, 0));
