/** Errors in Anthropic's shape, before a stream (with a status) and inside one. */
import type { AppError } from '../../../core/errors.ts';
import type { RequestId } from '../../../core/ids.ts';
import type { EncodedError, ErrorEncoder } from '../dialect.ts';

type AnthropicErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'billing_error'
  | 'permission_error'
  | 'not_found_error'
  | 'request_too_large'
  | 'rate_limit_error'
  | 'timeout_error'
  | 'overloaded_error'
  | 'api_error';

export const encodeAnthropicError: ErrorEncoder = (error: AppError, requestId: RequestId): EncodedError => ({
  status: error.status,
  body: anthropicErrorJson(error, requestId),
});

/** The body of an error reply, and the data of an `error` event. */
export function anthropicErrorJson(error: AppError, requestId: RequestId): string {
  return JSON.stringify({
    type: 'error',
    error: { type: anthropicErrorType(error.status), message: error.message },
    request_id: requestId,
  });
}

function anthropicErrorType(status: number): AnthropicErrorType {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 402:
      return 'billing_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 408:
    case 504:
      return 'timeout_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 503:
    case 529:
      return 'overloaded_error';
    default:
      return status >= 400 && status < 499 ? 'invalid_request_error' : 'api_error';
  }
}
