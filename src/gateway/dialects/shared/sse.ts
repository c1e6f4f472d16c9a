/** Server-sent events as the official SDKs parse them: one `data` line each, JSON never contains a raw newline. */

export const sseContentType = 'text/event-stream';
/** A comment: every SSE parser skips it. */
export const sseHeartbeat = ': ping\n\n';
export const sseDone = 'data: [DONE]\n\n';

export const sseData = (json: string): string => `data: ${json}\n\n`;
export const sseEvent = (name: string, json: string): string => `event: ${name}\ndata: ${json}\n\n`;
