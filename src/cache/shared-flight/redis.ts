import type { AnswerFlow, AnswerOrigin, ChatEvent, DispatchSink } from '../../core/chat.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import { AppError, errorTable, type ErrorCode } from '../../core/errors.ts';
import type { ExactKey } from '../../core/ids.ts';
import { LateFlow } from '../../core/late-flow.ts';
import type { Random } from '../../core/random.ts';
import { replyList, replyText, type RedisConnection, type StreamRow } from '../../redis/redis-connection.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { FlightWant, SharedFlight } from '../shared-flight.ts';
import { Poller, type Followed } from './poller.ts';
import { RecordWriter, recordTtlMs } from './record-writer.ts';
import { ResumingSink, SentSoFar } from './resuming-sink.ts';
import { claimScript, holdScript } from './scripts.ts';

export interface RedisFlightDeps {
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** Rises with every invalidation: what was begun before one is not followed after it. */
  readonly generation: () => number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The longest wait for Redis before a thinker is asked, the lookup that came before it included. */
  readonly waitMaxMs: number;
  /** A leader that says nothing for this long is gone. */
  readonly leaseMs?: number;
}

const leaseMsDefault = 5_000;
/** What is left for each of its own waits, however long the lookup was. */
const waitMsMin = 25;
/** Renewals that may fail before the lease ends. */
const renewalsPerLease = 3;
/** In place of a time to hold a lock: give it up, and what was recorded. */
const forgetMs = -1;
/** A finished answer is followed for this long: by then it is in the cache for whoever comes later. */
const lingerMs = 2_000;
/** Redis silent: one whose reader has begun would have to begin again, and waits longer than one that has nothing yet. */
const patienceMs = { before: 3_000, after: 5_000 };
/** Changes of leader for one request; then it asks alone. */
const leadersMax = 5;

/** Lock and record of each flight in Redis, in the slot of its entry. */
export function createRedisFlight(deps: RedisFlightDeps): SharedFlight {
  const poller = new Poller(deps.redis, deps.clock, deps.waitMaxMs);
  let leading = 0;
  return {
    run(key, want, sink, ask) {
      const run = new Run({ ...deps, poller, led: (change) => void (leading += change) }, key, want, sink, ask);
      run.begin();
      return run;
    },
    stats: () => ({ leading, following: poller.size }),
    close: () => poller.close(),
  };
}

interface RunDeps extends RedisFlightDeps {
  readonly poller: Poller;
  readonly led: (change: 1 | -1) => void;
}

/** One request of this gateway, from claiming the flight to its end. */
class Run implements AnswerFlow {
  readonly #deps: RunDeps;
  readonly #names: { readonly lock: string; readonly counter: string; readonly record: (id: string) => string };
  readonly #limit: string;
  readonly #sink: DispatchSink;
  readonly #ask: (sink: DispatchSink) => AnswerFlow;
  readonly #sent = new SentSoFar();
  readonly #hand = new LateFlow();
  #following: Followed | undefined;
  #renewal: Timer | undefined;
  #release: ((lingering: number) => void) | undefined;
  #leave: (() => void) | undefined;
  #leaders = 0;
  /** Until then Redis is waited for in place of a thinker. */
  readonly #waitsUntilMs: number;
  /** A leader whose record is gone: it still holds the lock, and cannot be followed. */
  #unreadable: string | undefined;
  #over = false;

  constructor(
    deps: RunDeps,
    key: ExactKey,
    { outputLimit, waitedMs }: FlightWant,
    sink: DispatchSink,
    ask: (sink: DispatchSink) => AnswerFlow,
  ) {
    this.#deps = deps;
    const start = `${deps.prefix}:{${key}}:f${deps.generation()}`;
    this.#names = { lock: start, counter: `${start}n`, record: (id) => `${start}s:${id}` };
    this.#limit = outputLimit === undefined ? '' : String(outputLimit);
    this.#sink = sink;
    this.#ask = ask;
    this.#waitsUntilMs = deps.clock.monotonicMs() + deps.waitMaxMs - waitedMs;
  }

  begin(): void {
    this.#claim().catch((error: unknown) => {
      this.#deps.logger.debug({ err: error }, 'a flight is not shared: Redis cannot be asked');
      this.#askAlone();
    });
  }

  pause(): void {
    this.#hand.pause();
  }

  resume(): void {
    this.#hand.resume();
  }

  cancel(): void {
    if (this.#over) return;
    this.#finish();
    this.#hand.cancel();
    // Whoever follows asks for itself.
    this.#leave?.();
    this.#release?.(0);
  }

  async #claim(): Promise<void> {
    const { redis, random, leaseMs = leaseMsDefault } = this.#deps;
    this.#leaders += 1;
    if (this.#leaders > leadersMax) return this.#askAlone();
    const id = random.id(12);
    const { lock, counter, record } = this.#names;
    const reply = replyList(
      await redis.call(['EVAL', claimScript, 3, lock, counter, record(id), leaseMs, this.#limit, id, recordTtlMs], {
        as: 'write',
        // We have given up waiting and asked alone meanwhile: nobody must wait for us.
        late: (won) => void (replyList(won)[0] === 1 && this.#giveUp(replyText(replyList(won)[1]) ?? '', id)),
        deadlineMs: this.#waitMs(),
      }),
    );
    const told = replyText(reply[1]) ?? '';
    if (this.#over) {
      if (reply[0] === 1) this.#giveUp(told, id);
      return;
    }
    if (reply[0] === 1) return this.#lead(told, id);
    const holder = holderOf(told);
    if (holder.token === this.#unreadable) this.#askAlone();
    else this.#follow(holder);
  }

  #lead(token: string, id: string): void {
    const { redis, clock, led, leaseMs = leaseMsDefault } = this.#deps;
    led(1);
    this.#renewal = clock.every(leaseMs / renewalsPerLease, () => {
      void this.#hold(token, id, leaseMs).then((held) => held === 'unreadable' && this.#release?.(forgetMs));
    });
    this.#release = (lingering) => {
      this.#release = undefined;
      this.#renewal?.clear();
      led(-1);
      void this.#hold(token, id, lingering);
    };
    const writer = new RecordWriter({
      redis,
      clock,
      stream: this.#names.record(id),
      sink: this.#resuming(),
      settled: (how) => {
        this.#finish();
        // A failure is nothing to share with those who come after it.
        this.#release?.(how === 'ended' ? lingerMs : 0);
      },
      lost: () => this.#release?.(forgetMs),
    });
    this.#leave = () => writer.leave();
    this.#hand.attach(this.#ask(writer));
  }

  #waitMs(): number {
    const { clock, waitMaxMs } = this.#deps;
    // Taking over from a gateway that is gone comes long after, and is no fault of Redis.
    return this.#leaders > 1 ? waitMaxMs : Math.max(waitMsMin, this.#waitsUntilMs - clock.monotonicMs());
  }

  #giveUp(token: string, id: string): void {
    void this.#hold(token, id, forgetMs);
  }

  /** Never rejects. */
  async #hold(token: string, id: string, ms: number): Promise<'held' | 'unreadable' | 'unknown'> {
    const { redis, logger } = this.#deps;
    const { lock, record } = this.#names;
    try {
      const reply = await redis.call(['EVAL', holdScript, 2, lock, record(id), token, Math.round(ms), recordTtlMs], {
        as: 'write',
        givesRoom: true,
      });
      return reply === -1 ? 'unreadable' : 'held';
    } catch (error) {
      // Lost it: others ask too, which costs a call. It ends by itself if Redis is away.
      logger.debug({ err: error }, 'the lock of a flight was not renewed');
      return 'unknown';
    }
  }

  #follow({ token, limit, record }: Holder): void {
    const { poller, clock } = this.#deps;
    const sink = this.#resuming();
    /** Of another limit: whether its answer is ours shows at its end. */
    const held: { origin: AnswerOrigin | undefined; events: ChatEvent[] } | undefined =
      limit === this.#limit ? undefined : { origin: undefined, events: [] };
    let heard = false;
    const followedAtMs = clock.monotonicMs();
    const signOfLifeByMs = followedAtMs + this.#waitMs();
    const leave = (): void => {
      poller.remove(followed);
      if (this.#following === followed) this.#following = undefined;
    };
    const takeOver = (): void => {
      leave();
      if (!this.#over) this.begin();
    };
    const followed: Followed = {
      stream: this.#names.record(record),
      lock: this.#names.lock,
      rows: (rows) => {
        for (const row of rows) {
          for (const [name, value] of fieldsOf(row)) {
            if (this.#over || this.#following !== followed) return;
            // Of the claim, whoever made it may have given up.
            if (name === 'c') continue;
            heard = true;
            if (name === 'b') continue;
            if (name === 'g') return takeOver();
            if (name === 'x') {
              const error = errorOf(value);
              // Its thinkers are full or away: ours may not be.
              if (error.retryable && !this.#sent.started) return takeOver();
              leave();
              this.#finish();
              return sink.fail(error);
            }
            if (name === 'o') {
              const origin: AnswerOrigin = { ...(JSON.parse(value) as AnswerOrigin), source: 'coalesced' };
              if (held) held.origin = origin;
              else sink.origin(origin);
              continue;
            }
            for (const event of JSON.parse(value) as ChatEvent[]) {
              if (event.type === 'end') {
                leave();
                if (held && !this.#takes(event)) return this.#askAlone();
                this.#finish();
              }
              if (!held) sink.event(event);
              else {
                held.events.push(event);
                if (event.type !== 'end') continue;
                if (held.origin) sink.origin(held.origin);
                for (const each of held.events) sink.event(each);
              }
            }
          }
        }
      },
      gone: () => {
        this.#unreadable = token;
        takeOver();
      },
      lockSeen: (now) => {
        // Its successor has another record; and with no lock and no end, its leader is gone.
        if (now === undefined || holderOf(now).token !== token) return takeOver();
      },
      quiet: () => {
        // A leader says at once that it is there; a lock without that was claimed by one that got no reply.
        if (heard || clock.monotonicMs() < signOfLifeByMs) return;
        leave();
        this.#askAlone();
      },
      unheard: (ms) => {
        const lost = this.#deps.redis.health().state.kind !== 'ready';
        // With nothing to show yet it at most doubles its wait, in case Redis comes back before.
        const waitedMs = clock.monotonicMs() - followedAtMs - ms;
        const before = Math.min(patienceMs.before, Math.max(this.#deps.waitMaxMs, waitedMs));
        if (ms < (this.#sent.started ? patienceMs.after : lost ? 0 : before)) return;
        leave();
        this.#askAlone();
      },
    };
    this.#following = followed;
    poller.add(followed);
  }

  /** A whole answer within our own limit is ours, whatever limit it was made under. */
  #takes({ finishReason, usage }: Extract<ChatEvent, { type: 'end' }>): boolean {
    if (finishReason === 'length') return false;
    return this.#limit === '' || usage.completionTokens <= Number(this.#limit);
  }

  #askAlone(): void {
    if (this.#over) return;
    const resuming = this.#resuming();
    const settled = () => this.#finish();
    this.#hand.attach(
      this.#ask({
        origin: (origin) => resuming.origin(origin),
        event: (event) => {
          if (event.type === 'end') settled();
          resuming.event(event);
        },
        fail: (error) => {
          settled();
          resuming.fail(error);
        },
      }),
    );
  }

  #resuming(): ResumingSink {
    return new ResumingSink(this.#sink, this.#sent, () => this.cancel());
  }

  #finish(): void {
    this.#over = true;
    if (this.#following) this.#deps.poller.remove(this.#following);
    this.#following = undefined;
  }
}

interface Holder {
  readonly token: string;
  readonly limit: string;
  readonly record: string;
}

function holderOf(lock: string): Holder {
  const [token = '', limit = '', record = ''] = lock.split('|');
  return { token, limit, record };
}

function* fieldsOf({ fields }: StreamRow): Generator<readonly [name: string, value: string]> {
  for (let at = 0; at + 1 < fields.length; at += 2) {
    yield [replyText(fields[at]) ?? '', replyText(fields[at + 1]) ?? ''];
  }
}

function errorOf(json: string): AppError {
  const { code, message } = JSON.parse(json) as { code: string; message: string };
  return new AppError(code in errorTable ? (code as ErrorCode) : 'upstream_failed', message);
}
