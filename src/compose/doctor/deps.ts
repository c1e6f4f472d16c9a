import type { GatewayLook } from './look-at-gateway.ts';
import type { ComposeDeps } from '../thinkers.ts';

/** What it says of itself in its data folder. */
export interface RunningFacts {
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  readonly version: string;
}

export interface DoctorDeps extends Pick<ComposeDeps, 'clock' | 'random' | 'logger'> {
  readonly version: string;
  /** The gateway that runs on this data folder. */
  readonly running: () => RunningFacts | undefined;
  /** What need not be asked over HTTP, where the doctor is the gateway itself. */
  readonly own?: Partial<GatewayLook>;
  /** To ask it a question, where it wants a key. */
  readonly apiKey: string | undefined;
  /** To look at its operator port. */
  readonly adminKey: string | undefined;
}
