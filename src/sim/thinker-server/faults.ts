/**
 * Faults a client can ask for over the wire, by the name of the model. A tag may follow
 * (`fault-cut-5:latest`); a number at the end is the fault's parameter.
 *
 * The names with `-once` fail on the first request for that model name and answer properly from the
 * second on, until the server is reset; `fault-flap` fails on every odd request.
 */
export type Fault =
  /** Answers with a status and an error body, generating nothing. */
  | { readonly kind: 'status'; readonly status: number; readonly message: string; readonly retryAfterS?: number }
  /** A proxy's error page instead of JSON. */
  | { readonly kind: 'html'; readonly status: number }
  /** The connection is reset before any byte of the answer. */
  | { readonly kind: 'reset' }
  /** Accepts the request and never answers. */
  | { readonly kind: 'silent' }
  /** The first token comes after this long, whatever the profile says. */
  | { readonly kind: 'slow-first'; readonly ms: number }
  /** The model is evicted before each request, and loading takes this long. */
  | { readonly kind: 'cold'; readonly ms: number }
  /** What happens to the stream after `tokens` whole tokens. */
  | { readonly kind: StreamFaultKind; readonly tokens: number };

export type StreamFaultKind = 'cut' | 'eof' | 'stall' | 'malformed' | 'inband-error';

export type FaultWhen = 'always' | 'first' | 'odd';

export interface FaultPlan {
  readonly fault: Fault;
  readonly when: FaultWhen;
}

interface FaultRow {
  readonly pattern: RegExp;
  /** A name that works, listed by `/api/tags`. */
  readonly example: string;
  readonly what: string;
  readonly when?: FaultWhen;
  fault(parameter: number): Fault;
}

export const busyMessage = 'server busy, please try again.  maximum pending requests exceeded';
export const contextLengthMessage = 'the input length exceeds the context length';

const row = (
  name: string,
  what: string,
  fault: (parameter: number) => Fault,
  options: { when?: FaultWhen; example?: string } = {},
): FaultRow => ({
  pattern: new RegExp(`^fault-${name.replace('#', '(\\d+(?:\\.\\d+)?)')}$`),
  example: `fault-${name.replace('#', options.example ?? '5')}`,
  what,
  ...(options.when && { when: options.when }),
  fault,
});

const status = (status: number, message: string, retryAfterS?: number): Fault => ({
  kind: 'status',
  status,
  message,
  ...(retryAfterS !== undefined && { retryAfterS }),
});
const onStream =
  (kind: StreamFaultKind) =>
  (tokens: number): Fault => ({ kind, tokens });

/** The one table of faults. `#` stands for the parameter. */
export const faultTable: readonly FaultRow[] = [
  row('429', '429 without Retry-After', () => status(429, 'too many requests')),
  row('429-retry-after', '429 with Retry-After: 1', () => status(429, 'too many requests', 1)),
  row('429-retry-after-#', '429 with Retry-After of # seconds', (s) => status(429, 'too many requests', s)),
  row('429-once', '429 with Retry-After: 0, then fine', () => status(429, 'too many requests', 0), { when: 'first' }),
  row('500', 'always 500', () => status(500, 'simulated failure of the runner')),
  row('500-once', '500, then fine', () => status(500, 'simulated failure of the runner'), { when: 'first' }),
  row('503-busy', 'always 503, as when the queue is full', () => status(503, busyMessage)),
  row('503-busy-once', '503, then fine', () => status(503, busyMessage), { when: 'first' }),
  row('html-502', '502 with an HTML page, as a reverse proxy answers', () => ({ kind: 'html', status: 502 })),
  row('context-length', '400, prompt too long', () => status(400, contextLengthMessage)),
  row('not-pulled', '404 although listed', () => status(404, '')),
  row('reset', 'connection reset before the headers', () => ({ kind: 'reset' })),
  row('reset-once', 'connection reset before the headers, then fine', () => ({ kind: 'reset' }), { when: 'first' }),
  row('silent', 'accepts and never answers', () => ({ kind: 'silent' })),
  row('silent-once', 'never answers the first request, then fine', () => ({ kind: 'silent' }), { when: 'first' }),
  row('flap', '500 on every odd request', () => status(500, 'simulated failure of the runner'), { when: 'odd' }),
  row('slow-first-#', 'first token after # ms', (ms) => ({ kind: 'slow-first', ms }), { example: '2000' }),
  row('cold-#', 'loads for # seconds at each request', (s) => ({ kind: 'cold', ms: s * 1_000 }), { example: '10' }),
  row('cut-#', 'socket destroyed after # tokens', onStream('cut')),
  row('cut-once-#', 'socket destroyed after # tokens, then fine', onStream('cut'), { when: 'first' }),
  row('eof-#', 'clean end without done:true after # tokens', onStream('eof')),
  row('eof-once-#', 'clean end without done:true after # tokens, then fine', onStream('eof'), { when: 'first' }),
  row('stall-#', 'nothing more after # tokens, connection open', onStream('stall')),
  row('stall-once-#', 'nothing more after # tokens, then fine', onStream('stall'), { when: 'first' }),
  row('malformed-#', 'a line that is no JSON after # tokens, then the rest', onStream('malformed')),
  row('inband-error-#', 'error line after # tokens, then the end', onStream('inband-error')),
];

/** What the model name asks for; undefined for an ordinary model. */
export function parseFault(name: string): FaultPlan | undefined {
  if (!/^fault-/i.test(name)) return undefined;
  const base = name.toLowerCase().replace(/:.*$/, '');
  for (const row of faultTable) {
    const match = row.pattern.exec(base);
    if (match) return { fault: row.fault(Number(match[1] ?? 0)), when: row.when ?? 'always' };
  }
  return undefined;
}

/** Whether a plan strikes on the nth request (from 1) for its model name. */
export function strikes(when: FaultWhen, nth: number): boolean {
  return when === 'always' || (when === 'first' ? nth === 1 : nth % 2 === 1);
}
