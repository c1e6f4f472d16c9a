/** What can be made to go wrong while the world runs. Times are milliseconds of the world. */
import type { Flaw } from './machine.ts';

export type WorldFault =
  /** Lists of instances say that there are none, with success and a count of zero. */
  | { readonly kind: 'list-empty'; readonly forMs: number }
  /** Lists lack `success` and `total_instances`. */
  | { readonly kind: 'list-doubtful'; readonly forMs: number }
  /** A list gives fewer instances than it counts. */
  | { readonly kind: 'list-short'; readonly forMs: number }
  /** Every call is answered 502 with a web page. */
  | { readonly kind: 'api-down'; readonly forMs: number }
  /** Every call is answered 429 in plain text. */
  | { readonly kind: 'rate-limit-storm'; readonly forMs: number }
  | { readonly kind: 'price-jump'; readonly factor: number; readonly forMs: number }
  /** The next creates rent, and never answer. */
  | { readonly kind: 'create-unanswered'; readonly times: number }
  /** The next creates find their offer taken. */
  | { readonly kind: 'create-gone'; readonly times: number }
  /** The next destroys say success and do nothing. */
  | { readonly kind: 'destroy-ignored'; readonly times: number }
  /** The next stops, or starts of what is stopped, say success and do nothing. */
  | { readonly kind: 'stop-ignored' | 'start-ignored'; readonly times: number }
  /** The next starts of what is stopped find its GPU in other hands. */
  | { readonly kind: 'gpu-taken'; readonly times: number }
  /** The next rentals land on a machine with this flaw, whatever the machine. */
  | { readonly kind: 'next-flaw'; readonly flaw: Flaw; readonly times: number }
  | { readonly kind: 'lose'; readonly instanceId: number }
  /** Each running instance with this chance. */
  | { readonly kind: 'lose-share'; readonly share: number }
  | { readonly kind: 'outbid'; readonly instanceId: number }
  | { readonly kind: 'move'; readonly instanceId: number }
  | { readonly kind: 'balance'; readonly usd: number }
  /** Ends all that lasts or waits. */
  | { readonly kind: 'clear' };

type Lasting = 'list-empty' | 'list-doubtful' | 'list-short' | 'api-down' | 'rate-limit-storm';
type Counted = 'create-unanswered' | 'create-gone' | 'destroy-ignored' | 'stop-ignored' | 'start-ignored' | 'gpu-taken';

export class Faults {
  readonly #until = new Map<Lasting, number>();
  readonly #left = new Map<Counted, number>();
  #flaws: Flaw[] = [];

  last(kind: Lasting, untilAt: number): void {
    this.#until.set(kind, untilAt);
  }

  holds(kind: Lasting, now: number): boolean {
    return now < (this.#until.get(kind) ?? 0);
  }

  count(kind: Counted, times: number): void {
    this.#left.set(kind, (this.#left.get(kind) ?? 0) + times);
  }

  /** One of those that wait, if any does. */
  takes(kind: Counted): boolean {
    const left = this.#left.get(kind) ?? 0;
    if (left > 0) this.#left.set(kind, left - 1);
    return left > 0;
  }

  addFlaw(flaw: Flaw, times: number): void {
    for (let i = 0; i < times; i++) this.#flaws.push(flaw);
  }

  takeFlaw(): Flaw | undefined {
    return this.#flaws.shift();
  }

  clear(): void {
    this.#until.clear();
    this.#left.clear();
    this.#flaws = [];
  }
}
