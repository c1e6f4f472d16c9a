/**
 * The one table of what can go wrong: HTTP status, whether another try may help, and which
 * `selfhost_requests_total` outcome it counts as. Bodies in each dialect derive from it.
 */
export const errorTable = {
  bad_request: { status: 400, retryable: false, outcome: 'client_error' },
  unsupported: { status: 400, retryable: false, outcome: 'client_error' },
  unauthorized: { status: 401, retryable: false, outcome: 'client_error' },
  operator_only: { status: 403, retryable: false, outcome: 'client_error' },
  forbidden: { status: 403, retryable: false, outcome: 'client_error' },
  route_not_found: { status: 404, retryable: false, outcome: 'client_error' },
  model_not_found: { status: 404, retryable: false, outcome: 'client_error' },
  entry_not_found: { status: 404, retryable: false, outcome: 'client_error' },
  key_not_found: { status: 404, retryable: false, outcome: 'client_error' },
  request_not_found: { status: 404, retryable: false, outcome: 'client_error' },
  method_not_allowed: { status: 405, retryable: false, outcome: 'client_error' },
  request_timeout: { status: 408, retryable: true, outcome: 'client_error' },
  not_a_hit: { status: 409, retryable: false, outcome: 'client_error' },
  body_too_large: { status: 413, retryable: false, outcome: 'client_error' },
  rate_limited: { status: 429, retryable: true, outcome: 'client_error' },
  aborted: { status: 499, retryable: false, outcome: 'cancelled' },
  internal: { status: 500, retryable: false, outcome: 'upstream_error' },
  not_implemented: { status: 501, retryable: false, outcome: 'client_error' },
  /** The thinker answered 4xx about the request itself; its status and words are kept. */
  upstream_rejected: { status: 400, retryable: false, outcome: 'client_error' },
  /** Reset, refused, died: nothing wrong with the request. */
  upstream_failed: { status: 502, retryable: true, outcome: 'upstream_error' },
  /** The TLS key of a rented thinker is not the one it was given: nothing is sent there. */
  wrong_thinker_key: { status: 502, retryable: true, outcome: 'upstream_error' },
  /** Malformed line, error inside the stream, end without `done:true`. */
  upstream_broken_stream: { status: 502, retryable: true, outcome: 'upstream_error' },
  /** Thinker's own queue is full: busy, not broken. */
  upstream_busy: { status: 503, retryable: true, outcome: 'overloaded' },
  /** Our queue is full. */
  queue_full: { status: 503, retryable: true, outcome: 'overloaded' },
  no_thinker_ready: { status: 503, retryable: true, outcome: 'overloaded' },
  shutting_down: { status: 503, retryable: true, outcome: 'overloaded' },
  timeout_connect: { status: 504, retryable: true, outcome: 'timeout' },
  timeout_first_token: { status: 504, retryable: true, outcome: 'timeout' },
  timeout_stall: { status: 504, retryable: true, outcome: 'timeout' },
  timeout_total: { status: 504, retryable: false, outcome: 'timeout' },
  timeout_queue: { status: 503, retryable: true, outcome: 'overloaded' },
  cache_unavailable: { status: 503, retryable: true, outcome: 'upstream_error' },
  ledger_unavailable: { status: 503, retryable: true, outcome: 'upstream_error' },
  /** Redis did not answer in time, or cannot be reached. */
  redis_unavailable: { status: 503, retryable: true, outcome: 'upstream_error' },
  embedding_failed: { status: 502, retryable: true, outcome: 'upstream_error' },
  /** The cap on spending is reached: cached answers go on. */
  budget_exhausted: { status: 402, retryable: false, outcome: 'budget_blocked' },
  /** The market does not answer, or answers in a way that cannot be trusted: unknown, never empty. */
  provider_unavailable: { status: 503, retryable: true, outcome: 'upstream_error' },
  /** Key, credit or request: an operator must act. */
  provider_refused: { status: 502, retryable: false, outcome: 'upstream_error' },
  /** Somebody else has rented it. */
  offer_gone: { status: 409, retryable: true, outcome: 'upstream_error' },
  config_invalid: { status: 500, retryable: false, outcome: 'client_error' },
} as const satisfies Record<string, { status: number; retryable: boolean; outcome: RequestOutcome }>;

export type ErrorCode = keyof typeof errorTable;

export type RequestOutcome =
  | 'ok'
  | 'client_error'
  | 'upstream_error'
  | 'timeout'
  | 'overloaded'
  | 'budget_blocked'
  | 'cancelled';

export interface AppErrorOptions {
  readonly cause?: unknown;
  /** Only where the table's status is too coarse (`upstream_rejected`). */
  readonly status?: number;
  /** Sent as `Retry-After`. */
  readonly retryAfterMs?: number;
  /** Request field at fault, for dialects that name it. */
  readonly param?: string;
}

/** An expected, typed failure. Its message says what failed, with which value, and what to do. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly param: string | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? errorTable[code].status;
    this.retryAfterMs = options.retryAfterMs;
    this.param = options.param;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }

  get outcome(): RequestOutcome {
    return errorTable[this.code].outcome;
  }
}

/** Anything thrown, as an AppError; what is not one is a bug of ours and says `internal`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('internal', 'internal error; the log of the gateway has the details', { cause: error });
}
