/** The keys that wall requests off from each other: the exact key, the semantic scope and its form in the index. */
import { createHmac, hash } from 'node:crypto';
import type { AnswerRequest } from '../core/chat.ts';
import { exactKey, scope, type ExactKey, type ModelName, type Scope, type TenantId } from '../core/ids.ts';
import { canonicalRequest } from './canonical.ts';
import type { RowOwner } from './vector-index.ts';

/** Who and what an answer belongs to, apart from the request's own words. */
export interface KeyOwner {
  /** Raising it makes everything stored before unreachable, in O(1). */
  readonly epoch: number;
  readonly tenant: TenantId;
  /** Of the model that would answer; '' when unknown, then the model's name stands in for it. */
  readonly digest: string;
}

/** SHA-256 (base64url) over epoch, tenant, model digest and the whole canonical request. @throws NestingError */
export function exactKeyOf(owner: KeyOwner, request: AnswerRequest): ExactKey {
  return exactKey(hash('sha256', `${ownerFields(owner, request)}${canonicalRequest(request)}`, 'base64url'));
}

/**
 * HMAC-SHA-256 (base64url) over everything of the request but the text that the semantic tier compares:
 * system prompt, earlier turns, tools, format, sampling, every other option, tenant, digest and epoch.
 * Keyed, because scopes are stored beside vectors and must not let a reader test guesses of a prompt.
 *
 * With `facts` (see `contextFacts`) they stand in for the words of the earlier turns.
 *
 * The embedder is no part of it: an entry keeps its scope when it is embedded anew. `indexScopes` adds
 * the embedder where vectors meet, so that vectors of two spaces never do. @throws NestingError
 */
export function semanticScopeOf(owner: KeyOwner, request: AnswerRequest, secret: string, facts?: string): Scope {
  const form = { withoutLastText: true, withoutHistory: facts !== undefined };
  const text = `${ownerFields(owner, request)}${canonicalRequest(request, form)}${facts === undefined ? '' : `|k:${facts}`}`;
  return scope(createHmac('sha256', secret).update(text).digest('base64url'));
}

/**
 * Scopes under which the index holds the vectors of one embedder: the stored scope with a tag of the
 * embedder behind it. Stored scopes have one length, so two of them never meet.
 */
export function indexScopes(embeddingModelId: string): (stored: Scope) => Scope {
  const tag = hash('sha256', embeddingModelId, 'base64url').slice(0, 11);
  return (stored) => scope(`${stored}${tag}`);
}

/** Of a row in a shared index: two names of one model share their answers, as they share their scope. */
export function rowOwner(of: {
  readonly tenant: TenantId;
  readonly digest: string;
  readonly model: ModelName;
}): RowOwner {
  return { tenant: of.tenant, model: of.digest === '' ? of.model : of.digest };
}

function ownerFields({ epoch, tenant, digest }: KeyOwner, request: AnswerRequest): string {
  const model = digest === '' ? `n${JSON.stringify(request.model)}` : `d${JSON.stringify(digest)}`;
  return `1|${epoch}|${JSON.stringify(tenant)}|${model}|`;
}
