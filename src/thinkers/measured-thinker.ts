/** A thinker that is watched while it works: how long it was busy, and how fast it is when it is full. */
import type { AnswerFlow, AnswerRequest, AnswerSink, ChatEvent } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import type { Thinker } from './thinker.ts';

export interface ThinkerMeasure {
  /** Time in which at least one answer was running, all in all. Milliseconds. */
  busyMs(): number;
  /** Decode tokens per second of all answers together while its slots were nearly full; undefined until seen. */
  tokensPerS(): number | undefined;
  /** The best that `tokensPerS` has been. */
  bestTokensPerS(): number | undefined;
}

/** A window is measured while at least this share of the slots is answering. */
const fullShare = 0.75;
/** Shorter windows say more of chance than of speed. */
const windowMs = 5_000;
/** Fewer tokens were a load or long prompts, not a pace. */
const windowTokensMin = 50;
/** Weight of the newest window: about the last five count. */
const speedWeight = 0.2;

/** @returns the same thinker, and what its answers have shown */
export function measureThinker(
  thinker: Thinker,
  clock: Clock,
): { readonly thinker: Thinker; readonly measure: ThinkerMeasure } {
  const fullAt = Math.max(1, Math.ceil(fullShare * thinker.maxConcurrency));
  let active = 0;
  let busyMs = 0;
  let busySinceMs = 0;
  let window: { sinceMs: number | undefined; tokens: number } | undefined;
  let speed: number | undefined;
  let best: number | undefined;

  const closeWindow = (): void => {
    if (window?.sinceMs === undefined) return void (window = undefined);
    const ms = clock.monotonicMs() - window.sinceMs;
    if (ms >= windowMs && window.tokens >= windowTokensMin) {
      const seen = (window.tokens * 1000) / ms;
      speed = speed === undefined ? seen : speed + speedWeight * (seen - speed);
      best = Math.max(best ?? 0, speed);
    }
    window = undefined;
  };
  const began = (): void => {
    if (active === 0) busySinceMs = clock.monotonicMs();
    active += 1;
    // The window opens with the first token: what comes before is prompts.
    if (active === fullAt) window = { sinceMs: undefined, tokens: 0 };
  };
  const ended = (): void => {
    if (active === fullAt) closeWindow();
    active -= 1;
    if (active === 0) busyMs += clock.monotonicMs() - busySinceMs;
  };
  const count = (event: ChatEvent): void => {
    if (!window || (event.type !== 'text-delta' && event.type !== 'thinking-delta')) return;
    window.sinceMs ??= clock.monotonicMs();
    window.tokens += event.pieces?.length ?? 1;
    // A thinker that stays full is measured window by window.
    if (clock.monotonicMs() - window.sinceMs < windowMs) return;
    closeWindow();
    window = { sinceMs: clock.monotonicMs(), tokens: 0 };
  };

  return {
    thinker: {
      id: thinker.id,
      name: thinker.name,
      kind: thinker.kind,
      url: thinker.url,
      maxConcurrency: thinker.maxConcurrency,
      costPerHour: thinker.costPerHour,
      embed: (request, timeouts, options) => thinker.embed(request, timeouts, options),
      probe: (options) => thinker.probe(options),
      show: (body, options) => thinker.show(body, options),
      manage: (call, sink, options) => thinker.manage(call, sink, options),
      close: () => thinker.close(),
      answer(request: AnswerRequest, sink: AnswerSink, timeouts): AnswerFlow {
        let open = true;
        const close = (): void => {
          if (!open) return;
          open = false;
          ended();
        };
        began();
        const flow = thinker.answer(
          request,
          {
            event(event) {
              if (event.type === 'end') close();
              else if (open) count(event);
              sink.event(event);
            },
            fail(error) {
              close();
              sink.fail(error);
            },
          },
          timeouts,
        );
        return {
          pause: () => flow.pause(),
          resume: () => flow.resume(),
          cancel() {
            close();
            flow.cancel();
          },
        };
      },
    },
    measure: {
      busyMs: () => busyMs + (active > 0 ? clock.monotonicMs() - busySinceMs : 0),
      tokensPerS: () => speed,
      bestTokensPerS: () => best,
    },
  };
}
