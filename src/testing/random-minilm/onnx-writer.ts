/**
 * Writes ONNX models: the protobuf wire format by hand, as far as a transformer needs it.
 * Field numbers are those of onnx.proto3.
 */
type Bytes = Uint8Array;

function varint(value: number | bigint): Bytes {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(out);
}

const tag = (field: number, wire: 0 | 2 | 5): Bytes => varint((field << 3) | wire);
const int = (field: number, value: number | bigint): Bytes => Buffer.concat([tag(field, 0), varint(value)]);
const bytes = (field: number, value: Bytes): Bytes => Buffer.concat([tag(field, 2), varint(value.length), value]);
const text = (field: number, value: string): Bytes => bytes(field, Buffer.from(value, 'utf8'));
const float = (field: number, value: number): Bytes => {
  const raw = Buffer.alloc(4);
  raw.writeFloatLE(value);
  return Buffer.concat([tag(field, 5), raw]);
};

const floatType = 1;
const int64Type = 7;

export type Attribute = number | readonly number[] | { readonly float: number };

/** A graph under construction; methods that add a node return the name of its output. */
export class OnnxGraph {
  readonly #parts: Bytes[] = [];
  readonly #tail: Bytes[] = [];
  #count = 0;

  floats(name: string, dims: readonly number[], values: Float32Array): string {
    return this.#tensor(name, dims, floatType, Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  }

  ints(values: readonly number[], scalar = false): string {
    const raw = BigInt64Array.from(values, BigInt);
    return this.#tensor(`const${++this.#count}`, scalar ? [] : [values.length], int64Type, Buffer.from(raw.buffer));
  }

  scalar(value: number): string {
    return this.floats(`const${++this.#count}`, [], Float32Array.of(value));
  }

  op(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    as?: string,
  ): string {
    const output = as ?? `${type}${++this.#count}`;
    this.#parts.push(
      bytes(
        1,
        Buffer.concat([
          ...inputs.map((input) => text(1, input)),
          text(2, output),
          text(3, output),
          text(4, type),
          ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
        ]),
      ),
    );
    return output;
  }

  input(name: string, dims: readonly (string | number)[]): string {
    this.#tail.push(bytes(11, valueInfo(name, int64Type, dims)));
    return name;
  }

  output(name: string, dims: readonly (string | number)[]): void {
    this.#tail.push(bytes(12, valueInfo(name, floatType, dims)));
  }

  /** @returns the file. Operator set 17, which has LayerNormalization. */
  model(): Buffer {
    const graph = Buffer.concat([...this.#parts, text(2, 'graph'), ...this.#tail]);
    return Buffer.concat([int(1, 8), text(2, 'random-minilm'), bytes(7, graph), bytes(8, int(2, 17))]);
  }

  #tensor(name: string, dims: readonly number[], type: number, raw: Bytes): string {
    this.#tail.push(
      bytes(5, Buffer.concat([...dims.map((dim) => int(1, dim)), int(2, type), text(8, name), bytes(9, raw)])),
    );
    return name;
  }
}

function attribute(name: string, value: Attribute): Bytes {
  if (typeof value === 'number') return Buffer.concat([text(1, name), int(3, value), int(20, 2)]);
  if ('float' in value) return Buffer.concat([text(1, name), float(2, value.float), int(20, 1)]);
  return Buffer.concat([text(1, name), ...value.map((item) => int(8, item)), int(20, 7)]);
}

function valueInfo(name: string, type: number, dims: readonly (string | number)[]): Bytes {
  const shape = Buffer.concat(dims.map((dim) => bytes(1, typeof dim === 'number' ? int(1, dim) : text(2, dim))));
  return Buffer.concat([text(1, name), bytes(2, bytes(1, Buffer.concat([int(1, type), bytes(2, shape)])))]);
}
