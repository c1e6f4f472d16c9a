/** FT.SEARCH: its options, and its answer in the two shapes that the two protocols have. */
import type { Protocol, Reply } from './frames.ts';
import { distanceText, type FoundRow } from './search-index.ts';
import { QueryError } from './search-query.ts';

export interface SearchOptions {
  readonly params: ReadonlyMap<string, Buffer>;
  /** undefined: all of them. */
  readonly returned: readonly string[] | undefined;
  readonly content: boolean;
  readonly offset: number;
  readonly count: number;
  readonly dialect: number;
}

/** @param command index, query, and what follows. @throws QueryError */
export function readOptions(command: readonly Buffer[]): SearchOptions {
  const words = command.map((part) => part.toString('utf8'));
  const params = new Map<string, Buffer>();
  let returned: readonly string[] | undefined;
  let content = true;
  let [offset, count, dialect] = [0, 10, 1];
  for (let at = 2; at < words.length;) {
    const option = words[at++]!.toUpperCase();
    const number = (): number => {
      const value = Number(words[at++]);
      if (!Number.isInteger(value) || value < 0) throw new QueryError(`${option} requires a non negative integer`);
      return value;
    };
    if (option === 'PARAMS') {
      const values = number();
      if (values % 2 === 1) throw new QueryError('Parameters must be specified in PARAM VALUE pairs');
      for (const end = at + values; at < end; at += 2) params.set(words[at]!, command[at + 1]!);
    } else if (option === 'SORTBY') {
      at += 1;
      if (['ASC', 'DESC'].includes(words[at]?.toUpperCase() ?? '')) at += 1;
    } else if (option === 'RETURN') {
      const fields = number();
      returned = words.slice(at, (at += fields));
      if (fields === 0) content = false;
    } else if (option === 'NOCONTENT') content = false;
    else if (option === 'LIMIT') [offset, count] = [number(), number()];
    else if (option === 'TIMEOUT') number();
    else if (option === 'DIALECT') dialect = number();
    else throw new QueryError(`Unknown argument \`${words[at - 1]}\` at position ${at - 2} for <main>`);
  }
  return { params, returned, content, offset, count, dialect };
}

export function searchReply(
  found: { readonly rows: readonly FoundRow[]; readonly total: number; readonly as: string | undefined },
  { returned, content }: SearchOptions,
  protocol: Protocol,
): Reply {
  const fieldsOf = (row: FoundRow): (readonly [string, string | Buffer])[] => {
    const all: (readonly [string, string | Buffer])[] = [
      ...(found.as === undefined ? [] : [[found.as, distanceText(row.distance)] as const]),
      ...row.fields,
    ];
    // A field that the document lacks is left out.
    if (returned === undefined) return all;
    return returned.flatMap((name) => all.filter(([each]) => each === name).slice(0, 1));
  };
  if (protocol === 2) {
    return [
      found.total,
      ...found.rows.flatMap((row): Reply[] => (content ? [row.key, fieldsOf(row).flat()] : [row.key])),
    ];
  }
  return {
    pairs: [
      ['attributes', []],
      ['format', { simple: 'STRING' }],
      ['results', found.rows.map((row) => ({ pairs: rowOf(row) }))],
      ['total_results', found.total],
      ['warning', []],
    ],
  };

  function rowOf(row: FoundRow): (readonly [string, Reply])[] {
    if (!content)
      return [
        ['id', row.key],
        ['values', []],
      ];
    return [
      ['id', row.key],
      ['extra_attributes', { fields: fieldsOf(row) }],
      ['values', []],
    ];
  }
}
