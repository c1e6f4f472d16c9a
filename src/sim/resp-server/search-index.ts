/** One index of the simulated query engine: which hashes it holds, and the exact nearest among them. */
import type { Reply } from './frames.ts';
import { QueryError, type Filter, type SearchQuery } from './search-query.ts';

export interface IndexField {
  readonly name: string;
  readonly kind: 'TAG' | 'NUMERIC' | 'VECTOR';
  readonly caseSensitive: boolean;
  readonly dimensions: number;
  readonly algorithm: string;
}

export interface FoundRow {
  readonly key: string;
  /** Cosine distance, for a query with KNN. */
  readonly distance: number;
  readonly fields: ReadonlyMap<string, Buffer>;
}

interface Document {
  readonly fields: ReadonlyMap<string, Buffer>;
  readonly vector: Float32Array | undefined;
}

export class SearchIndex {
  readonly name: string;
  readonly prefix: string;
  readonly fields: readonly IndexField[];
  failures = 0;
  readonly #documents = new Map<string, Document>();

  constructor(name: string, prefix: string, fields: readonly IndexField[]) {
    this.name = name;
    this.prefix = prefix;
    this.fields = fields;
  }

  get size(): number {
    return this.#documents.size;
  }

  get vectorField(): IndexField | undefined {
    return this.fields.find(({ kind }) => kind === 'VECTOR');
  }

  /** A hash has changed; an empty one is gone. One with a field that does not fit is not indexed at all. */
  changed(key: string, fields: ReadonlyMap<string, Buffer>): void {
    if (!key.startsWith(this.prefix)) return;
    this.#documents.delete(key);
    if (fields.size === 0) return;
    const vector = this.vectorField && fields.get(this.vectorField.name);
    const fits =
      (vector === undefined || vector.length === this.vectorField!.dimensions * 4) &&
      this.fields.every(({ name, kind }) => kind !== 'NUMERIC' || !Number.isNaN(Number(fields.get(name) ?? 0)));
    if (fits) this.#documents.set(key, { fields, vector: vector && floats(vector) });
    else this.failures += 1;
  }

  /** Nearest first for a query with KNN. @throws QueryError */
  search({ filters, knn }: SearchQuery): FoundRow[] {
    for (const filter of filters) this.#check(filter.field, filter.kind === 'tag' ? 'TAG' : 'NUMERIC');
    const rows: FoundRow[] = [];
    let query: Float32Array | undefined;
    if (knn !== undefined) {
      const field = this.#check(knn.field, 'VECTOR', 10);
      const expected = field.dimensions * 4;
      if (knn.vector.length !== expected)
        throw new QueryError(
          `Error parsing vector similarity query: query vector blob size (${knn.vector.length}) does not match index's expected size (${expected}).`,
        );
      query = floats(knn.vector);
    }
    for (const [key, { fields, vector }] of this.#documents) {
      if (query !== undefined && vector === undefined) continue;
      if (!filters.every((filter) => this.#passes(filter, fields))) continue;
      rows.push({ key, fields, distance: query === undefined ? 0 : cosineDistance(query, vector!) });
    }
    if (knn === undefined) return rows;
    // Without SORTBY the order of a real server is not by distance; the caller sorts when it was asked for.
    return rows.sort((a, b) => a.distance - b.distance).slice(0, knn.k);
  }

  info(): Reply {
    const flag = (field: IndexField): readonly Reply[] => (field.caseSensitive ? [{ simple: 'CASESENSITIVE' }] : []);
    const vectorPart = ({ algorithm, dimensions }: IndexField): [string, Reply][] => [
      ['algorithm', { simple: algorithm }],
      ['data_type', { simple: 'FLOAT32' }],
      ['dim', dimensions],
      ['distance_metric', { simple: 'COSINE' }],
    ];
    return {
      pairs: [
        ['index_name', { simple: this.name }],
        ['index_options', []],
        [
          'index_definition',
          {
            pairs: [
              ['key_type', { simple: 'HASH' }],
              ['prefixes', [{ simple: this.prefix }]],
              ['default_score', '1'],
            ],
          },
        ],
        [
          'attributes',
          this.fields.map((field) => ({
            pairs: [
              ['identifier', { simple: field.name }],
              ['attribute', { simple: field.name }],
              ['type', { simple: field.kind }],
              ...(field.kind === 'VECTOR' ? vectorPart(field) : []),
              ['flags', flag(field)],
            ] as const,
          })),
        ],
        ['num_docs', this.size],
        ['hash_indexing_failures', this.failures],
        ['indexing', 0],
        ['percent_indexed', '1'],
      ],
    };
  }

  #check(name: string, kind: IndexField['kind'], offset = 1): IndexField {
    const field = this.fields.find((each) => each.name === name);
    if (field === undefined) throw new QueryError(`Unknown field at offset ${offset} near ${name}`);
    if (field.kind !== kind) throw new QueryError(`Expected a ${kind} field at offset ${offset} near ${name}`);
    return field;
  }

  #passes(filter: Filter, fields: ReadonlyMap<string, Buffer>): boolean {
    const value = fields.get(filter.field)?.toString('utf8');
    if (value === undefined) return false;
    if (filter.kind === 'number') {
      const [number, { min, max }] = [Number(value), filter];
      return (
        (min.open ? number > min.value : number >= min.value) && (max.open ? number < max.value : number <= max.value)
      );
    }
    const { caseSensitive } = this.#check(filter.field, 'TAG');
    const folded = (text: string) => (caseSensitive ? text : text.toLowerCase());
    // The comma separates the tags of one field.
    const tags = value.split(',').map((each) => folded(each.trim()));
    return filter.values.some((wanted) => tags.includes(folded(wanted)));
  }
}

/** @throws QueryError @returns the fields behind SCHEMA. */
export function parseSchema(words: readonly string[]): IndexField[] {
  const fields: IndexField[] = [];
  let at = 0;
  while (at < words.length) {
    const name = words[at++]!;
    const kind = words[at++]?.toUpperCase();
    let [caseSensitive, dimensions, algorithm] = [false, 0, ''];
    if (kind === 'VECTOR') {
      algorithm = words[at++]!.toUpperCase();
      if (algorithm !== 'HNSW' && algorithm !== 'FLAT') {
        throw new QueryError('Bad arguments for vector similarity algorithm: Unknown argument');
      }
      const count = Number(words[at++]);
      const options = words.slice(at, at + count);
      at += count;
      const option = (wanted: string) => options[options.findIndex((each) => each.toUpperCase() === wanted) + 1];
      if (!options.some((each) => each.toUpperCase() === 'DIM'))
        throw new QueryError(
          `Missing mandatory parameter: cannot create ${algorithm} index without specifying DIM argument`,
        );
      if (option('TYPE') !== 'FLOAT32' || option('DISTANCE_METRIC') !== 'COSINE')
        throw new QueryError('only FLOAT32 and COSINE are simulated');
      dimensions = Number(option('DIM'));
    } else if (kind === 'TAG') {
      if (words[at]?.toUpperCase() === 'CASESENSITIVE') {
        caseSensitive = true;
        at += 1;
      }
    } else if (kind === 'NUMERIC') {
      if (words[at]?.toUpperCase() === 'SORTABLE') at += 1;
    } else throw new QueryError(`Invalid field type for field \`${name}\``);
    if (fields.some((each) => each.name === name)) throw new QueryError(`Duplicate field in schema - ${name}`);
    fields.push({ name, kind, caseSensitive, dimensions, algorithm });
  }
  if (fields.length === 0) throw new QueryError('No schema found');
  return fields;
}

/** As the module prints it: twelve digits of a 32-bit number, tiny and negative ones with an exponent. */
export function distanceText(distance: number): string {
  const [digits, exponent] = Math.fround(distance).toPrecision(12).split('e');
  const short = digits!.includes('.') ? digits!.replace(/\.?0+$/, '') : digits!;
  if (exponent !== undefined) return `${short}e${exponent.replace(/^([+-])(\d)$/, '$10$2')}`;
  return Math.abs(distance) > 0 && Math.abs(distance) < 1e-4 ? exponential(distance) : short;
}

function exponential(distance: number): string {
  const [digits, exponent] = Math.fround(distance).toExponential(11).split('e');
  return `${digits!.replace(/\.?0+$/, '')}e${exponent!.replace(/^([+-])(\d)$/, '$10$2')}`;
}

function floats(bytes: Buffer): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

function cosineDistance(a: Float32Array, b: Float32Array): number {
  let [product, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    ofA += a[i]! * a[i]!;
    ofB += b[i]! * b[i]!;
  }
  return 1 - product / Math.sqrt(ofA * ofB);
}
