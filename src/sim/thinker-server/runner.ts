/**
 * The scheduler behind the routes: which models are resident, with which options, and who may generate.
 * After Ollama's: a bounded queue, slots per model, reload when runner options change, unload when
 * nobody has asked for `keep_alive`.
 */
import type { Clock, Timer } from '../../core/clock.ts';
import { busyMessage } from './faults.ts';
import { HttpError } from './http.ts';
import type { StoredModel } from './models.ts';

export interface RunnerOptions {
  readonly clock: Clock;
  readonly slots: number;
  readonly coldLoadMs: number;
  readonly maxQueue: number;
  readonly maxLoadedModels: number;
  readonly keepAliveMs: number;
}

export interface Need {
  readonly model: StoredModel;
  readonly numCtx: number;
  readonly runnerKey: string;
  /** undefined = the server's own. */
  readonly keepAliveMs: number | undefined;
  /** Loads again whatever is resident, for this long. */
  readonly forcedLoadMs?: number;
}

export interface RunnerLease {
  /** What this request waited for the model to load; 0 when it was resident. */
  readonly loadMs: number;
  /** Answers being generated on this model, this one included. */
  busySlots(): number;
  /** Idempotent. */
  release(): void;
}

interface Ticket {
  readonly need: Need;
  readonly ready: (lease: RunnerLease) => void;
  readonly queuedAtMs: number;
  loadMs: number;
}

interface Resident {
  readonly model: StoredModel;
  runnerKey: string;
  numCtx: number;
  loading: Timer | undefined;
  active: number;
  keepAliveMs: number;
  expiry: Timer | undefined;
  expiryDueMs: number;
  /** Wall clock; Infinity for ever. */
  expiresAtMs: number;
  lastUsedMs: number;
  unloadWhenIdle: boolean;
}

export interface RunnerStats {
  readonly loads: number;
  readonly reloads: number;
  readonly unloads: number;
  readonly refusedBusy: number;
  readonly active: number;
  readonly queued: number;
}

export interface Residency {
  readonly model: StoredModel;
  readonly numCtx: number;
  readonly expiresAt: string;
}

/** How Ollama writes "never" in `expires_at`: about the longest duration from now; a fixed year reads better. */
const farFuture = '2318-01-01T00:00:00Z';

export class Runner {
  readonly #options: RunnerOptions;
  readonly #residents = new Map<string, Resident>();
  /** First come, first served; at most `maxQueue`. */
  #queue: Ticket[] = [];
  #active = 0;
  #loads = 0;
  #reloads = 0;
  #unloads = 0;
  #refusedBusy = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /**
   * Calls `ready` once a slot of the loaded model is free, at once where it can.
   * @returns a function that leaves the queue; it does nothing after `ready`.
   * @throws HttpError 503 when the queue is full.
   */
  acquire(need: Need, ready: (lease: RunnerLease) => void): () => void {
    const ticket: Ticket = { need, ready, queuedAtMs: this.#options.clock.monotonicMs(), loadMs: 0 };
    if (this.#queue.length >= this.#options.maxQueue && !this.#couldStart(need)) {
      this.#refusedBusy++;
      throw new HttpError(503, busyMessage);
    }
    this.#queue.push(ticket);
    this.#pump();
    return () => {
      const at = this.#queue.indexOf(ticket);
      if (at !== -1) this.#queue.splice(at, 1);
    };
  }

  unload(name: string): void {
    const resident = this.#residents.get(name);
    if (!resident) return;
    if (resident.active > 0 || resident.loading) resident.unloadWhenIdle = true;
    else this.#drop(resident);
    this.#pump();
  }

  residents(): Residency[] {
    return [...this.#residents.values()]
      .filter((resident) => !resident.loading)
      .map(({ model, numCtx, expiresAtMs }) => ({
        model,
        numCtx,
        expiresAt: expiresAtMs > 9e12 ? farFuture : new Date(expiresAtMs).toISOString(),
      }));
  }

  stats(): RunnerStats {
    return {
      loads: this.#loads,
      reloads: this.#reloads,
      unloads: this.#unloads,
      refusedBusy: this.#refusedBusy,
      active: this.#active,
      queued: this.#queue.length,
    };
  }

  /** Forgets everything, timers included; leases still held release into nothing. */
  reset(): void {
    for (const resident of this.#residents.values()) {
      resident.loading?.clear();
      resident.expiry?.clear();
    }
    this.#residents.clear();
    this.#queue = [];
    this.#active = this.#loads = this.#reloads = this.#unloads = this.#refusedBusy = 0;
  }

  #couldStart(need: Need): boolean {
    const resident = this.#residents.get(need.model.name);
    if (!resident) return this.#residents.size < this.#options.maxLoadedModels;
    return !resident.loading && resident.runnerKey === need.runnerKey && resident.active < this.#options.slots;
  }

  /** Starts what can start, in order; a model that is busy does not hold up another one. */
  #pump(): void {
    const blocked = new Set<string>();
    for (let i = 0; i < this.#queue.length;) {
      const ticket = this.#queue[i]!;
      const name = ticket.need.model.name;
      if (blocked.has(name) || !this.#place(ticket)) {
        blocked.add(name);
        i++;
      } else {
        this.#queue.splice(i, 1);
        this.#start(ticket);
        // `ready` may have changed the queue: look at it from the front again.
        i = 0;
      }
    }
  }

  /** @returns whether the ticket's model is resident with the right options and has a free slot. */
  #place(ticket: Ticket): boolean {
    const { need } = ticket;
    const resident = this.#residents.get(need.model.name);
    if (!resident) {
      if (!this.#makeRoom()) return false;
      return this.#load(ticket, undefined);
    }
    if (resident.loading) return false;
    const forced = need.forcedLoadMs !== undefined && ticket.loadMs === 0;
    if (resident.runnerKey !== need.runnerKey || forced) {
      if (resident.active > 0) return false;
      return this.#load(ticket, resident);
    }
    return resident.active < this.#options.slots;
  }

  /** @returns true when loading took no time. */
  #load(ticket: Ticket, old: Resident | undefined): boolean {
    const { need } = ticket;
    if (old) {
      this.#reloads++;
      old.expiry?.clear();
    } else {
      this.#loads++;
    }
    const resident: Resident = {
      model: need.model,
      runnerKey: need.runnerKey,
      numCtx: need.numCtx,
      loading: undefined,
      active: 0,
      keepAliveMs: this.#options.keepAliveMs,
      expiry: undefined,
      expiryDueMs: Infinity,
      expiresAtMs: Infinity,
      lastUsedMs: this.#options.clock.monotonicMs(),
      unloadWhenIdle: false,
    };
    this.#residents.set(need.model.name, resident);
    const loadMs = need.forcedLoadMs ?? this.#options.coldLoadMs;
    if (loadMs <= 0) return true;
    ticket.loadMs = loadMs;
    resident.loading = this.#options.clock.after(loadMs, () => {
      resident.loading = undefined;
      this.#pump();
      // Whoever wanted it may have left while it loaded.
      if (resident.active === 0) this.#idle(resident);
    });
    return false;
  }

  #start(ticket: Ticket): void {
    const resident = this.#residents.get(ticket.need.model.name)!;
    resident.active++;
    this.#active++;
    resident.keepAliveMs = ticket.need.keepAliveMs ?? this.#options.keepAliveMs;
    resident.lastUsedMs = this.#options.clock.monotonicMs();
    resident.expiresAtMs = this.#options.clock.now() + resident.keepAliveMs;
    let held = true;
    ticket.ready({
      loadMs: ticket.loadMs,
      busySlots: () => resident.active,
      release: () => {
        if (!held) return;
        held = false;
        if (this.#residents.get(resident.model.name) !== resident) return;
        resident.active--;
        this.#active--;
        this.#pump();
        if (resident.active === 0 && this.#residents.get(resident.model.name) === resident) this.#idle(resident);
      },
    });
  }

  #idle(resident: Resident): void {
    if (resident.unloadWhenIdle || resident.keepAliveMs <= 0) {
      this.#drop(resident);
      this.#pump();
      return;
    }
    resident.expiresAtMs = this.#options.clock.now() + resident.keepAliveMs;
    resident.lastUsedMs = this.#options.clock.monotonicMs();
    this.#watch(resident);
  }

  /**
   * One timer per resident model, set again only when it fires: a server that answers thousands of
   * requests a second does not set thousands of timers. A timer that is due too late is replaced.
   */
  #watch(resident: Resident): void {
    const dueMs = resident.lastUsedMs + resident.keepAliveMs;
    if (resident.expiry && resident.expiryDueMs <= dueMs) return;
    resident.expiry?.clear();
    resident.expiry = undefined;
    if (dueMs === Infinity) return;
    resident.expiryDueMs = dueMs;
    resident.expiry = this.#options.clock.after(dueMs - this.#options.clock.monotonicMs(), () => {
      resident.expiry = undefined;
      // Busy: it is watched again when it becomes idle.
      if (resident.active > 0) return;
      if (resident.lastUsedMs + resident.keepAliveMs > this.#options.clock.monotonicMs()) return this.#watch(resident);
      this.#drop(resident);
      this.#pump();
    });
  }

  /** Evicts the idle model used longest ago when the GPU is full. @returns false when all are busy. */
  #makeRoom(): boolean {
    if (this.#residents.size < this.#options.maxLoadedModels) return true;
    let oldest: Resident | undefined;
    for (const resident of this.#residents.values()) {
      if (resident.active > 0 || resident.loading) continue;
      if (!oldest || resident.lastUsedMs < oldest.lastUsedMs) oldest = resident;
    }
    if (!oldest) return false;
    this.#drop(oldest);
    return true;
  }

  #drop(resident: Resident): void {
    resident.expiry?.clear();
    resident.loading?.clear();
    if (this.#residents.get(resident.model.name) !== resident) return;
    this.#residents.delete(resident.model.name);
    this.#unloads++;
  }
}
