/** Queries from a file: JSON lines or plain text lines, gzipped or not. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface Query {
  readonly text: string;
  /** Queries of one group have the same right answer; undefined where the file does not say. */
  readonly group: string | undefined;
}

/** All queries are held in memory; a larger file is replayed in parts with `--limit`. */
export const queriesMax = 1_000_000;

/** @throws Error naming the file, or the line that is no query */
export async function readQueries(path: string, limit: number): Promise<Query[]> {
  const file = createReadStream(path);
  const bytes: Readable = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  // A pipe does not carry errors on.
  file.on('error', (error) => bytes.destroy(error));
  const queries: Query[] = [];
  let lineNumber = 0;
  for await (const line of createInterface({ input: bytes, crlfDelay: Infinity })) {
    lineNumber++;
    const query = parseQuery(line, `${path} line ${lineNumber}`);
    if (query === undefined) continue;
    if (queries.length >= queriesMax)
      throw new Error(`${path} has more than ${queriesMax} queries; take a part with --limit`);
    queries.push(query);
    if (queries.length >= limit) break;
  }
  file.destroy();
  return queries;
}

/** The field that holds the question: the first of these that is there. */
const textFields = ['text', 'prompt', 'query'] as const;

/** undefined for a blank line. @param where for the error message */
export function parseQuery(line: string, where: string): Query | undefined {
  const trimmed = line.trim();
  if (trimmed === '') return undefined;
  if (!trimmed.startsWith('{')) return { text: trimmed, group: undefined };
  let row: Record<string, unknown>;
  try {
    row = JSON.parse(trimmed) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`${where} is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
  const field = textFields.find((name) => typeof row[name] === 'string');
  if (field === undefined) {
    throw new Error(`${where} has none of ${textFields.join(', ')} as a string; it has ${Object.keys(row).join(', ')}`);
  }
  const group = row['group'];
  return {
    text: row[field] as string,
    group: group === undefined || group === null ? undefined : JSON.stringify(group),
  };
}
