import type { AnswerFlow, DispatchSink } from '../core/chat.ts';
import type { ExactKey } from '../core/ids.ts';

/**
 * Port: one upstream call for the same question in every gateway. Drivers in `shared-flight/`.
 * It only ever saves calls: where the gateways cannot agree, each asks for itself.
 */
export interface SharedFlight {
  /**
   * Asks if nobody does, else follows the answer of the gateway that does. When that one goes away, another asks
   * anew; what a reader has been sent is skipped then if it is the same, and ends with an error if it is not.
   */
  run(key: ExactKey, want: FlightWant, sink: DispatchSink, ask: (sink: DispatchSink) => AnswerFlow): AnswerFlow;
  /** Flights this gateway leads for others too, and those it follows. */
  stats(): { readonly leading: number; readonly following: number };
  close(): void;
}

export interface FlightWant {
  /** Of the request: an answer cut at another limit is not taken. */
  readonly outputLimit: number | undefined;
  /** How long the request has waited for the store; the flight may wait for what is left of its deadline. */
  readonly waitedMs: number;
}
