/** The answer and its text, compressed; and the vector in a quarter of its size. */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { RequestId } from '../../../core/ids.ts';
import { packedVector, packVector, unitVectorOf, type PackedVector, type UnitVector } from '../../../core/vector.ts';
import type { CacheEntry } from '../../cache-store.ts';
import type { Head } from './head-codec.ts';

/** A body of some entry may not fill memory when it is unpacked. */
const bodyBytesMax = 64 * 2 ** 20;
/** Shorter bodies do not shrink. */
const compressFrom = 200;
const plain = 0;
const zstd = 1;

interface Body {
  readonly d: string;
  readonly o: string;
  readonly t?: string;
  /** Context vector, base64 of `encodeVector`. */
  readonly c?: string;
  readonly a: CacheEntry['answer'];
}

export function encodeBody(entry: CacheEntry, answerJson: string): Buffer {
  const { semantic } = entry;
  const rest: Omit<Body, 'a'> = {
    d: entry.digest,
    o: entry.origin,
    ...(semantic && { t: semantic.text }),
    ...(semantic?.context && { c: encodeVector(semantic.context).toString('base64') }),
  };
  const json = Buffer.from(`${JSON.stringify(rest).slice(0, -1)},"a":${answerJson}}`);
  const packed = json.length < compressFrom ? undefined : zstdCompressSync(json);
  return packed !== undefined && packed.length < json.length
    ? Buffer.concat([Buffer.from([zstd]), packed])
    : Buffer.concat([Buffer.from([plain]), json]);
}

/** @throws Error when the bytes are not what `encodeBody` made */
export function decodeEntry(head: Head, body: Buffer, vec8: Buffer): CacheEntry {
  const bytes =
    body[0] === zstd ? zstdDecompressSync(body.subarray(1), { maxOutputLength: bodyBytesMax }) : body.subarray(1);
  const { d, o, t, c, a } = JSON.parse(bytes.toString()) as Body;
  return {
    id: head.id,
    exactKey: head.key,
    tenant: head.tenant,
    model: head.model,
    digest: d,
    ...(head.scope !== undefined &&
      head.embeddingModel !== undefined && {
        semantic: {
          scope: head.scope,
          text: t ?? '',
          embeddingModel: head.embeddingModel,
          vector: decodeVector(vec8),
          ...(c !== undefined && { context: decodeVector(Buffer.from(c, 'base64')) }),
        },
      }),
    answer: a,
    storedAt: head.storedAt,
    expiresAt: head.expiresAt,
    origin: o as RequestId,
    gpuMs: head.gpuMs,
  };
}

/** A float for the scale, then one signed byte a dimension. */
export function encodeVector(vector: UnitVector): Buffer {
  const bytes = Buffer.allocUnsafe(4 + vector.length);
  bytes.writeFloatLE(packVector(vector, packedVectorOf(bytes)), 0);
  return bytes;
}

/** A view: the scale is the same for every dimension, so that it does not turn the vector. */
export const packedVectorOf = (bytes: Buffer): PackedVector =>
  packedVector(new Int8Array(bytes.buffer, bytes.byteOffset + 4, bytes.length - 4));

const decodeVector = (bytes: Buffer): UnitVector => unitVectorOf(packedVectorOf(bytes));
