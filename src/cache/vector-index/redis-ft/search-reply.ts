/** FT.SEARCH and FT.INFO as they come back: flat lists in RESP2, maps in RESP3, which the connection hands on flat. */
import { replyList, replyText, type RedisReply } from '../../../redis/redis-connection.ts';

export interface SearchRow {
  readonly key: string;
  readonly fields: ReadonlyMap<string, string>;
}

export interface SearchReply {
  readonly total: number;
  readonly rows: readonly SearchRow[];
  /** What the engine says of an answer that is not whole; only RESP3 says it. */
  readonly warnings: readonly string[];
}

/** Rows that make no sense are left out: fewer hits, never wrong ones. @throws TypeError for what is no search reply. */
export function parseSearchReply(reply: RedisReply): SearchReply {
  const list = replyList(reply);
  const [first] = list;
  if (typeof first === 'number') return { total: first, rows: rowsOfList(list.slice(1)), warnings: [] };
  const map = pairs(list);
  const results = map.get('results');
  if (results === undefined) throw new TypeError('no search reply: neither a count nor results');
  return {
    total: Number(replyText(map.get('total_results')) ?? 0),
    rows: replyList(results).flatMap((result) => {
      const row = pairs(replyList(result));
      const key = replyText(row.get('id'));
      return key === undefined ? [] : [{ key, fields: texts(row.get('extra_attributes')) }];
    }),
    warnings: replyList(map.get('warning')).flatMap((each) => replyText(each) ?? []),
  };
}

export interface IndexInfo {
  /** The index's own name, also when it was asked by an alias. */
  readonly name: string;
  readonly documents: number;
  readonly indexing: boolean;
  readonly algorithm: string;
  readonly dimensions: number | undefined;
  /** Rows that did not fit the schema. */
  readonly failures: number;
  readonly vectorBytes: number | undefined;
}

export function parseIndexInfo(reply: RedisReply): IndexInfo {
  const info = pairs(replyList(reply));
  const number = (name: string): number => Number(replyText(info.get(name)) ?? 0);
  const vector = replyList(info.get('attributes'))
    .map((each) => pairs(replyList(each)))
    .find((each) => replyText(each.get('type')) === 'VECTOR');
  const sizeMb = replyText(info.get('vector_index_sz_mb'));
  return {
    name: replyText(info.get('index_name')) ?? '',
    documents: number('num_docs'),
    indexing: number('indexing') !== 0,
    algorithm: replyText(vector?.get('algorithm')) ?? '',
    dimensions: vector === undefined ? undefined : Number(replyText(vector.get('dim'))),
    failures: number('hash_indexing_failures'),
    vectorBytes: sizeMb === undefined ? undefined : Number(sizeMb) * 1024 * 1024,
  };
}

/** key, [field, value, …], key, … A key without a list after it has no fields. */
function rowsOfList(list: readonly RedisReply[]): SearchRow[] {
  const rows: SearchRow[] = [];
  for (let at = 0; at < list.length; at++) {
    const key = replyText(list[at]);
    if (key === undefined) continue;
    const next = list[at + 1];
    const has = next !== null && typeof next === 'object' && !Buffer.isBuffer(next);
    rows.push({ key, fields: texts(has ? next : undefined) });
    if (has) at += 1;
  }
  return rows;
}

function texts(reply: RedisReply | undefined): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of pairs(replyList(reply))) {
    const text = replyText(value);
    if (text !== undefined) fields.set(name, text);
  }
  return fields;
}

function pairs(list: readonly RedisReply[]): Map<string, RedisReply> {
  const map = new Map<string, RedisReply>();
  for (let at = 0; at + 1 < list.length; at += 2) {
    const key = replyText(list[at]);
    if (key !== undefined) map.set(key, list[at + 1]!);
  }
  return map;
}
