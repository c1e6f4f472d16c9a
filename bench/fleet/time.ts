import { epochMs, type EpochMs } from '../../src/core/units.ts';

/** Of the law and of the keeper. */
export const tickS = 10;
/** A Monday. */
const start = Date.UTC(2026, 0, 5);

export const atOf = (second: number): EpochMs => epochMs(start + second * 1000);
