import type { AppError } from '../../../core/errors.ts';
import type { ErrorEncoder } from '../dialect.ts';

/** `{"error":"…"}`: the whole of Ollama's error format, alone or as the last line of a stream. */
export function ollamaErrorBody(error: AppError): string {
  return JSON.stringify({ error: error.message });
}

export const encodeOllamaError: ErrorEncoder = (error) => ({ status: error.status, body: ollamaErrorBody(error) });
