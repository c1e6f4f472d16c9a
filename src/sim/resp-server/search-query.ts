/** The part of the query language that vector caches use: tag and number filters, and the K nearest. */

export interface SearchQuery {
  readonly filters: readonly Filter[];
  readonly knn:
    | { readonly k: number; readonly field: string; readonly vector: Buffer; readonly as: string }
    | undefined;
}

export type Filter =
  | { readonly kind: 'tag'; readonly field: string; readonly values: readonly string[] }
  | { readonly kind: 'number'; readonly field: string; readonly min: Bound; readonly max: Bound };

export interface Bound {
  readonly value: number;
  /** Written with a `(`: the value itself is left out. */
  readonly open: boolean;
}

/** In the server's own words, without `ERR`: that is how the module answers. */
export class QueryError extends Error {}

/** @throws QueryError */
export function parseQuery(text: string, params: ReadonlyMap<string, Buffer>): SearchQuery {
  const [, filterText, knnText] = /^(.*?)(?:=>\[(.*)\])?$/s.exec(text)!;
  return {
    filters: parseFilters(filterText!.trim(), params),
    knn: knnText === undefined ? undefined : parseKnn(knnText, params),
  };
}

function parseKnn(text: string, params: ReadonlyMap<string, Buffer>): SearchQuery['knn'] {
  const found = /^KNN (\$?\w+) @(\w+) \$(\w+)(?: EF_RUNTIME (\$?\w+))?(?: AS (\w+))?$/.exec(text);
  if (found === null) throw new QueryError(`Syntax error at offset 2 near ${text.slice(0, 20)}`);
  const [, kText, field, blob, , as] = found;
  const k = Number(valueOf(kText!, params));
  if (!Number.isInteger(k) || k < 0) throw new QueryError(`Syntax error at offset 8 near ${kText}`);
  return { k, field: field!, vector: parameter(blob!, params), as: as ?? `__${field}_score` };
}

function parseFilters(text: string, params: ReadonlyMap<string, Buffer>): Filter[] {
  let rest = text.startsWith('(') && text.endsWith(')') ? text.slice(1, -1).trim() : text;
  const filters: Filter[] = [];
  if (rest === '*') return filters;
  while (rest !== '') {
    const tag = /^@(\w+):\{([^}]*)\}\s*/.exec(rest);
    const number = /^@(\w+):\[(\S+) (\S+)\]\s*/.exec(rest);
    if (tag !== null) {
      if (tag[2] === '') throw new QueryError('Syntax error at offset 9 near ' + tag[1]);
      filters.push({
        kind: 'tag',
        field: tag[1]!,
        values: tag[2]!.split(/(?<!\\)\|/).map((each) => valueOf(each.trim(), params)),
      });
    } else if (number !== null) {
      const [min, max] = [number[2]!, number[3]!].map((each) => boundOf(valueOf(each, params)));
      filters.push({ kind: 'number', field: number[1]!, min: min!, max: max! });
    } else throw new QueryError(`Syntax error at offset ${text.length - rest.length} near ${rest.slice(0, 10)}`);
    rest = rest.slice((tag ?? number)![0].length);
  }
  return filters;
}

const valueOf = (text: string, params: ReadonlyMap<string, Buffer>): string =>
  text.startsWith('$') ? parameter(text.slice(1), params).toString('utf8') : text.replace(/\\(.)/g, '$1');

function parameter(name: string, params: ReadonlyMap<string, Buffer>): Buffer {
  const value = params.get(name);
  if (value === undefined) throw new QueryError(`No such parameter \`${name}\``);
  return value;
}

function boundOf(written: string): Bound {
  const open = written.startsWith('(');
  const text = open ? written.slice(1) : written;
  const value = text === '+inf' ? Infinity : text === '-inf' ? -Infinity : Number(text);
  if (Number.isNaN(value)) throw new QueryError(`Invalid numeric value \`${text}\``);
  return { value, open };
}
