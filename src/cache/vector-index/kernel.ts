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
  };
}

/** Bits set in 32, by adding neighbours pairwise. */
function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
