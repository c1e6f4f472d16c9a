/** Puts the fallback together: an API that answers for money, under a cap of its own. */
import type { Config } from '../config/schema.ts';
import type { AnswerRequest, Usage } from '../core/chat.ts';
import { modelName, thinkerId } from '../core/ids.ts';
import { usdMicros } from '../core/units.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { createTokenPurse } from '../ledger/token-purse.ts';
import { withFallback } from '../router/fallback.ts';
import type { Router } from '../router/router-types.ts';
import type { Standby } from '../router/standby.ts';
import type { WorkMeter } from '../router/work-meter.ts';
import { fitsChatApi, messagesOf } from '../thinkers/openai/encode.ts';
import type { ThinkerPool } from '../thinkers/thinker.ts';
import { createOpenAiThinker } from '../thinkers/thinker/openai.ts';
import type { ComposeDeps } from './thinkers.ts';

export interface FallbackParts {
  readonly router: Router;
  readonly pool: Pick<ThinkerPool, 'views'>;
  readonly ledger: Ledger;
  readonly standby: Standby | undefined;
  readonly work: WorkMeter | undefined;
  /** The operator has stopped the fleet. */
  readonly stopped: () => boolean;
}

/** @returns undefined where none is configured */
export function createFallback(
  config: Config,
  { clock, logger }: ComposeDeps,
  { router, pool, ledger, standby, work, stopped }: FallbackParts,
): { readonly router: Router; close(): Promise<void> } | undefined {
  const { fallback, fleet, timeouts } = config;
  if (fallback === undefined) return undefined;
  const thinker = createOpenAiThinker({
    id: thinkerId('fallback'),
    name: 'fallback',
    url: fallback.url,
    key: config.fallbackKey,
    model: fallback.model,
    maxConcurrency: fallback.inFlightMax,
    outputTokensMax: fallback.outputTokensMax,
    clock,
  });
  const purse = createTokenPurse({
    ledger,
    clock,
    price: fallback,
    perDay: usdMicros(fallback.perDayUsd * 1e6),
    utcOffsetMinutes: fleet.utcOffsetMinutes,
    subject: fallback.model,
  });
  const named = fallback.models && new Set(fallback.models.map(modelName));
  const fleetModel = fleet.provider === 'off' || fleet.model === undefined ? undefined : modelName(fleet.model);
  const standsInFor = (model: AnswerRequest['model']): boolean =>
    named?.has(model) ?? (model === fleetModel || pool.views().some((view) => view.models.has(model)));
  const bought = withFallback(router, {
    thinker,
    pool,
    standby,
    work,
    clock,
    logger,
    timeouts: { firstTokenMs: timeouts.firstTokenWarmMs, stallMs: timeouts.stallMs, totalMs: timeouts.totalMs },
    when: fallback.when,
    afterMs: fallback.afterMs,
    inFlightMax: fallback.inFlightMax,
    fits: (request) => standsInFor(request.model) && fitsChatApi(request),
    stopped,
    setAside: (request) => purse.reserve(mostOf(request, fallback.outputTokensMax)),
  });
  return {
    router: bought.router,
    close() {
      bought.close();
      return thinker.close();
    },
  };
}

/** What surrounds a message. */
const messageTokensMax = 16;
/** The largest image that public APIs count. */
const imageTokensMax = 8_192;

/** No token is shorter than a byte, so this is never less than what is billed. */
function mostOf(request: AnswerRequest, outputTokensMax: number): Usage {
  const tools = request.kind === 'chat' && request.tools !== undefined ? JSON.stringify(request.tools) : '';
  const format = typeof request.format === 'object' ? JSON.stringify(request.format) : '';
  let promptTokens = messageTokensMax + Buffer.byteLength(tools) + Buffer.byteLength(format);
  for (const { content, toolCalls, images } of messagesOf(request)) {
    promptTokens += messageTokensMax + Buffer.byteLength(content) + (images?.length ?? 0) * imageTokensMax;
    for (const call of toolCalls ?? [])
      promptTokens += messageTokensMax + Buffer.byteLength(call.name + call.argumentsJson);
  }
  return { promptTokens, completionTokens: request.outputLimit ?? outputTokensMax };
}
