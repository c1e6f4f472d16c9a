import type { AppError } from '../../../core/errors.ts';
import type { ErrorEncoder } from '../dialect.ts';

/** `{"error":{message,type,param,code}}`: the body of an error reply, and of an error inside a stream. */
export function openAiErrorBody(error: AppError): string {
  return JSON.stringify({
    error: { message: error.message, type: typeOf(error), param: error.param ?? null, code: error.code },
  });
}

export const encodeOpenAiError: ErrorEncoder = (error) => ({ status: error.status, body: openAiErrorBody(error) });

/** By status, as the SDKs choose their error class: what a code means there is in `core/errors.ts`. */
function typeOf(error: AppError): string {
  switch (error.status) {
    case 401:
      return 'authentication_error';
    case 402:
      return 'insufficient_quota';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 429:
      return 'rate_limit_error';
    case 499:
      return 'api_error';
    default:
      return error.status < 500 ? 'invalid_request_error' : 'api_error';
  }
}
