/** Labels in packed arrays: what the score learns from and what the certificate counts. The oldest goes first. */
import { assert } from '../../core/assert.ts';

export interface StoredLabel {
  readonly inputs: ArrayLike<number>;
  readonly right: boolean;
  /** In the fit. */
  readonly weight: number;
  /** Whether it was drawn with a known probability, so that it may certify. */
  readonly certifies: boolean;
  /** With which it was drawn. */
  readonly auditProbability: number;
  readonly nearDuplicate: boolean;
  readonly fold: number;
  readonly group: number;
  /** Requests seen when it came. */
  readonly request: number;
}

const firstRows = 1_024;

/** Bits of `flags`. */
const certifiesBit = 1;
const nearDuplicateBit = 2;

export class LabelStore {
  readonly width: number;
  readonly rowsMax: number;
  /** Labels ever taken; the next one gets this number. */
  taken = 0;
  inputs: Float32Array;
  labels: Uint8Array;
  weights: Float32Array;
  audit: Float32Array;
  flags: Uint8Array;
  folds: Uint8Array;
  groups: Uint8Array;
  /** Number of the label in each row. */
  numbers: Float64Array;
  requests: Float64Array;

  constructor(width: number, rowsMax: number) {
    assert(rowsMax >= 1, `labelsMax is ${rowsMax}; expected at least 1`);
    this.width = width;
    this.rowsMax = rowsMax;
    const rows = Math.min(firstRows, rowsMax);
    this.inputs = new Float32Array(rows * width);
    this.labels = new Uint8Array(rows);
    this.weights = new Float32Array(rows);
    this.audit = new Float32Array(rows);
    this.flags = new Uint8Array(rows);
    this.folds = new Uint8Array(rows);
    this.groups = new Uint8Array(rows);
    this.numbers = new Float64Array(rows);
    this.requests = new Float64Array(rows);
  }

  get rows(): number {
    return Math.min(this.taken, this.rowsMax);
  }

  add(label: StoredLabel): void {
    const row = this.taken % this.rowsMax;
    if (row >= this.labels.length) this.#grow();
    this.inputs.set(label.inputs, row * this.width);
    this.labels[row] = label.right ? 1 : 0;
    this.weights[row] = label.weight;
    this.audit[row] = label.auditProbability;
    this.flags[row] = (label.certifies ? certifiesBit : 0) | (label.nearDuplicate ? nearDuplicateBit : 0);
    this.folds[row] = label.fold;
    this.groups[row] = label.group;
    this.numbers[row] = this.taken;
    this.requests[row] = label.request;
    this.taken += 1;
  }

  certifies(row: number): boolean {
    return (this.flags[row]! & certifiesBit) !== 0;
  }

  isNearDuplicate(row: number): boolean {
    return (this.flags[row]! & nearDuplicateBit) !== 0;
  }

  clear(): void {
    this.taken = 0;
  }

  /** Oldest first. */
  *rowsInOrder(): Generator<number> {
    const { rows } = this;
    const first = this.taken > this.rowsMax ? this.taken % this.rowsMax : 0;
    for (let i = 0; i < rows; i++) yield (first + i) % this.rowsMax;
  }

  read(row: number): StoredLabel {
    return {
      inputs: this.inputs.subarray(row * this.width, (row + 1) * this.width),
      right: this.labels[row] === 1,
      weight: this.weights[row]!,
      certifies: this.certifies(row),
      auditProbability: this.audit[row]!,
      nearDuplicate: this.isNearDuplicate(row),
      fold: this.folds[row]!,
      group: this.groups[row]!,
      request: this.requests[row]!,
    };
  }

  #grow(): void {
    const rows = Math.min(this.rowsMax, this.labels.length * 2);
    this.inputs = grown(this.inputs, new Float32Array(rows * this.width));
    this.labels = grown(this.labels, new Uint8Array(rows));
    this.weights = grown(this.weights, new Float32Array(rows));
    this.audit = grown(this.audit, new Float32Array(rows));
    this.flags = grown(this.flags, new Uint8Array(rows));
    this.folds = grown(this.folds, new Uint8Array(rows));
    this.groups = grown(this.groups, new Uint8Array(rows));
    this.numbers = grown(this.numbers, new Float64Array(rows));
    this.requests = grown(this.requests, new Float64Array(rows));
  }
}

function grown<T extends Float32Array | Float64Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
