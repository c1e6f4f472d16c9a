/** A market of machines in memory: follows a clock, records what it is asked, and fails when told to. */
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { addMs, usdMicros, type EpochMs, type UsdMicros } from '../core/units.ts';
import {
  instanceId,
  offerId,
  type Charge,
  type FleetProvider,
  type Instance,
  type InstanceId,
  type InstanceStatus,
  type LaunchSpec,
  type Offer,
} from '../fleet/fleet-provider.ts';

export const anOffer = (fields: Partial<Offer> & { readonly n?: number } = {}): Offer => {
  const { n = 1, ...rest } = fields;
  return {
    id: offerId(`o${n}`),
    machineId: `m${n}`,
    hostId: `h${n}`,
    gpuName: 'RTX 4090',
    gpuCount: 1,
    vramMib: 24_564,
    memoryBandwidthGbS: 1008,
    pricePerHour: usdMicros(400_000),
    storagePerHour: usdMicros(7_000),
    downUsdPerGb: 0,
    upUsdPerGb: 0,
    downloadMbps: 800,
    uploadMbps: 400,
    diskGb: 200,
    diskMbS: 2000,
    reliability: 0.99,
    directPorts: 100,
    cudaMax: 12.8,
    durationS: 30 * 86_400,
    country: 'US',
    verified: true,
    datacenter: false,
    ...rest,
  };
};

export interface MarketMachine {
  readonly id: InstanceId;
  readonly label: string;
  readonly offer: Offer;
  readonly startedAt: EpochMs;
  status: InstanceStatus;
  statusText: string;
  endpoint: { readonly host: string; readonly port: number };
  destroyed: boolean;
  gpuMs: number;
  storageMs: number;
  meteredAt: EpochMs;
}

export class FakeMarket implements FleetProvider {
  readonly name = 'fake';
  readonly machines: MarketMachine[] = [];
  readonly calls: string[] = [];
  offers: Offer[] = Array.from({ length: 8 }, (_, i) => anOffer({ n: i + 1 }));
  /** Thrown by the next calls of that name, one each. */
  readonly failures: Partial<
    Record<'list' | 'rent' | 'search' | 'destroy' | 'stop' | 'start' | 'charges', AppError[]>
  > = {};
  /** The next create rents and does not answer. */
  rentsInSilence = 0;
  /** Lists are empty though there are machines. */
  listsNothing = false;
  /** Stopped machines whose GPU is in other hands. */
  readonly gpusTaken = new Set<InstanceId>();
  /** Destroys say yes and do nothing. */
  ignoresDestroys = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  searchOffers(): Promise<readonly Offer[]> {
    return this.#answer('search', () => {
      const taken = new Set(this.alive.map(({ offer }) => offer.machineId));
      return this.offers.filter(({ machineId }) => !taken.has(machineId));
    });
  }

  rent(offer: Offer['id'], spec: LaunchSpec): Promise<InstanceId> {
    return this.#answer('rent', () => {
      const found = this.offers.find(({ id }) => id === offer)!;
      const id = instanceId(`i${this.machines.length + 1}`);
      const now = this.#clock.now();
      this.machines.push({
        id,
        label: spec.label,
        offer: found,
        startedAt: now,
        status: 'creating',
        statusText: '',
        endpoint: { host: '127.0.0.1', port: 8443 },
        destroyed: false,
        gpuMs: 0,
        storageMs: 0,
        meteredAt: now,
      });
      if (this.rentsInSilence > 0) {
        this.rentsInSilence -= 1;
        throw new AppError('provider_unavailable', 'no answer');
      }
      return id;
    });
  }

  list(labelPrefix: string): Promise<readonly Instance[]> {
    return this.#answer('list', () =>
      this.listsNothing ? [] : this.alive.filter(({ label }) => label.startsWith(labelPrefix)).map(instanceOf),
    );
  }

  destroy(id: InstanceId): Promise<void> {
    return this.#answer('destroy', () => {
      if (this.ignoresDestroys > 0) {
        this.ignoresDestroys -= 1;
        return;
      }
      const machine = this.alive.find((each) => each.id === id);
      if (!machine) return;
      this.#settle(machine);
      machine.destroyed = true;
    });
  }

  stop(id: InstanceId): Promise<void> {
    return this.#answer('stop', () => {
      const machine = this.alive.find((each) => each.id === id);
      if (machine) this.become(machine, 'stopped');
    });
  }

  start(id: InstanceId): Promise<void> {
    return this.#answer('start', () => {
      const machine = this.alive.find((each) => each.id === id);
      if (machine?.status === 'stopped') this.become(machine, this.gpusTaken.has(id) ? 'waiting' : 'loading');
    });
  }

  logs(): Promise<string> {
    return Promise.resolve('');
  }

  charges(): Promise<readonly Charge[]> {
    return this.#answer('charges', () =>
      this.machines.flatMap((machine) => {
        this.#settle(machine);
        const { id: of, offer } = machine;
        const amount = (ms: number, perHour: UsdMicros | number) => usdMicros((perHour * ms) / 3_600_000);
        return [
          {
            instanceId: of,
            component: 'gpu' as const,
            amount: amount(machine.gpuMs, offer.pricePerHour - offer.storagePerHour),
          },
          { instanceId: of, component: 'storage' as const, amount: amount(machine.storageMs, offer.storagePerHour) },
          { instanceId: of, component: 'bandwidth' as const, amount: usdMicros(1_000) },
        ];
      }),
    );
  }

  account() {
    return Promise.resolve({ balance: usdMicros(10_000_000), email: '' });
  }

  market() {
    return Promise.resolve([]);
  }

  async close(): Promise<void> {}

  get alive(): MarketMachine[] {
    return this.machines.filter(({ destroyed }) => !destroyed);
  }

  /** As the provider would see it change: what it bills follows. */
  become(machine: MarketMachine, status: InstanceStatus, statusText = ''): void {
    this.#settle(machine);
    machine.status = status;
    machine.statusText = statusText;
  }

  /** Of all machines there ever were, without traffic. */
  get billed(): UsdMicros {
    for (const machine of this.machines) this.#settle(machine);
    return usdMicros(
      this.machines.reduce(
        (sum, { gpuMs, storageMs, offer }) =>
          sum +
          (gpuMs * (offer.pricePerHour - offer.storagePerHour)) / 3_600_000 +
          (storageMs * offer.storagePerHour) / 3_600_000,
        0,
      ),
    );
  }

  #settle(machine: MarketMachine): void {
    if (machine.destroyed) return;
    const now = this.#clock.now();
    const ms = now - machine.meteredAt;
    machine.meteredAt = addMs(machine.meteredAt, ms);
    if (machine.status === 'running') machine.gpuMs += ms;
    if (machine.status !== 'lost') machine.storageMs += ms;
  }

  async #answer<T>(call: keyof FakeMarket['failures'], act: () => T): Promise<T> {
    this.calls.push(call);
    const failure = this.failures[call]?.shift();
    if (failure) throw failure;
    return act();
  }
}

function instanceOf({ id, label, status, statusText, offer, startedAt, endpoint }: MarketMachine): Instance {
  return {
    id,
    label,
    status,
    statusText,
    machineId: offer.machineId,
    hostId: offer.hostId,
    gpuName: offer.gpuName,
    endpoints: status === 'running' ? new Map([[8443, endpoint]]) : new Map(),
    pricePerHour: offer.pricePerHour,
    storagePerHour: offer.storagePerHour,
    gpuBilled: status === 'running',
    gpuUse: { utilizationRatio: undefined, vramUsedBytes: undefined, vramBytes: offer.vramMib * 2 ** 20 },
    startedAt,
  };
}
