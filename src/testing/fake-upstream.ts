import type { SingleFlight } from '../cache/cache-types.ts';
import type { Answer } from '../core/answer.ts';
import type { AnswerFlow, AnswerOrigin, ChatEvent, DispatchSink, EndEvent } from '../core/chat.ts';
import { exactKey, thinkerId } from '../core/ids.ts';
import { epochMs } from '../core/units.ts';
import { RecordingSink } from './recording-sink.ts';

export const flightKey = exactKey('k');
export const start: ChatEvent = { type: 'start', model: 'm', createdAt: epochMs(1) };
export const delta = (text: string): ChatEvent => ({ type: 'text-delta', text });
export const end = (finishReason: EndEvent['finishReason'] = 'stop', completionTokens = 3): EndEvent => ({
  type: 'end',
  finishReason,
  usage: { promptTokens: 7, completionTokens },
  timings: { totalNs: 1, loadNs: 0, promptEvalNs: 0, evalNs: 1 },
});
export const fromThinker: AnswerOrigin = {
  source: 'thinker',
  thinker: { id: thinkerId('t'), name: 'T', kind: 'static', digest: 'd', queuedMs: 0, cold: false },
};

/** The producing side of one flight, in the hands of a test. */
export class FakeUpstream implements AnswerFlow {
  paused = false;
  cancelled = 0;
  starts = 0;
  sink!: DispatchSink;
  readonly landed: Answer[] = [];
  readonly start = (sink: DispatchSink): AnswerFlow => {
    this.starts += 1;
    this.sink = sink;
    return this;
  };
  readonly land = (answer: Answer): void => void this.landed.push(answer);
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  cancel(): void {
    this.cancelled += 1;
  }
  push(...events: ChatEvent[]): void {
    for (const event of events) this.sink.event(event);
  }
}

/** A flight with its leader; `join` adds readers. */
export function openFlight(singleFlight: SingleFlight, outputLimit?: number) {
  const upstream = new FakeUpstream();
  const leader = new RecordingSink();
  const flow = singleFlight.open(flightKey, leader, { outputLimit }, upstream.start, upstream.land);
  const join = (limit?: number, sink = new RecordingSink()) => {
    let declined = 0;
    const joined = singleFlight.join(flightKey, sink, { outputLimit: limit, declined: () => (declined += 1) });
    return { sink, flow: joined, declined: () => declined };
  };
  return { singleFlight, upstream, leader, flow, join };
}
