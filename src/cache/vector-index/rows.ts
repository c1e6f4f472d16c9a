import type { PackedVector, UnitVector } from '../../core/vector.ts';
import type { Kernel, SharedMemory } from './kernel.ts';
import { seededRandom } from '../../core/random.ts';
import { sketchBitsOf, type Layout, type Scratch } from './layout.ts';

/** The rotation is part of the sketches' meaning, so it is the same for all. */
const rotationSeed = 0x5e1f;
/** Two nibbles of zero. */
const noResiduals = 0x88;

/** Writes vectors into the shared memory as rows, and reads exact similarities back. */
export class Rows {
  readonly #layout: Layout;
  readonly #kernel: Kernel;
  readonly #scratch: Scratch;
  readonly #bytes: Int8Array;
  readonly #nibbles: Uint8Array;
  readonly #int16: Int16Array;
  readonly #float32: Float32Array;
  /** Where the kernel takes a vector from; zeros beyond its dimensions. */
  readonly #values: Float32Array;
  /** Largest value of a query: as fine as the kernel's 32-bit sum allows, at most 14 bits. */
  readonly #queryMax: number;

  constructor(layout: Layout, memory: SharedMemory, kernel: Kernel, scratch: Scratch) {
    this.#layout = layout;
    this.#kernel = kernel;
    this.#scratch = scratch;
    this.#bytes = new Int8Array(memory.buffer);
    this.#nibbles = new Uint8Array(memory.buffer);
    this.#int16 = new Int16Array(memory.buffer);
    this.#float32 = new Float32Array(memory.buffer);
    const bits = sketchBitsOf(layout.dimensions);
    this.#values = new Float32Array(memory.buffer, scratch.valuesAt, bits);
    const random = seededRandom(rotationSeed);
    new Float32Array(memory.buffer, scratch.signsAt, 2 * bits).set(
      Array.from({ length: 2 * bits }, () => (random.float() < 0.5 ? -1 : 1)),
    );
    this.#queryMax = Math.min(16_383, Math.floor(2 ** 31 / (128 * layout.rowBytes)) - 1);
  }

  /**
   * value ≈ scale × (int8 + (nibble − 8) / 15): the int8 part is scanned, the nibble brings the
   * similarity of the best few to within 0.0005.
   */
  write(slot: number, vector: UnitVector | PackedVector): void {
    if (vector instanceof Int8Array) this.#writePacked(slot, vector);
    else this.#writeUnit(slot, vector);
  }

  #writeUnit(slot: number, vector: UnitVector): void {
    const { rowBytes, residualBytes, rowsAt, residualsAt, scalesAt, sketchesAt, sketchBytes } = this.#layout;
    this.#take(vector);
    this.#kernel.quantize(
      this.#scratch.valuesAt,
      rowBytes,
      rowsAt + slot * rowBytes,
      residualsAt + slot * residualBytes,
      scalesAt + slot * 4,
    );
    this.#writeSketch(sketchesAt + slot * sketchBytes);
  }

  /** Its bytes are the row already, and nothing has been rounded away that is known. */
  #writePacked(slot: number, packed: PackedVector): void {
    const { rowBytes, residualBytes, rowsAt, residualsAt, scalesAt, sketchesAt, sketchBytes } = this.#layout;
    const row = rowsAt + slot * rowBytes;
    const residuals = residualsAt + slot * residualBytes;
    this.#bytes.set(packed, row);
    this.#bytes.fill(0, row + packed.length, row + rowBytes);
    this.#nibbles.fill(noResiduals, residuals, residuals + residualBytes);
    const squares = this.#kernel.spread(row, rowBytes, this.#scratch.valuesAt);
    this.#float32[(scalesAt >>> 2) + slot] = squares === 0 ? 0 : 1 / Math.sqrt(squares);
    this.#values.fill(0, rowBytes);
    this.#writeSketch(sketchesAt + slot * sketchBytes);
  }

  writeQuery(query: UnitVector): void {
    const { dimensions, rowBytes } = this.#layout;
    const scratch = this.#scratch;
    let max = 0;
    for (let d = 0; d < dimensions; d++) max = Math.max(max, Math.abs(query[d]!));
    const factor = max === 0 ? 0 : this.#queryMax / max;
    const at = scratch.queryAt >>> 1;
    for (let d = 0; d < rowBytes; d++) this.#int16[at + d] = d < dimensions ? Math.round(query[d]! * factor) : 0;
    this.#take(query);
    this.#writeSketch(scratch.querySketchAt);
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

  #take(vector: UnitVector): void {
    this.#values.set(vector);
    this.#values.fill(0, vector.length);
  }

  /**
   * Signs after a fixed random rotation: twice random signs, then a Walsh-Hadamard transform. After it the signs
   * of the values depend on direction alone, also for sparse vectors and for spaces whose vectors
   * share a common offset, and the share of differing signs is angle / π.
   * Source: Ailon and Chazelle, the fast Johnson-Lindenstrauss transform (2009).
   */
  #writeSketch(to: number): void {
    this.#kernel.sketch(this.#scratch.valuesAt, this.#values.length, this.#scratch.signsAt, to);
  }
}
