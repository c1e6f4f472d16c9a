/** How much a word says, from document counts that are fixed: an online count would move every score as traffic comes. */
import { documents, packedIdf } from './idf-table.ts';

const table = new Map<string, number>();
for (const part of packedIdf.split(' ')) {
  const at = part.lastIndexOf(':');
  if (at > 0) table.set(part.slice(0, at), Number(part.slice(at + 1)) / 10);
}

/** Of a word in no counted text: as rare as one seen half a time. */
const unseen = Math.round(10 * Math.log((documents + 1) / 1.5)) / 10;

/** @param stemmed as `stem` gives it. @returns ln(documents / documents with it), at least 0. */
export const idfOf = (stemmed: string): number => table.get(stemmed) ?? unseen;
