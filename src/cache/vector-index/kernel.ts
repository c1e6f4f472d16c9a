import { kernelBase64 } from './kernel-bytes.ts';

/** The inner loops, over one memory; all arguments are byte offsets, counts and sizes. See kernel.wat. */
export interface Kernel {
  readonly name: 'simd' | 'plain';
  dots(slots: number, count: number, rows: number, rowBytes: number, scales: number, query: number, out: number): void;
  distances(
    slots: number,
    count: number,
    sketches: number,
    sketchBytes: number,
    query: number,
    out: number,
    histogram: number,
  ): void;
  /** @returns how many pairs were appended. */
  collect(slots: number, count: number, distances: number, limit: number, to: number, max: number): number;
  /** Floats to a row. */
  quantize(values: number, rowBytes: number, row: number, residuals: number, scale: number): void;
  /** A row's bytes to floats. @returns the sum of their squares */
  spread(row: number, rowBytes: number, values: number): number;
  /** Floats to a sketch; they are not the same afterwards. */
  sketch(values: number, bits: number, signs: number, to: number): void;
}

/** A memory that a worker thread can read too. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** The part of WebAssembly used here; the compiler's ECMAScript library has no types for it. */
interface WebAssemblyApi {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => SharedMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: SharedMemory } },
  ) => { readonly exports: unknown };
  validate(bytes: Uint8Array): boolean;
}
const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };

const pageBytes = 65_536;

/** Reserved, not resident: pages become real when written. */
export function reserveMemory(bytes: number): SharedMemory {
  const pages = Math.ceil(bytes / pageBytes);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** @returns undefined where the processor has no 128-bit SIMD; the plain kernel then gives the same results, slower. */
export function createSimdKernel(memory: SharedMemory): Kernel | undefined {
  const bytes = Buffer.from(kernelBase64, 'base64');
  if (!WebAssembly.validate(bytes)) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return { name: 'simd', ...(exports as Omit<Kernel, 'name'>) };
}

/** The same loops in JavaScript, to the last bit. */
export function createPlainKernel(memory: SharedMemory): Kernel {
  const { buffer } = memory;
  const bytes = new Int8Array(buffer);
  const uint8 = new Uint8Array(buffer);
  const int16 = new Int16Array(buffer);
  const uint16 = new Uint16Array(buffer);
  const uint32 = new Uint32Array(buffer);
  const float32 = new Float32Array(buffer);
  return {
    name: 'plain',

    dots(slots, count, rows, rowBytes, scales, query, out) {
      const q = query >>> 1;
      for (let i = 0; i < count; i++) {
        const slot = uint32[(slots >>> 2) + i]!;
        const at = rows + slot * rowBytes;
        let sum = 0;
        for (let d = 0; d < rowBytes; d++) sum += bytes[at + d]! * int16[q + d]!;
        float32[(out >>> 2) + i] = Math.fround(sum) * float32[(scales >>> 2) + slot]!;
      }
    },

    distances(slots, count, sketches, sketchBytes, query, out, histogram) {
      const words = sketchBytes >>> 2;
      const q = query >>> 2;
      for (let i = 0; i < count; i++) {
        const at = (sketches + uint32[(slots >>> 2) + i]! * sketchBytes) >>> 2;
        let distance = 0;
        for (let w = 0; w < words; w++) distance += bitCount(uint32[at + w]! ^ uint32[q + w]!);
        uint16[(out >>> 1) + i] = distance;
        uint32[(histogram >>> 2) + distance]! += 1;
      }
    },

    collect(slots, count, distances, limit, to, max) {
      let found = 0;
      for (let i = 0; i < count; i++) {
        const distance = uint16[(distances >>> 1) + i]!;
        if (distance > limit) continue;
        if (found === max) break;
        uint32[(to >>> 2) + 2 * found] = uint32[(slots >>> 2) + i]!;
        uint32[(to >>> 2) + 2 * found + 1] = distance;
        found++;
      }
      return found;
    },

    quantize(values, rowBytes, row, residuals, scaleAt) {
      const from = values >>> 2;
      let max = 0;
      for (let d = 0; d < rowBytes; d++) max = Math.max(max, Math.abs(float32[from + d]!));
      const scale = Math.fround(max / 127) || 1;
      float32[scaleAt >>> 2] = scale;
      const inverse = Math.fround(1 / scale);
      for (let d = 0; d < rowBytes; d++) {
        const value = Math.fround(float32[from + d]! * inverse);
        const rounded = roundHalfUp(value);
        bytes[row + d] = rounded;
        const nibble = Math.min(15, roundHalfUp(Math.fround(Math.fround(value - rounded) * 15)) + 8);
        const at = residuals + (d >>> 1);
        uint8[at] = d % 2 === 0 ? nibble : uint8[at]! | (nibble << 4);
      }
    },

    spread(row, rowBytes, values) {
      let sum = 0;
      for (let d = 0; d < rowBytes; d++) {
        const value = bytes[row + d]!;
        float32[(values >>> 2) + d] = value;
        sum += value * value;
      }
      return sum;
    },

    sketch(values, bits, signs, to) {
      const vector = float32.subarray(values >>> 2, (values >>> 2) + bits);
      for (const half of [0, bits]) {
        for (let i = 0; i < bits; i++) vector[i]! *= float32[(signs >>> 2) + half + i]!;
        transform(vector);
      }
      for (let i = 0; i < bits; i += 8) {
        let byte = 0;
        for (let bit = 0; bit < 8; bit++) if (vector[i + bit]! >= 0) byte |= 1 << bit;
        uint8[to + (i >>> 3)] = byte;
      }
    },
  };
}

const roundHalfUp = (value: number): number => Math.floor(Math.fround(value + 0.5));

/** Walsh-Hadamard, in place. */
function transform(values: Float32Array): void {
  for (let half = 1; half < values.length; half *= 2) {
    for (let from = 0; from < values.length; from += 2 * half) {
      for (let i = from; i < from + half; i++) {
        const a = values[i]!;
        const b = values[i + half]!;
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
}

/** Bits set in 32, by adding neighbours pairwise. */
function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
