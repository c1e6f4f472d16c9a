/** What was understood but cannot be honoured. Notices travel in a response header, so they stay short and plain. */
import type { JsonObject } from '../../../core/json.ts';

/** Unknown fields named in one notice. */
const namedUnknownMax = 8;
/** Characters of a caller's own word that a notice repeats. */
const wordCharsMax = 40;

export function addNotice(notices: string[], notice: string): void {
  if (!notices.includes(notice)) notices.push(notice);
}

/** A caller's own text made safe for a header. */
export const headerWord = (text: string): string => text.slice(0, wordCharsMax).replaceAll(/[^\w.-]/g, '?');

/** Names the fields that a dialect does not know: they are no part of the request and of its cache key. */
export function noticeUnknownFields(from: JsonObject, known: ReadonlySet<string>, notices: string[]): void {
  const unknown = Object.keys(from).filter((key) => !known.has(key) && from[key] !== null);
  if (unknown.length === 0) return;
  const named = unknown.slice(0, namedUnknownMax).map(headerWord).join(', ');
  addNotice(notices, `not known and not used: ${named}${unknown.length > namedUnknownMax ? ', ...' : ''}`);
}
