/** Identical requests in flight share one upstream call; each subscriber reads one shared buffer at its own pace. */
import type { Answer } from '../core/answer.ts';
import type { AnswerFlow, DispatchSink } from '../core/chat.ts';
import type { ExactKey } from '../core/ids.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { SingleFlight } from './cache-types.ts';
import { Flight } from './single-flight/flight.ts';

export interface SingleFlightOptions {
  /** Most flights that can be joined; further ones run for themselves. */
  readonly flightsMax?: number;
  /** Most subscribers of one flight: an event is sent to all of them in one turn of the event loop. */
  readonly subscribersMax?: number;
  /** Most buffered characters of one answer. A longer answer takes no more joiners and does not land. */
  readonly answerBytesMax?: number;
}

export interface SingleFlightDeps {
  readonly logger: Logger;
  readonly options?: SingleFlightOptions;
}

/** Above the connections one process serves. */
const flightsMaxDefault = 10_000;
/** At about 2 µs for each write, a token then costs 4 ms at most. */
const subscribersMaxDefault = 2_000;
/** Two million tokens: no real answer is longer. */
const answerBytesMaxDefault = 8 * 1024 * 1024;

export function createSingleFlight({ logger, options = {} }: SingleFlightDeps): SingleFlight {
  const flightsMax = options.flightsMax ?? flightsMaxDefault;
  const subscribersMax = options.subscribersMax ?? subscribersMaxDefault;
  const answerBytesMax = options.answerBytesMax ?? answerBytesMaxDefault;
  const flights = new Map<ExactKey, Flight>();
  let running = 0;
  let subscribers = 0;

  return {
    join(key, sink, want): AnswerFlow | undefined {
      const flight = flights.get(key);
      if (flight === undefined || !flight.joinable || flight.subscriberCount >= subscribersMax) return undefined;
      return flight.join(sink, want);
    },

    open(key, sink: DispatchSink, want, start, landed: (answer: Answer) => void): AnswerFlow {
      const flight: Flight = new Flight({
        outputLimit: want.outputLimit,
        answerBytesMax,
        landed,
        logger,
        onSubscribers: (change) => void (subscribers += change),
        onSettled: () => {
          running -= 1;
          // A later flight of the same key may have taken the place.
          if (flights.get(key) === flight) flights.delete(key);
          want.settled?.();
        },
      });
      running += 1;
      if (flights.has(key) || flights.size < flightsMax) flights.set(key, flight);
      return flight.launch(sink, start);
    },

    stats: () => ({ flights: running, subscribers }),
  };
}
