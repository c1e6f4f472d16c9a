/** All keys there are: those of the configuration, and those made, rotated and revoked while it runs. */
import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { tenantId } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import { addMs, type EpochMs } from '../core/units.ts';
import type { Logger } from '../telemetry/logger.ts';
import { allowsModel, cacheOwnerOf, localCaller, modelForbidden, type Caller } from './caller.ts';
import { readKeys, readUsage, stampOf, writeKeys, writeUsage } from './key-file.ts';
import { createKeyMeter, limited, type KeyMeter, type KeyUsage } from './key-meter.ts';
import {
  isActive,
  type CacheSharing,
  type KeyGrant,
  type KeyId,
  type KeyLimits,
  type KeyRecord,
} from './key-record.ts';
import type { SharedUsage } from './shared-usage.ts';

export interface KeyRingOptions {
  /** Where keys made at run time are kept; use is kept beside it. */
  readonly file: string;
  /** Keys of the configuration: their holders may do everything. */
  readonly configured: readonly { readonly sha256: string; readonly tenant: string }[];
  /** Clients that cannot send a key, by where they come from. */
  readonly byAddress: readonly AddressGrant[];
  /** Keys kept, revoked ones included: a file of more is a mistake. */
  readonly keysMax: number;
}

export interface AddressGrant {
  /** `10.1.0.0/16`, `fd00::/8`, or one address. */
  readonly from: string;
  readonly tenant: string;
  readonly models: readonly string[];
  readonly limits: KeyLimits;
  readonly cache: CacheSharing;
}

export interface NewKey extends KeyGrant {
  readonly name: string;
  readonly expiresAt?: EpochMs | undefined;
}

export interface ListedKey extends KeyRecord {
  readonly state: 'active' | 'expired' | 'revoked';
  readonly usage: KeyUsage;
}

export interface KeyRing {
  /** Whether a client must show who it is. */
  readonly required: boolean;
  /** @throws unauthorized */
  identify(headers: IncomingHttpHeaders, address: string | undefined): Caller;
  list(): readonly ListedKey[];
  /** @returns the key itself, told once and kept nowhere */
  create(key: NewKey): { readonly record: KeyRecord; readonly secret: string };
  /** A new key for the same holder; the old one goes on for `graceMs`. @throws key_not_found */
  rotate(id: string, graceMs: number): { readonly record: KeyRecord; readonly secret: string };
  /** @throws key_not_found */
  revoke(id: string): KeyRecord;
  close(): void;
}

export interface KeyRingDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Of several gateways; without it each counts by itself. */
  readonly shared?: SharedUsage | undefined;
  readonly options: KeyRingOptions;
}

/** How soon a change of the file by another hand counts: a key revoked elsewhere works this much longer. */
const rereadMs = 2_000;
/** What a crash may forget of the counts. */
const usageEveryMs = 5_000;
const keyPrefix = 'shk_';

interface Holder {
  readonly caller: Caller;
  readonly record: KeyRecord | undefined;
}

/** @throws config_invalid */
export function createKeyRing({ clock, random, logger, shared, options }: KeyRingDeps): KeyRing {
  const usageFile = options.file.replace(/(\.json)?$/, '-usage.json');
  const kept = readUsage(usageFile);
  const meters = new Map<string, KeyMeter>();
  const configured = new Map(
    options.configured.map((key) => [key.sha256, { caller: configuredCaller(key.tenant), record: undefined }]),
  );
  const addresses = options.byAddress.map((grant) => ({ list: blockOf(grant.from), caller: addressCaller(grant) }));
  let records: readonly KeyRecord[] = [];
  let holders = new Map<string, Holder>();
  let stamp = '';
  let written = '';
  load();
  const timers = [
    clock.every(rereadMs, () => {
      if (stampOf(options.file) === stamp) return;
      try {
        load();
        logger.info({ keys: records.length }, 'API keys read again: their file has changed');
      } catch (error) {
        // What was known goes on: neither all doors open nor all shut because of a slip in a file.
        stamp = stampOf(options.file);
        logger.error({ err: error }, 'the changed file of API keys cannot be read; the keys known before stay');
      }
    }),
    clock.every(usageEveryMs, saveUsage),
  ];

  // Also when every key has ended: the doors must not open by themselves one night.
  const required = (): boolean => configured.size > 0 || addresses.length > 0 || records.length > 0;

  return {
    get required() {
      return required();
    },
    identify(headers, address) {
      if (!required()) return localCaller;
      const secret = sentKey(headers);
      if (secret !== undefined) {
        const sha256 = hash('sha256', secret, 'hex');
        // Looked up by digest: a timing difference in a map of hashes tells nothing about a key.
        const holder = configured.get(sha256) ?? holders.get(sha256);
        if (holder !== undefined) {
          if (holder.record === undefined || isActive(holder.record, clock.now())) return holder.caller;
          const why = holder.record.revokedAt !== undefined ? 'was revoked' : 'has expired';
          throw new AppError(
            'unauthorized',
            `this API key (${holder.record.name}) ${why}; ask the operator for another`,
          );
        }
      }
      const byAddress = address === undefined ? undefined : callerFrom(address);
      // SDKs insist on sending some key; where the address is enough, any will do.
      if (byAddress !== undefined) return byAddress;
      throw new AppError(
        'unauthorized',
        secret === undefined
          ? 'no API key was sent; send `Authorization: Bearer KEY` or `x-api-key: KEY`'
          : 'this API key is not known here; check it or ask the operator for one',
      );
    },
    list: () =>
      records.map((record) => ({
        ...record,
        state:
          record.revokedAt !== undefined && record.revokedAt <= clock.now()
            ? 'revoked'
            : isActive(record, clock.now())
              ? 'active'
              : 'expired',
        usage: meterOf(record.id).usage(),
      })),
    create(key) {
      if (records.length >= options.keysMax)
        throw new AppError(
          'bad_request',
          `there are ${records.length} API keys, the most kept (keys.keysMax); revoke some and start again without them`,
        );
      return add(key);
    },
    rotate(id, graceMs) {
      const old = find(id);
      if (!isActive(old, clock.now()))
        throw new AppError('bad_request', `the key ${id} no longer works; create a new one in its place`);
      const endsAt = addMs(clock.now(), graceMs);
      const ends = old.expiresAt === undefined || old.expiresAt > endsAt ? endsAt : old.expiresAt;
      change(id, graceMs === 0 ? { revokedAt: clock.now() } : { expiresAt: ends });
      return add(old);
    },
    revoke(id) {
      find(id);
      change(id, { revokedAt: clock.now() });
      return find(id);
    },
    close() {
      for (const timer of timers) timer.clear();
      saveUsage();
    },
  };

  function load(): void {
    stamp = stampOf(options.file);
    const read = readKeys(options.file);
    if (read.length > options.keysMax)
      throw new AppError(
        'config_invalid',
        `${options.file} holds ${read.length} keys; the most is ${options.keysMax} (keys.keysMax)`,
      );
    use(read);
  }

  function use(next: readonly KeyRecord[]): void {
    records = next;
    holders = new Map(next.map((record) => [record.sha256, { caller: recordCaller(record), record }]));
  }

  function save(next: readonly KeyRecord[]): void {
    writeKeys(options.file, next);
    stamp = stampOf(options.file);
    use(next);
  }

  function add({ name, tenant, models, limits, cache, expiresAt }: NewKey): { record: KeyRecord; secret: string } {
    const secret = `${keyPrefix}${random.id(40)}`;
    const record: KeyRecord = {
      id: `key_${random.id(10)}` as KeyId,
      name,
      tenant,
      sha256: hash('sha256', secret, 'hex'),
      hint: secret.slice(-4),
      models,
      limits,
      cache,
      createdAt: clock.now(),
      ...(expiresAt !== undefined && { expiresAt }),
    };
    save([...records, record]);
    return { record, secret };
  }

  function change(id: string, fields: Partial<KeyRecord>): void {
    save(records.map((record) => (record.id === id ? { ...record, ...fields } : record)));
  }

  function find(id: string): KeyRecord {
    const found = records.find((record) => record.id === id);
    if (found === undefined)
      throw new AppError(
        'key_not_found',
        `there is no API key \`${id.slice(0, 64)}\`; \`llm-self-host keys list\` shows them`,
      );
    return found;
  }

  function meterOf(subject: string): KeyMeter {
    let meter = meters.get(subject);
    if (meter === undefined) meters.set(subject, (meter = createKeyMeter(clock, kept.get(subject))));
    return meter;
  }

  function recordCaller(record: KeyRecord): Caller {
    return grantCaller(record, record.id, record.id);
  }

  function addressCaller(grant: AddressGrant): Caller {
    return grantCaller({ ...grant, tenant: tenantId(grant.tenant) }, `address:${grant.from}`, undefined);
  }

  function configuredCaller(tenant: string): Caller {
    return { ...localCaller, tenant: tenantId(tenant), cacheOwner: tenantId(tenant) };
  }

  function grantCaller(grant: KeyGrant, subject: string, key: KeyId | undefined): Caller {
    const meter = meterOf(subject);
    const { models, limits } = grant;
    const mayAsk = (model: string) => allowsModel(models, model);
    return {
      tenant: grant.tenant,
      cacheOwner: cacheOwnerOf(grant, subject),
      key,
      mayAsk,
      checkModel: (model) => {
        if (!mayAsk(model)) throw modelForbidden(model, models);
      },
      enter: () =>
        shared === undefined || !hasLimits(limits) ? meter.enter(limits) : enterTogether(meter, subject, limits),
      used(tokens, usdMicros) {
        meter.used(tokens, usdMicros);
        if (hasLimits(limits)) shared?.used(subject, tokens, usdMicros);
      },
      spent: () => meter.spent(limits),
    };
  }

  /** First all gateways together, then this one, which goes on counting should the others be out of reach. */
  async function enterTogether(meter: KeyMeter, subject: string, limits: KeyLimits): Promise<void> {
    const verdict = await shared!.enter(subject, limits);
    if (verdict !== undefined) {
      meter.heard(verdict.microsToday);
      if (verdict.usedUp === 'requests') throw limited('requests', limits.requestsPerMinute!, verdict.over);
      if (verdict.usedUp === 'tokens') throw limited('tokens', limits.tokensPerMinute!, verdict.over);
    }
    meter.enter(limits);
  }

  function callerFrom(address: string): Caller | undefined {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    return addresses.find(({ list }) => list.check(address, family))?.caller;
  }

  /** Only the subjects that still exist: the file must not grow with every key there ever was. */
  function saveUsage(): void {
    const usage = new Map([...meters].map(([subject, meter]) => [subject, meter.usage()]));
    const text = JSON.stringify([...usage]);
    if (usage.size === 0 || text === written) return;
    try {
      writeUsage(usageFile, usage);
      written = text;
    } catch (error) {
      logger.warn({ err: error }, 'the use of API keys cannot be written; it is tried again');
    }
  }
}

const hasLimits = (limits: KeyLimits): boolean => Object.values(limits).some((limit) => limit !== undefined);

/** @throws config_invalid */
function blockOf(from: string): BlockList {
  const list = new BlockList();
  const [address, bits] = from.split('/') as [string, string?];
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  try {
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  } catch (error) {
    throw new AppError(
      'config_invalid',
      `keys.byAddress: \`${from}\` is no address; expected one such as 10.1.0.0/16, fd00::/8 or 192.0.2.7`,
      { cause: error },
    );
  }
  return list;
}

function sentKey(headers: IncomingHttpHeaders): string | undefined {
  const bearer = headers.authorization;
  if (bearer !== undefined && /^bearer /i.test(bearer)) return bearer.slice(7).trim();
  const key = headers['x-api-key'];
  return typeof key === 'string' ? key : undefined;
}
