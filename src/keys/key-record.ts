/** What an API key lets its holder do. Keys themselves are never kept: only their SHA-256. */
import { z } from 'zod';
import type { Brand, TenantId } from '../core/ids.ts';
import { tenantId } from '../core/ids.ts';
import type { EpochMs } from '../core/units.ts';

export type KeyId = Brand<string, 'KeyId'>;

/**
 * Whose stored answers a key sees and adds to: those of its tenant; those of every key that shares; its own
 * alone; or none.
 */
export const cacheSharings = ['tenant', 'shared', 'private', 'off'] as const;
export type CacheSharing = (typeof cacheSharings)[number];

/** Absent: no limit of its own. */
export interface KeyLimits {
  readonly requestsPerMinute?: number | undefined;
  /** Prompt and completion tokens of answers that a thinker made. */
  readonly tokensPerMinute?: number | undefined;
  /** What thinkers may cost for it in a day (UTC). Cached answers go on when it is spent. */
  readonly usdPerDay?: number | undefined;
}

export interface KeyGrant {
  readonly tenant: TenantId;
  /** Models it may ask; empty: all. */
  readonly models: readonly string[];
  readonly limits: KeyLimits;
  readonly cache: CacheSharing;
}

export interface KeyRecord extends KeyGrant {
  readonly id: KeyId;
  /** For people. */
  readonly name: string;
  /** Hex. */
  readonly sha256: string;
  /** Last four characters of the key, by which people recognise it. */
  readonly hint: string;
  readonly createdAt: EpochMs;
  readonly expiresAt?: EpochMs | undefined;
  readonly revokedAt?: EpochMs | undefined;
}

export const tenantPattern = /^[\w.-]{1,64}$/;
/** Models that one key may name; more is a mistake. */
export const keyModelsMax = 64;

const instant = z.number().transform((value) => value as EpochMs);
const positive = (max: number) => z.number().positive().max(max).optional();

export const limitsSchema = z.strictObject({
  requestsPerMinute: positive(1_000_000),
  tokensPerMinute: positive(1_000_000_000),
  usdPerDay: positive(1_000_000),
});

/** A row of the file. Unknown fields are refused: a limit that is not understood must not be ignored. */
export const keyRecordSchema = z.strictObject({
  id: z.string().transform((value) => value as KeyId),
  name: z.string().max(128),
  tenant: z.string().regex(tenantPattern).transform(tenantId),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  hint: z.string().max(8),
  models: z.array(z.string().min(1).max(256)).max(keyModelsMax),
  limits: limitsSchema,
  cache: z.enum(cacheSharings),
  createdAt: instant,
  expiresAt: instant.optional(),
  revokedAt: instant.optional(),
});

export function isActive(record: Pick<KeyRecord, 'expiresAt' | 'revokedAt'>, now: EpochMs): boolean {
  return (record.revokedAt ?? Infinity) > now && (record.expiresAt ?? Infinity) > now;
}
