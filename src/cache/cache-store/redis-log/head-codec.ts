/** What every replica needs to know of an entry, in some 150 bytes: the same in the record and in the log. */
import type { EntryId, ExactKey, ModelName, Scope, TenantId } from '../../../core/ids.ts';
import type { EpochMs } from '../../../core/units.ts';
import type { CacheEntry } from '../../cache-store.ts';
import type { DirectoryRecord } from '../directory.ts';

export interface Head {
  readonly id: EntryId;
  readonly key: ExactKey;
  readonly tenant: TenantId;
  readonly model: ModelName;
  readonly scope: Scope | undefined;
  readonly embeddingModel: string | undefined;
  readonly storedAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly bytes: number;
  readonly gpuMs: number;
  /** Version of the generations that its writer knew. */
  readonly version: number;
  /** Id of the gateway that wrote it. */
  readonly writer: string;
}

/** An entry of a newer form is left alone: this gateway misses it, the newer one serves it. */
const schema = 1;
const numbersBytes = 1 + 8 + 8 + 4 + 4 + 4;
/** Where the id begins, counted from 0. */
export const idAt = numbersBytes;
const textBytesMax = 0xffff;

export function encodeHead(head: Head): Buffer {
  const texts = [
    head.id,
    head.key,
    head.tenant,
    head.model,
    head.scope ?? '',
    head.embeddingModel ?? '',
    head.writer,
  ].map((text) => packed(pack(text)));
  const buffer = Buffer.allocUnsafe(numbersBytes + texts.reduce((sum, { length }) => sum + length, 0));
  buffer.writeUInt8(schema, 0);
  buffer.writeDoubleLE(head.storedAt, 1);
  buffer.writeDoubleLE(head.expiresAt, 9);
  buffer.writeUInt32LE(head.bytes, 17);
  buffer.writeFloatLE(head.gpuMs, 21);
  buffer.writeUInt32LE(head.version, 25);
  let at = numbersBytes;
  for (const text of texts) at += text.copy(buffer, at);
  return buffer;
}

/** What the head of this entry, and of no other, has at `idAt`: lets a script compare without decoding. */
export function idMark(id: EntryId): Buffer {
  return packed(pack(id));
}

/** @returns undefined for what this version cannot read */
export function decodeHead(buffer: Buffer): Head | undefined {
  if (buffer.length < numbersBytes || buffer.readUInt8(0) !== schema) return undefined;
  let at = numbersBytes;
  const texts: string[] = [];
  while (at + 2 <= buffer.length) {
    const size = buffer.readUInt16LE(at);
    const length = size & 0x7fff;
    if (at + 2 + length > buffer.length) return undefined;
    texts.push(buffer.toString(size & 0x8000 ? 'base64url' : 'utf8', at + 2, at + 2 + length));
    at += 2 + length;
  }
  if (texts.length !== 7) return undefined;
  const [id, key, tenant, model, scope, embeddingModel, writer] = texts as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    id: id as EntryId,
    key: key as ExactKey,
    tenant: tenant as TenantId,
    model: model as ModelName,
    scope: scope === '' ? undefined : (scope as Scope),
    embeddingModel: embeddingModel === '' ? undefined : embeddingModel,
    storedAt: buffer.readDoubleLE(1) as EpochMs,
    expiresAt: buffer.readDoubleLE(9) as EpochMs,
    bytes: buffer.readUInt32LE(17),
    gpuMs: buffer.readFloatLE(21),
    version: buffer.readUInt32LE(25),
    writer,
  };
}

export function recordOfHead(head: Head, seq: number): DirectoryRecord {
  const { id, key: exactKey, tenant, model, scope, storedAt, expiresAt, bytes, gpuMs } = head;
  return { seq, id, exactKey, tenant, model, scope, storedAt, expiresAt, bytes, gpuMs, hits: 0 };
}

export function headOf(entry: CacheEntry, facts: Pick<Head, 'bytes' | 'version' | 'writer'>): Head {
  const { id, exactKey: key, tenant, model, storedAt, expiresAt, gpuMs, semantic } = entry;
  const { scope, embeddingModel } = semantic ?? {};
  return { id, key, tenant, model, scope, embeddingModel, storedAt, expiresAt, gpuMs, ...facts };
}

/** Keys and scopes are 32 bytes written as 43 letters: kept as the bytes they are. */
function pack(text: string): { readonly bytes: Buffer; readonly raw: boolean } {
  if (text.length === 43 && /^[\w-]{43}$/.test(text)) {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.toString('base64url') === text) return { bytes, raw: true };
  }
  const bytes = Buffer.from(text);
  if (bytes.length > textBytesMax >> 1) throw new RangeError(`a name of ${bytes.length} bytes`);
  return { bytes, raw: false };
}

/** The top bit of its length tells raw base64url from text. */
function packed({ bytes, raw }: ReturnType<typeof pack>): Buffer {
  const buffer = Buffer.allocUnsafe(2 + bytes.length);
  buffer.writeUInt16LE(bytes.length | (raw ? 0x8000 : 0), 0);
  bytes.copy(buffer, 2);
  return buffer;
}
