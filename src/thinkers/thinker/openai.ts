import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { ThinkerId } from '../../core/ids.ts';
import { usdMicros } from '../../core/units.ts';
import { AnswerCall, type CallContext } from '../ollama/answer-call.ts';
import { DeadlineWatch } from '../ollama/deadline-watch.ts';
import { createTransport } from '../ollama/transport.ts';
import { ChunkDecoder } from '../openai/chunk-decode.ts';
import { encodeChatRequest } from '../openai/encode.ts';
import type { Thinker } from '../thinker.ts';

export interface OpenAiThinkerOptions {
  readonly id: ThinkerId;
  readonly name: string;
  /** Base URL, with its `/v1`. */
  readonly url: string;
  readonly key?: string | undefined;
  /** Asked for there. Default: as the request names it. */
  readonly model?: string;
  readonly maxConcurrency: number;
  /** Sent where the request sets no limit. */
  readonly outputTokensMax: number;
  readonly clock: Clock;
}

/** A public API that takes longer to accept is down. */
const connectTimeoutMs = 10_000;

/**
 * Driver for an API that speaks OpenAI's `/chat/completions`. It answers and nothing else: what is there beside the
 * model it was given for is not ours to list, to load or to show.
 * @throws config_invalid when `url` is not an http or https URL
 */
export function createOpenAiThinker(options: OpenAiThinkerOptions): Thinker {
  const { id, name, url, key, clock, maxConcurrency, outputTokensMax } = options;
  const transport = createTransport({
    url,
    ...(key !== undefined && { bearer: key }),
    connectTimeoutMs,
    // As many again may still be closing after a cancel.
    answerSocketsMax: 2 * maxConcurrency + 4,
  });
  const watch = new DeadlineWatch(clock);
  const context: CallContext = {
    name,
    transport,
    watch,
    clock,
    wire: {
      path: () => '/chat/completions',
      encode: (request) => encodeChatRequest(request, options.model ?? request.model, outputTokensMax),
      decoder: (decoding) => new ChunkDecoder(decoding),
    },
  };
  const refusal = (what: string) => new AppError('upstream_rejected', `${name} answers questions only; it ${what}`);

  return {
    id,
    name,
    // Neither ours to rent nor a simulation; that it is no thinker of ours is told by the source of its answers.
    kind: 'static',
    url,
    maxConcurrency,
    costPerHour: usdMicros(0),
    answer(request, sink, timeouts) {
      const call = new AnswerCall(context, request, sink, timeouts);
      call.start(request);
      return call;
    },
    embed: () => Promise.reject(refusal('makes no embeddings')),
    probe: () => Promise.reject(refusal('is not probed')),
    show: () => Promise.reject(refusal('shows no models')),
    manage: (_call, sink) => queueMicrotask(() => sink.fail(refusal('takes no orders'))),
    async close() {
      await transport.close();
      watch.close();
    },
  };
}
