import { assert } from '../../core/assert.ts';

/** Slots handed to a kernel at once: their results fit the first-level cache, and a slice of work stays under 0.1 ms. */
export const chunkRows = 4096;
/** Candidates that a sketch scan may keep for the finer comparison. */
export const keptMax = 8192;
/** Keeps 4 GiB of addresses from running out: the sums below are checked as well. */
const addressMax = 2 ** 32;

/**
 * Where everything lies in the one memory that threads share. Planes instead of records: the
 * coarse scan touches sketches only, the finer one rows only. All is reserved at once and none of
 * it is resident until written, so that growth never copies.
 */
export interface Layout {
  readonly dimensions: number;
  readonly rowsMax: number;
  /** int8 per dimension, padded to 16. */
  readonly rowBytes: number;
  /** 4 bits per dimension: what int8 rounds away. */
  readonly residualBytes: number;
  /** One bit per rotated dimension. */
  readonly sketchBytes: number;
  readonly rowsAt: number;
  readonly residualsAt: number;
  readonly sketchesAt: number;
  /** float32 per row. */
  readonly scalesAt: number;
  /** Working space of the main thread and of the scanning thread. */
  readonly scratchAt: { readonly main: number; readonly scanner: number };
  readonly totalBytes: number;
}

export interface Scratch {
  readonly queryAt: number;
  readonly querySketchAt: number;
  readonly slotsAt: number;
  readonly outAt: number;
  readonly histogramAt: number;
  readonly keptAt: number;
  /** A vector as floats, one a bit of its sketch. */
  readonly valuesAt: number;
  /** Of the rotation: twice as many floats. */
  readonly signsAt: number;
  readonly endAt: number;
}

export function layOut(dimensions: number, rowsMax: number): Layout {
  assert(
    Number.isInteger(dimensions) && dimensions >= 1 && dimensions <= 8192,
    `dimensions is ${dimensions}; expected 1 to 8192`,
  );
  assert(Number.isInteger(rowsMax) && rowsMax >= 1, `vectorsMax is ${rowsMax}; expected an integer >= 1`);
  const rowBytes = alignTo(dimensions, 16);
  const residualBytes = rowBytes / 2;
  const sketchBytes = sketchBitsOf(dimensions) / 8;
  let at = 64;
  const reserve = (bytes: number) => {
    const start = at;
    at = alignTo(at + bytes, 64);
    return start;
  };
  const rowsAt = reserve(rowsMax * rowBytes);
  const residualsAt = reserve(rowsMax * residualBytes);
  const sketchesAt = reserve(rowsMax * sketchBytes);
  const scalesAt = reserve(rowsMax * 4);
  const plan = { dimensions, rowsMax, rowBytes, residualBytes, sketchBytes };
  const scratchBytes = scratchOf(plan, 0).endAt;
  const scratchAt = { main: reserve(scratchBytes), scanner: reserve(scratchBytes) };
  assert(
    at <= addressMax,
    `${rowsMax} vectors of ${dimensions} dimensions need ${at} bytes; the index can address 4 GiB`,
  );
  return { ...plan, rowsAt, residualsAt, sketchesAt, scalesAt, scratchAt, totalBytes: at };
}

export function scratchOf(layout: Pick<Layout, 'rowBytes' | 'sketchBytes'>, base: number): Scratch {
  const querySketchAt = base + alignTo(layout.rowBytes * 2, 64);
  const slotsAt = querySketchAt + layout.sketchBytes;
  const outAt = slotsAt + chunkRows * 4;
  const histogramAt = outAt + chunkRows * 4;
  const keptAt = alignTo(histogramAt + (layout.sketchBytes * 8 + 1) * 4, 64);
  const valuesAt = keptAt + (keptMax + 2 * chunkRows) * 8;
  const signsAt = valuesAt + layout.sketchBytes * 8 * 4;
  const endAt = signsAt + layout.sketchBytes * 8 * 8;
  return { queryAt: base, querySketchAt, slotsAt, outAt, histogramAt, keptAt, valuesAt, signsAt, endAt };
}

/** A power of two for the rotation, and at least 512 for the kernel; more bits than dimensions sharpen the sketch. */
export function sketchBitsOf(dimensions: number): number {
  return Math.max(512, 2 ** Math.ceil(Math.log2(dimensions)));
}

const alignTo = (bytes: number, unit: number): number => Math.ceil(bytes / unit) * unit;
