/** The table of routes: what each path is, and in which dialect its errors are told. */
import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorCode } from '../core/errors.ts';
import { anthropicMessagesCodec } from './dialects/anthropic/messages-codec.ts';
import { encodeAnthropicError } from './dialects/anthropic/errors.ts';
import type { AnswerCodec, DialectName, EmbedCodec, ErrorEncoder } from './dialects/dialect.ts';
import {
  ollamaChatCodec,
  ollamaEmbedCodec,
  ollamaEmbeddingsCodec,
  ollamaGenerateCodec,
} from './dialects/ollama/codecs.ts';
import { encodeOllamaError } from './dialects/ollama/errors.ts';
import { openaiResponsesCodec } from './dialects/openai-responses/responses-codec.ts';
import { openaiChatCodec, openaiCompletionsCodec, openaiEmbeddingsCodec } from './dialects/openai/codecs.ts';
import { encodeOpenAiError } from './dialects/openai/errors.ts';

/** Values of the metric label `route`. */
export type RouteLabel = 'chat' | 'generate' | 'completions' | 'responses' | 'messages' | 'embeddings' | 'other';

export type ModelsAction = 'root' | 'version' | 'status' | 'tags' | 'ps' | 'show' | 'list' | 'one';

interface RouteBase {
  readonly path: string;
  readonly label: RouteLabel;
  readonly dialect: DialectName;
  readonly encodeError: ErrorEncoder;
  readonly methods: readonly string[];
}

export type Route = RouteBase &
  (
    | { readonly kind: 'answer'; readonly codec: AnswerCodec }
    | { readonly kind: 'embed'; readonly codec: EmbedCodec }
    | { readonly kind: 'models'; readonly action: ModelsAction; readonly model?: string }
    | { readonly kind: 'count-tokens' }
    | { readonly kind: 'feedback' }
    | { readonly kind: 'operator-only' }
    | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
    | { readonly kind: 'unknown' }
  );

const errorEncoders = {
  ollama: encodeOllamaError,
  openai: encodeOpenAiError,
  anthropic: encodeAnthropicError,
} as const;
const read = ['GET', 'HEAD'];
const post = ['POST'];

const table = new Map<string, Route>();

const answerRoutes: readonly (readonly [string, RouteLabel, AnswerCodec])[] = [
  ['/api/chat', 'chat', ollamaChatCodec],
  ['/api/generate', 'generate', ollamaGenerateCodec],
  ['/v1/chat/completions', 'chat', openaiChatCodec],
  ['/v1/completions', 'completions', openaiCompletionsCodec],
  ['/v1/responses', 'responses', openaiResponsesCodec],
  ['/v1/messages', 'messages', anthropicMessagesCodec],
];
for (const [path, label, codec] of answerRoutes) {
  table.set(path, { kind: 'answer', codec, ...base(path, label, codec.dialect, post) });
}

const embedRoutes: readonly (readonly [string, EmbedCodec])[] = [
  ['/api/embed', ollamaEmbedCodec],
  ['/api/embeddings', ollamaEmbeddingsCodec],
  ['/v1/embeddings', openaiEmbeddingsCodec],
];
for (const [path, codec] of embedRoutes) {
  table.set(path, { kind: 'embed', codec, ...base(path, 'embeddings', codec.dialect, post) });
}

const modelRoutes: readonly (readonly [string, ModelsAction, DialectName, readonly string[]])[] = [
  ['/', 'root', 'ollama', read],
  ['/api/version', 'version', 'ollama', read],
  ['/api/status', 'status', 'ollama', read],
  ['/api/tags', 'tags', 'ollama', read],
  ['/api/ps', 'ps', 'ollama', read],
  ['/api/show', 'show', 'ollama', post],
  ['/v1/models', 'list', 'openai', read],
];
for (const [path, action, dialect, methods] of modelRoutes) {
  table.set(path, { kind: 'models', action, ...base(path, 'other', dialect, methods) });
}

table.set('/v1/messages/count_tokens', {
  kind: 'count-tokens',
  ...base('/v1/messages/count_tokens', 'other', 'anthropic', post),
});

table.set('/cache/feedback', { kind: 'feedback', ...base('/cache/feedback', 'other', 'openai', post) });

const operatorRoutes: readonly (readonly [string, readonly string[]])[] = [
  ['/api/pull', post],
  ['/api/push', post],
  ['/api/create', post],
  ['/api/copy', post],
  ['/api/delete', ['DELETE']],
];
for (const [path, methods] of operatorRoutes)
  table.set(path, { kind: 'operator-only', ...base(path, 'other', 'ollama', methods) });

const refusedRoutes: readonly (readonly [string, DialectName, string])[] = [
  ['/api/me', 'ollama', "accounts of Ollama's cloud are not offered through this gateway"],
  ['/api/signout', 'ollama', "accounts of Ollama's cloud are not offered through this gateway"],
  ['/v1/audio/transcriptions', 'openai', 'audio is not offered: the thinkers answer text'],
  ['/v1/images/generations', 'openai', 'image generation is not offered: the thinkers answer text'],
];
for (const [path, dialect, message] of refusedRoutes) {
  table.set(path, { kind: 'refused', code: 'not_implemented', message, ...base(path, 'other', dialect, post) });
}

/** Every route that is served or refused on purpose; `:name` is one segment or more. */
export const gatewayRoutes: readonly Route[] = [
  ...table.values(),
  oneModelRoute('/v1/models/:model', ':model'),
  blobRoute('/api/blobs/:digest'),
];

/** @param url path and query as received */
export function findRoute(url: string, headers: IncomingHttpHeaders): Route {
  const query = url.indexOf('?');
  const raw = query === -1 ? url : url.slice(0, query);
  const found = table.get(raw);
  if (found !== undefined) return found.path === '/v1/models' && speaksAnthropic(headers) ? inAnthropic(found) : found;
  return lookFurther(raw, headers);
}

/** Off the hot path: doubled or trailing slashes, and paths that carry a name. */
function lookFurther(raw: string, headers: IncomingHttpHeaders): Route {
  // A proxy may send the whole address in the request line.
  const path = raw
    .replace(/^https?:\/\/[^/]*/i, '')
    .replace(/\/{2,}/g, '/')
    .replace(/(?<=.)\/$/, '');
  const found = table.get(path);
  if (found !== undefined) return found.path === '/v1/models' && speaksAnthropic(headers) ? inAnthropic(found) : found;
  if (path.startsWith('/v1/models/')) {
    const model = decodeName(path.slice('/v1/models/'.length));
    const route = oneModelRoute(path, model);
    return speaksAnthropic(headers) ? inAnthropic(route) : route;
  }
  if (path.startsWith('/api/blobs/')) return blobRoute(path);
  const dialect =
    path.startsWith('/v1/messages') || speaksAnthropic(headers)
      ? 'anthropic'
      : path.startsWith('/v1')
        ? 'openai'
        : 'ollama';
  return { kind: 'unknown', ...base(path, 'other', dialect, ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) };
}

function oneModelRoute(path: string, model: string): Route {
  return { kind: 'models', action: 'one', model, ...base(path, 'other', 'openai', read) };
}

function blobRoute(path: string): Route {
  return { kind: 'operator-only', ...base(path, 'other', 'ollama', ['HEAD', 'POST']) };
}

const speaksAnthropic = (headers: IncomingHttpHeaders): boolean => headers['anthropic-version'] !== undefined;

function inAnthropic(route: Route): Route {
  return { ...route, dialect: 'anthropic', encodeError: errorEncoders.anthropic };
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % is part of a name that no model has
  }
}

function base(path: string, label: RouteLabel, dialect: DialectName, methods: readonly string[]): RouteBase {
  return { path, label, dialect, encodeError: errorEncoders[dialect], methods };
}
