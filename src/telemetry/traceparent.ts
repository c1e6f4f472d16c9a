/** W3C Trace Context, version 00: which span of a caller a request belongs to. */
export interface CallerSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

const shape = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** @returns the header where it is one; a record keeps nothing longer */
export function traceparentOf(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  const header = headers['traceparent'];
  return typeof header === 'string' && shape.test(header) ? header : undefined;
}

/** @returns undefined for anything else, and for the ids that mean none */
export function parseTraceparent(header: string | undefined): CallerSpan | undefined {
  const match = shape.exec(header ?? '');
  if (match === null || /^0+$/.test(match[1]!) || /^0+$/.test(match[2]!)) return undefined;
  return { traceId: match[1]!, spanId: match[2]!, traceFlags: Number.parseInt(match[3]!, 16) & 1 };
}
