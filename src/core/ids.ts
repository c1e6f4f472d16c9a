/** Branded strings and numbers: an id of one kind cannot be passed where another is meant. */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type RequestId = Brand<string, 'RequestId'>;
export type TenantId = Brand<string, 'TenantId'>;
export type ModelName = Brand<string, 'ModelName'>;
export type ThinkerId = Brand<string, 'ThinkerId'>;
export type EntryId = Brand<string, 'EntryId'>;
/** SHA-256 (base64url) of everything that must match for the same answer to be right, prompt included. */
export type ExactKey = Brand<string, 'ExactKey'>;
/** Hard wall of the semantic tier: entries of two scopes are never compared. */
export type Scope = Brand<string, 'Scope'>;

export const requestId = (value: string): RequestId => value as RequestId;
export const tenantId = (value: string): TenantId => value as TenantId;
export const thinkerId = (value: string): ThinkerId => value as ThinkerId;
export const entryId = (value: string): EntryId => value as EntryId;
export const exactKey = (value: string): ExactKey => value as ExactKey;
export const scope = (value: string): Scope => value as Scope;

/**
 * Ollama treats `name` and `name:latest` as one model, so we do too.
 * A registry host with a port (`host:5000/name`) keeps its colon.
 */
export function modelName(value: string): ModelName {
  const slash = value.lastIndexOf('/');
  return (value.indexOf(':', slash + 1) === -1 ? `${value}:latest` : value) as ModelName;
}

/** Who asks when no API keys are configured. */
export const localTenant = tenantId('local');
