import type { UnitVector } from '../../core/vector.ts';
import type { SharedMemory } from './kernel.ts';
import { seededRandom } from '../../core/random.ts';
import { sketchBitsOf, type Layout, type Scratch } from './layout.ts';

/** The rotation is part of the sketches' meaning, so it is the same for all. */
const rotationSeed = 0x5e1f;

/** Writes vectors into the shared memory as rows, and reads exact similarities back. */
export class Rows {
  readonly #layout: Layout;
  readonly #bytes: Int8Array;
  readonly #nibbles: Uint8Array;
  readonly #int16: Int16Array;
  readonly #float32: Float32Array;
  readonly #rotate: (vector: Float32Array) => Float32Array;
  /** Largest value of a query: as fine as the kernel's 32-bit sum allows, at most 14 bits. */
  readonly #queryMax: number;

  constructor(layout: Layout, memory: SharedMemory) {
    this.#layout = layout;
    this.#bytes = new Int8Array(memory.buffer);
    this.#nibbles = new Uint8Array(memory.buffer);
    this.#int16 = new Int16Array(memory.buffer);
    this.#float32 = new Float32Array(memory.buffer);
    this.#rotate = createRotation(layout.dimensions);
    this.#queryMax = Math.min(16_383, Math.floor(2 ** 31 / (128 * layout.rowBytes)) - 1);
  }

  /**
   * value ≈ scale × (int8 + (nibble − 8) / 15): the int8 part is scanned, the nibble brings the
   * similarity of the best few to within 0.0005.
   */
  write(slot: number, vector: UnitVector): void {
    const { dimensions, rowBytes, residualBytes, rowsAt, residualsAt, scalesAt, sketchesAt, sketchBytes } =
      this.#layout;
    let max = 0;
    for (let d = 0; d < dimensions; d++) max = Math.max(max, Math.abs(vector[d]!));
    const scale = Math.fround(max / 127) || 1;
    this.#float32[(scalesAt >>> 2) + slot] = scale;
    const row = rowsAt + slot * rowBytes;
    const residuals = residualsAt + slot * residualBytes;
    for (let d = 0; d < rowBytes; d += 2) {
      const even = d < dimensions ? vector[d]! / scale : 0;
      const odd = d + 1 < dimensions ? vector[d + 1]! / scale : 0;
      const evenRounded = Math.round(even);
      const oddRounded = Math.round(odd);
      this.#bytes[row + d] = evenRounded;
      this.#bytes[row + d + 1] = oddRounded;
      this.#nibbles[residuals + (d >>> 1)] = nibbleOf(even - evenRounded) | (nibbleOf(odd - oddRounded) << 4);
    }
    this.#writeSketch(sketchesAt + slot * sketchBytes, vector);
  }

  writeQuery(scratch: Scratch, query: UnitVector): void {
    const { dimensions, rowBytes } = this.#layout;
    let max = 0;
    for (let d = 0; d < dimensions; d++) max = Math.max(max, Math.abs(query[d]!));
    const factor = max === 0 ? 0 : this.#queryMax / max;
    const at = scratch.queryAt >>> 1;
    for (let d = 0; d < rowBytes; d++) this.#int16[at + d] = d < dimensions ? Math.round(query[d]! * factor) : 0;
    this.#writeSketch(scratch.querySketchAt, query);
  }

  /** Cosine of a stored row and a query, within 0.0005. */
  similarity(slot: number, query: UnitVector): number {
    const { dimensions, rowBytes, residualBytes, rowsAt, residualsAt, scalesAt } = this.#layout;
    const bytes = this.#bytes;
    const nibbles = this.#nibbles;
    const row = rowsAt + slot * rowBytes;
    const residuals = residualsAt + slot * residualBytes;
    let coarse = 0;
    let fine = 0;
    for (let d = 0; d < dimensions; d += 2) {
      const nibble = nibbles[residuals + (d >>> 1)]!;
      const even = query[d]!;
      const odd = d + 1 < dimensions ? query[d + 1]! : 0;
      coarse += even * bytes[row + d]! + odd * bytes[row + d + 1]!;
      fine += even * ((nibble & 15) - 8) + odd * ((nibble >>> 4) - 8);
    }
    const cosine = this.#float32[(scalesAt >>> 2) + slot]! * (coarse + fine / 15);
    return Math.max(-1, Math.min(1, cosine));
  }

  #writeSketch(at: number, vector: UnitVector): void {
    const rotated = this.#rotate(vector);
    for (let i = 0; i < rotated.length; i += 8) {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) if (rotated[i + bit]! >= 0) byte |= 1 << bit;
      this.#nibbles[at + (i >>> 3)] = byte;
    }
  }
}

/** [-0.5, 0.5] to 16 steps. Zero is one of them: sparse vectors are mostly zeros, and an offset there would add up. */
const nibbleOf = (residual: number): number => Math.min(15, Math.round(residual * 15) + 8);

/**
 * A fixed random rotation: twice random signs, then a Walsh-Hadamard transform. After it the signs
 * of the values depend on direction alone, also for sparse vectors and for spaces whose vectors
 * share a common offset, and the share of differing signs is angle / π.
 * Source: Ailon and Chazelle, the fast Johnson-Lindenstrauss transform (2009).
 */
function createRotation(dimensions: number): (vector: Float32Array) => Float32Array {
  const size = sketchBitsOf(dimensions);
  const random = seededRandom(rotationSeed);
  const signs = [0, 1].map(() => Float32Array.from({ length: size }, () => (random.float() < 0.5 ? -1 : 1)));
  const values = new Float32Array(size);
  return (vector) => {
    values.fill(0);
    values.set(vector);
    for (const sign of signs) {
      for (let i = 0; i < size; i++) values[i]! *= sign[i]!;
      for (let half = 1; half < size; half *= 2) {
        for (let from = 0; from < size; from += 2 * half) {
          for (let i = from; i < from + half; i++) {
            const a = values[i]!;
            const b = values[i + half]!;
            values[i] = a + b;
            values[i + half] = a - b;
          }
        }
      }
    }
    return values;
  };
}
