/** One of several processes leads: it alone rents machines, and it alone writes down what was learned. */

export interface Leadership {
  /** Grows with every change of leader: what is written with a smaller one comes from a leader of the past. */
  readonly token: number;
}

export interface LeaseStatus {
  /** `unknown`: the server cannot be asked, so nobody here leads. */
  readonly role: 'leader' | 'follower' | 'unknown';
  /** Who leads, as it calls itself; undefined when unknown. */
  readonly leader: string | undefined;
  readonly token: number | undefined;
}

/** Port: who leads now. Drivers in `lease/`. */
export interface Lease {
  readonly name: string;
  /** undefined while another leads, or nobody knows who. It ends here before it ends on the server. */
  readonly held: Leadership | undefined;
  /**
   * Asks the server whether it is still held, before something that cannot be taken back.
   * @returns undefined when it is not, or when that cannot be found out
   */
  confirm(): Promise<Leadership | undefined>;
  /** Told when it is won or lost. @returns stops it */
  onChange(listener: (held: Leadership | undefined) => void): () => void;
  status(): LeaseStatus;
  /** Gives it up, so that another can take over at once. */
  close(): Promise<void>;
}
