/** Calls of the operator port. */
import { signal } from '@preact/signals';
import type { SessionView } from '../../admin/admin-types.ts';

export const session = signal<SessionView | undefined>(undefined);

export const isOperator = (): boolean => session.value?.role === 'operator';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface CallInit {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** @throws ApiError in the words of the port; status 0 when it does not answer */
export async function call<T>(path: string, { method = 'GET', body, signal }: CallInit = {}): Promise<T> {
  const { value } = await send<T>(path, {
    method,
    ...(signal && { signal }),
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return value!;
}

export interface Fresh<T> {
  /** undefined: the same as what the etag names. */
  readonly value: T | undefined;
  readonly etag: string | undefined;
  /** By the port's clock. */
  readonly at: number;
}

/** Asks with the tag of what is known already. */
export const poll = async <T>(path: string, etag: string | undefined): Promise<Fresh<T>> =>
  await send<T>(path, etag === undefined ? {} : { headers: { 'if-none-match': etag } });

async function send<T>(path: string, init: RequestInit): Promise<Fresh<T>> {
  let response: Response;
  try {
    // The tag is ours to keep: the browser's cache would answer in the server's name.
    response = await fetch(path, { ...init, cache: 'no-store' });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new ApiError(0, 'unreachable', 'the gateway does not answer');
  }
  const at = Date.parse(response.headers.get('date') ?? '') || Date.now();
  const etag = response.headers.get('etag') ?? undefined;
  if (response.status === 304) return { value: undefined, etag, at };
  const text = await response.text();
  const parsed = parse(text);
  if (response.ok) return { value: parsed as T, etag, at };
  const { error } = (parsed ?? {}) as { error?: { code?: string; message?: string } };
  // The session ended: whoever is here logs in again.
  if (response.status === 401 && path !== '/api/session' && session.value !== undefined)
    session.value = { ...session.value, keyRequired: true, role: undefined, via: undefined };
  throw new ApiError(response.status, error?.code ?? 'unknown', error?.message ?? `status ${response.status}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
