/** One rental: its states as the market shows them, its timers, its meter, and the container in it. */
import type { Clock, Timer } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { drawBoot, type BootPlan } from './boot.ts';
import { modelBytesOf, ollamaPort, startContainer, type Container } from './container.ts';
import { openDoor, type Door } from './door.ts';
import { exponential } from './draws.ts';
import type { Machine } from './machine.ts';
import { Meter } from './meter.ts';

export type ActualStatus = null | 'created' | 'loading' | 'running' | 'stopped' | 'exited' | 'offline' | 'scheduling';

/** What was asked for at `create`, already checked. */
export interface RentalRequest {
  readonly label: string | null;
  readonly image: string;
  readonly diskGb: number;
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly ports: readonly number[];
  readonly onstart: string | null;
  readonly args: readonly string[] | null;
  readonly runtype: string;
  /** Bid, USD per hour; undefined = on demand. */
  readonly bid: number | undefined;
  readonly target: 'running' | 'stopped';
}

export interface InstanceDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly seed: number;
  readonly bootScale: number;
  /** Mean time to the loss of a host, hours; Infinity = never. */
  readonly mtbfHours: number;
  readonly pace: 'real' | 'instant';
  /** `none`: nothing runs in the machine and no port opens, for tests of money and time alone. */
  readonly thinkers: 'serve' | 'none';
  readonly host: () => string;
  /** Another address than before. */
  readonly nextHost: () => string;
  /** Mean time between two addresses of a machine that has no fixed one, hours; Infinity = it keeps its first. */
  readonly moveHours: number;
  /** A silent gateway is given up after this long, as the bootstrap's watchdog does. */
  readonly idleStopMs: (env: ReadonlyMap<string, string>) => number;
  /** The machine is off the market for so long. */
  readonly onOutage: (instance: Instance, ms: number) => void;
  /** Its GPU is free for others. */
  readonly onRelease: (instance: Instance) => void;
  /** @returns whether it gets its GPU, which nobody else can have then */
  readonly claim: (instance: Instance) => boolean;
  readonly onEnd: (instance: Instance) => void;
  readonly onFailure: (failure: unknown) => void;
}

export interface Rental {
  readonly id: number;
  readonly machine: Machine;
  readonly request: RentalRequest;
  readonly usdPerHour: number;
  readonly apiKey: string;
  readonly jupyterToken: string;
}

/** Offline machines come back after about this long. */
const outageMs = 1_800_000;
/** A stopped instance whose machine is free starts again in this time. */
const resumeMs = 20_000;
/** What the driver and an idle server hold. */
const driverVramGb = 0.4;
/** Decoding one stream waits for memory most of the time, and the meter counts waiting as work; more streams fill the rest. */
const firstStreamPercent = 72;
const furtherStreamPercent = 4;
const hoursPerMonth = 730;
/** Shown for machines in which nothing runs. */
const closedPortMin = 40_000;

export class Instance {
  readonly rental: Rental;
  readonly meter = new Meter();
  readonly env: ReadonlyMap<string, string>;
  readonly startedAt: number;
  readonly storageUsdPerHour: number;
  label: string | null;
  bid: number | undefined;
  status: ActualStatus = null;
  statusMsg = '';
  intended: 'running' | 'stopped';
  destroyed = false;
  host = '';
  readonly #deps: InstanceDeps;
  readonly #plan: BootPlan;
  readonly #timers = new Set<Timer>();
  #doors = new Map<number, Door>();
  #container: Container | undefined;
  #meteredAt: number;
  #lastRequestAt = 0;
  #runs = 0;
  #pulled = false;
  #leads = false;
  #answered = 0;

  constructor(rental: Rental, deps: InstanceDeps) {
    this.rental = rental;
    this.#deps = deps;
    this.env = new Map(rental.request.env);
    this.label = rental.request.label;
    this.bid = rental.request.bid;
    this.intended = rental.request.target;
    this.startedAt = this.#meteredAt = deps.clock.now();
    this.storageUsdPerHour = (rental.machine.storageCost * rental.request.diskGb) / hoursPerMonth;
    this.#plan = drawBoot(rental.machine, modelBytesOf(this.env), deps.random, deps.bootScale);
    this.#after(this.#plan.provisioningMs, () => this.#become('created', ''));
    this.#after(this.#plan.provisioningMs + this.#plan.createdMs, () => this.#load());
  }

  get usdPerHour(): number {
    return this.bid ?? this.rental.usdPerHour;
  }

  /** Published ports by container port, while it runs. */
  get ports(): ReadonlyMap<number, number> {
    if (this.status !== 'running') return new Map();
    if (this.#deps.thinkers === 'serve') return new Map([...this.#doors].map(([inside, { port }]) => [inside, port]));
    return new Map(this.#wantedPorts.map((inside, index) => [inside, closedPortMin + index]));
  }

  /** Questions its thinker was asked, over all its starts. */
  get answers(): number {
    return this.#answered + (this.#container?.thinker.stats().answers ?? 0);
  }

  /** What its GPU does now; undefined while the machine does not run. */
  get gpuUse(): { readonly percent: number; readonly vramGb: number } | undefined {
    if (this.status !== 'running') return undefined;
    const stats = this.#container?.thinker.stats();
    const vramGb = driverVramGb + (stats?.vramBytes ?? 0) / 1e9;
    const active = stats?.active ?? 0;
    if (active === 0) return { percent: 0, vramGb };
    return { percent: Math.min(100, firstStreamPercent + furtherStreamPercent * (active - 1)), vramGb };
  }

  /** Brings the meter up to this instant. */
  settle(): void {
    const now = this.#deps.clock.now();
    if (this.destroyed) return;
    const online = this.status !== 'offline';
    if (this.status === 'running') this.meter.addTime('gpu', this.#meteredAt, now, this.usdPerHour);
    if (online) this.meter.addTime('disk', this.#meteredAt, now, this.storageUsdPerHour);
    this.#meteredAt = now;
    for (const door of this.#doors.values()) {
      const bytes = door.takeBytes();
      this.#traffic('bwd', bytes.in);
      this.#traffic('bwu', bytes.out);
    }
  }

  stop(why: string, intended: 'running' | 'stopped' = 'stopped'): void {
    this.intended = intended;
    if (this.destroyed || this.status === 'exited') return;
    // A host that is away hears of it when it comes back.
    if (this.status !== 'offline') this.#halt(intended === 'stopped' ? 'exited' : 'stopped', why);
    this.#deps.onRelease(this);
  }

  /** Starts again from its disk, or waits until whoever has its GPU leaves. */
  resume(): void {
    this.intended = 'running';
    if (this.status !== 'exited' && this.status !== 'stopped' && this.status !== 'scheduling') return;
    if (!this.#deps.claim(this)) return this.#become('scheduling', 'waiting for resources');
    this.#become('loading', 'restarting');
    this.#startIn(resumeMs);
  }

  reboot(): void {
    if (this.status !== 'running') return;
    this.#halt('loading', 'rebooting');
    this.#startIn(resumeMs);
  }

  /** The machine is gone, its connections with it. It may come back. */
  lose(): void {
    if (this.destroyed || this.status === 'offline') return;
    this.#halt('offline', 'host is offline');
    this.#deps.onOutage(this, outageMs * (0.5 + this.#deps.random.float()));
  }

  comeBack(): void {
    if (this.destroyed || this.status !== 'offline') return;
    this.#become('exited', 'host came back');
    if (this.intended === 'running') this.resume();
  }

  /** The provider gave the machine another address. */
  async move(): Promise<void> {
    const container = this.#container;
    if (this.status !== 'running' || container === undefined) return;
    const doors = await this.#openDoors(container, this.#deps.nextHost());
    // It may have ended, or begun again, meanwhile.
    if (container !== this.#container) return doors.forEach((door) => door.close());
    this.settle();
    this.#closeDoors();
    this.#install(doors);
    if (this.#leads) this.#lead();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.settle();
    this.destroyed = true;
    this.#leave();
    this.#deps.onEnd(this);
  }

  #load(): void {
    this.#become('loading', 'pulling image');
    const { flaw } = this.rental.machine;
    if (flaw === 'stuck-loading') return;
    if (flaw === 'docker-error') {
      this.#after(this.#plan.loadingMs, () => {
        this.statusMsg =
          'Error response from daemon: failed to create task for container: OCI runtime create failed: nvidia-container-cli: initialization error';
      });
      return;
    }
    this.#after(this.#plan.loadingMs, () => {
      this.#traffic('bwd', this.#plan.imageBytes);
      if (this.intended === 'stopped') return this.#become('stopped', '');
      void this.#run().catch(this.#deps.onFailure);
    });
  }

  #startIn(ms: number): void {
    this.#after(ms * this.#deps.bootScale, () => void this.#run().catch(this.#deps.onFailure));
  }

  async #run(): Promise<void> {
    const { clock, random, mtbfHours, thinkers } = this.#deps;
    if (thinkers === 'serve') {
      const run = ++this.#runs;
      const container = this.#contain();
      const doors = await this.#openDoors(container, this.#deps.host());
      if (run !== this.#runs) {
        for (const door of doors.values()) door.close();
        return container.close();
      }
      this.#container = container;
      this.#install(doors);
    } else this.host = this.#deps.host();
    this.#become('running', `success, running ${this.rental.request.image}/${this.rental.request.runtype}`);
    this.#lastRequestAt = clock.now();
    if (Number.isFinite(mtbfHours)) this.#after(exponential(random, mtbfHours * 3_600_000), () => this.lose());
    this.#after(this.#plan.proxyMs, () => this.#lead());
    this.#moveLater();
    if (this.#pulled) this.#container?.addModel();
    else if (this.rental.machine.flaw !== 'pull-stalls') this.#after(this.#plan.pullMs, () => this.#pull());
    this.#watchIdle();
  }

  #moveLater(): void {
    const { random, moveHours } = this.#deps;
    if (this.rental.machine.staticIp || !Number.isFinite(moveHours)) return;
    this.#after(exponential(random, moveHours * 3_600_000), () => {
      this.move().catch(this.#deps.onFailure);
      this.#moveLater();
    });
  }

  #contain(): Container {
    const { clock, random, seed, pace } = this.#deps;
    return startContainer({
      clock,
      machine: this.rental.machine,
      env: this.env,
      seed: seed + random.int(2 ** 20),
      pace,
      onRequest: () => {
        this.#lastRequestAt = clock.now();
      },
    });
  }

  #pull(): void {
    this.#pulled = true;
    this.#traffic('bwd', this.#plan.modelBytes);
    this.#container?.addModel();
  }

  /** The bootstrap's own watchdog: a gateway that is silent for too long is dead. */
  #watchIdle(): void {
    const { clock, idleStopMs } = this.#deps;
    const limitMs = idleStopMs(this.env);
    if (!Number.isFinite(limitMs)) return;
    this.#after(Math.max(1_000, this.#lastRequestAt + limitMs - clock.now()), () => {
      if (clock.now() - this.#lastRequestAt >= limitMs) this.stop('stopped by its own watchdog');
      else this.#watchIdle();
    });
  }

  async #openDoors(container: Container, host: string): Promise<Map<number, Door>> {
    const doors = await Promise.all(this.#wantedPorts.map(async (inside) => [inside, await openDoor(host)] as const));
    const opened = new Map(doors);
    if (this.rental.machine.flaw === 'dead-port') opened.get(container.port)?.set({ kind: 'silent' });
    return opened;
  }

  #install(doors: Map<number, Door>): void {
    this.#doors = doors;
    this.host = [...doors.values()][0]!.host;
  }

  /** The image exposes Ollama's port, so the market publishes it, wanted or not. */
  get #wantedPorts(): readonly number[] {
    return [...new Set([...this.rental.request.ports, ollamaPort])];
  }

  #lead(): void {
    const container = this.#container;
    if (container === undefined || this.rental.machine.flaw === 'dead-port') return;
    // On loopback inside the machine nothing listens at the published port.
    if (container.port === ollamaPort && (this.env.get('OLLAMA_HOST') ?? '0.0.0.0').startsWith('127.')) return;
    const door = this.#doors.get(container.port);
    door?.set({ kind: 'leads-to', server: container.server, tls: container.tls });
    this.#leads = true;
  }

  #traffic(type: 'bwd' | 'bwu', bytes: number): void {
    if (bytes === 0) return;
    const { inetDownCost, inetUpCost } = this.rental.machine;
    this.meter.addBytes(type, this.#deps.clock.now(), bytes, type === 'bwd' ? inetDownCost : inetUpCost);
  }

  #become(status: ActualStatus, message: string): void {
    this.settle();
    this.status = status;
    this.statusMsg = message;
  }

  #halt(status: ActualStatus, why: string): void {
    if (this.destroyed) return;
    this.#become(status, why);
    this.#leave();
  }

  #leave(): void {
    this.#runs++;
    this.#leads = false;
    for (const timer of this.#timers) timer.clear();
    this.#timers.clear();
    this.#closeDoors();
    this.#answered = this.answers;
    void this.#container?.close();
    this.#container = undefined;
  }

  #closeDoors(): void {
    for (const door of this.#doors.values()) {
      door.cut();
      door.close();
    }
    this.#doors = new Map();
  }

  #after(ms: number, act: () => void): void {
    const timer = this.#deps.clock.after(ms, () => {
      this.#timers.delete(timer);
      if (!this.destroyed) act();
    });
    this.#timers.add(timer);
  }
}
