/** Embeddings go straight to a thinker: they cost it little, and clients expect exact vectors. */
import { AppError, toAppError } from '../core/errors.ts';
import type { JsonValue } from '../core/json.ts';
import type { Router } from '../router/router-types.ts';
import type { EmbedCodec } from './dialects/dialect.ts';
import { json, sendBody, thinkerLabel, type Exchange } from './exchange.ts';
import type { EmbedRequest } from '../core/chat.ts';

export interface ServeEmbeddingsDeps {
  readonly router: Router;
  readonly pinEmbed: (request: EmbedRequest) => EmbedRequest;
}

/** @returns the model asked for and the tokens read, for the counters. */
export async function serveEmbeddings(
  { router, pinEmbed }: ServeEmbeddingsDeps,
  exchange: Exchange,
  codec: EmbedCodec,
  body: JsonValue,
): Promise<{ readonly model: string; readonly thinker: string; readonly promptTokens: number }> {
  const decoded = codec.decode(body);
  exchange.caller.checkModel(decoded.model);
  const spent = exchange.caller.spent();
  if (spent !== undefined) throw spent;
  const gone = new AbortController();
  const onClose = () => gone.abort(new AppError('aborted', 'the client went away'));
  exchange.response.once('close', onClose);
  try {
    const answer = await router.embed(pinEmbed(decoded.request), {
      requestId: exchange.requestId,
      tenant: exchange.tenant,
      signal: gone.signal,
    });
    sendBody(exchange, 200, json, decoded.encode(answer), {
      'x-selfhost-cache': 'bypass',
      'x-selfhost-thinker': thinkerLabel(answer.thinkerName, answer.thinkerKind),
    });
    exchange.caller.used(answer.promptTokens, 0);
    return { model: decoded.model, thinker: answer.thinkerName, promptTokens: answer.promptTokens };
  } catch (error) {
    throw toAppError(error);
  } finally {
    exchange.response.removeListener('close', onClose);
  }
}
