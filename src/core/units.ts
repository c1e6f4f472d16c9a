import type { Brand } from './ids.ts';

/** Milliseconds since the Unix epoch. */
export type EpochMs = Brand<number, 'EpochMs'>;
/** Integer, 1e-6 USD. */
export type UsdMicros = Brand<number, 'UsdMicros'>;

export const epochMs = (value: number): EpochMs => value as EpochMs;
export const usdMicros = (value: number): UsdMicros => Math.round(value) as UsdMicros;
export const addMs = (at: EpochMs, ms: number): EpochMs => (at + ms) as EpochMs;

/** A twelfth of a year, to a tenth of a day: what is told of a month. */
export const daysPerMonth = 30.4;
