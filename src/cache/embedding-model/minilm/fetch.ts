/** Downloads the MiniLM files once, so that a line that breaks or a wrong byte never leaves a half model behind. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import type { Clock } from '../../../core/clock.ts';
import type { Random } from '../../../core/random.ts';
import { AppError } from '../../../core/errors.ts';
import { defaultBaseUrl, int8Model, tokenizerFile, type KnownFile } from './known-files.ts';

export interface FetchProgress {
  /** Path of the file being fetched, and bytes of it. */
  readonly file: string;
  readonly fileBytes: number;
  readonly fileBytesTotal: number;
  /** Bytes of all files. */
  readonly bytes: number;
  readonly bytesTotal: number;
}

export interface FetchMiniLmOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Folder of the files on a server; default: the Hugging Face hub at a fixed revision. */
  readonly baseUrl?: string;
  /** Default: the tokenizer and the int8 weights. */
  readonly files?: readonly KnownFile[];
  readonly onProgress?: (progress: FetchProgress) => void;
  /** Default: honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
  readonly dispatcher?: Dispatcher;
}

export interface FetchMiniLmResult {
  /** Paths fetched now, and those that were there and right. */
  readonly fetched: readonly string[];
  readonly present: readonly string[];
  /** Received now; less than the files when a download was resumed. */
  readonly receivedBytes: number;
}

/** Tries in a row that bring no byte; a try that brings some starts the row again. */
const attemptsMax = 5;
/** Tries of one file in all: a line that breaks more often needs a person. */
const attemptsTotalMax = 50;
/** The hub sends one redirect, to its storage. */
const redirectsMax = 5;
/** No answer or no byte for this long ends a try. */
const stallMaxMs = 30_000;
/** 23 MB take this long at 13 kB/s. */
const fileMaxMs = 30 * 60_000;
const backoffMs = { first: 500, max: 10_000 };

/** A try that failed in a way another try may mend. */
class Retryable extends Error {
  readonly retryAfterMs: number | undefined;
  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}

interface Transfer extends FetchMiniLmOptions {
  readonly dispatcher: Dispatcher;
  readonly onBytes: (file: KnownFile, fileBytes: number) => void;
  received: number;
}

/**
 * Fetches what is missing into `<file>.part`, checks size and sha256, and renames: a file with its
 * final name is whole and right. A `.part` left by a broken or aborted call is resumed by the next.
 * @throws AppError `embedding_failed` with the remedy; the signal's reason when aborted
 */
export async function fetchMiniLm(options: FetchMiniLmOptions): Promise<FetchMiniLmResult> {
  const files = options.files ?? [tokenizerFile, int8Model];
  const bytesTotal = files.reduce((sum, file) => sum + file.bytes, 0);
  let finished = 0;
  const ownAgent = options.dispatcher
    ? undefined
    : new EnvHttpProxyAgent({ headersTimeout: stallMaxMs, bodyTimeout: stallMaxMs, connect: { timeout: 10_000 } });
  const transfer: Transfer = {
    ...options,
    dispatcher: options.dispatcher ?? ownAgent!,
    received: 0,
    onBytes(file, fileBytes) {
      const bytes = finished + fileBytes;
      options.onProgress?.({ file: file.path, fileBytes, fileBytesTotal: file.bytes, bytes, bytesTotal });
    },
  };
  const fetched: string[] = [];
  const present: string[] = [];
  try {
    for (const file of files) {
      const target = join(options.folder, file.path);
      if ((await sizeOf(target)) === file.bytes && (await sha256Of(target)) === file.sha256) present.push(file.path);
      else {
        await mkdir(dirname(target), { recursive: true });
        await fetchFile(transfer, file, target);
        fetched.push(file.path);
      }
      transfer.onBytes(file, file.bytes);
      finished += file.bytes;
    }
  } finally {
    await ownAgent?.destroy();
  }
  return { fetched, present, receivedBytes: transfer.received };
}

async function fetchFile(transfer: Transfer, file: KnownFile, target: string): Promise<void> {
  const { clock, random, signal } = transfer;
  const base = transfer.baseUrl ?? defaultBaseUrl;
  const url = new URL(file.path, base.endsWith('/') ? base : `${base}/`);
  const part = `${target}.part`;
  const limit = new AbortController();
  const limitTimer = clock.after(fileMaxMs, () =>
    limit.abort(failed(url, `took longer than ${fileMaxMs / 60_000} minutes; run the command again to resume`)),
  );
  const until = AbortSignal.any([signal, limit.signal]);
  let withoutBytes = 0;
  let resumed = (await sizeOf(part)) > 0;
  try {
    for (let attempt = 1; ; attempt++) {
      const before = transfer.received;
      try {
        await receive(transfer, file, { url, part, signal: until });
        const sha256 = await sha256Of(part);
        if (sha256 === file.sha256) break;
        await rm(part, { force: true });
        // A part of an older version of the file may lie at the start: one fresh try settles it.
        if (!resumed) throw failed(url, `has sha256 ${sha256}, expected ${file.sha256}; use another mirror`);
        resumed = false;
      } catch (error) {
        if (until.aborted) throw until.reason;
        if (!(error instanceof Retryable)) throw error;
        withoutBytes = transfer.received > before ? 1 : withoutBytes + 1;
        if (transfer.received > before) resumed = true;
        if (withoutBytes >= attemptsMax || attempt >= attemptsTotalMax) {
          throw failed(url, `${error.message} (${attempt} tries); check the network and run the command again`, error);
        }
        const ceiling = Math.min(backoffMs.max, backoffMs.first * 2 ** (withoutBytes - 1));
        await clock.sleep(error.retryAfterMs ?? ceiling * (0.5 + random.float() / 2), until);
      }
    }
  } finally {
    limitTimer.clear();
  }
  await rename(part, target);
}

/** Brings `part` to its full size, from where it stands. */
async function receive(
  transfer: Transfer,
  file: KnownFile,
  { url, part, signal }: { readonly url: URL; readonly part: string; readonly signal: AbortSignal },
): Promise<void> {
  let from = await sizeOf(part);
  if (from > file.bytes) {
    await rm(part, { force: true });
    from = 0;
  }
  if (from === file.bytes) return;
  const response = await get(transfer, url, from, signal);
  try {
    // 200 is the whole file from a server without ranges.
    if (from > 0 && !startsAt(response, from, file.bytes)) from = 0;
    const length = Number(response.headers['content-length'] ?? Number.NaN);
    if (Number.isFinite(length) && from + length !== file.bytes) {
      throw failed(url, `holds ${from + length} bytes, expected ${file.bytes}; use another mirror`);
    }
    const out = await open(part, from > 0 ? 'a' : 'w');
    try {
      let size = from;
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > file.bytes) throw failed(url, `holds more than ${file.bytes} bytes; use another mirror`);
        await out.write(chunk);
        transfer.received += chunk.length;
        transfer.onBytes(file, size);
      }
      if (size < file.bytes) throw new Retryable(`the connection ended after ${size} of ${file.bytes} bytes`);
      await out.sync();
    } finally {
      await out.close();
    }
  } catch (error) {
    if (error instanceof AppError || error instanceof Retryable || isFileError(error)) throw error;
    throw new Retryable(`the connection broke: ${(error as Error).message}`, { cause: error });
  } finally {
    response.body.on('error', () => undefined).destroy();
  }
}

function startsAt({ statusCode, headers }: Dispatcher.ResponseData, from: number, total: number): boolean {
  if (statusCode !== 206) return false;
  if (headers['content-range'] === `bytes ${from}-${total - 1}/${total}`) return true;
  throw new Retryable(`the server sent range ${String(headers['content-range'])}, asked from byte ${from}`);
}

/** @returns a response of status 200 or 206, redirects followed. */
async function get(transfer: Transfer, url: URL, from: number, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  let at = url;
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    let response: Dispatcher.ResponseData;
    try {
      response = await request(at, {
        dispatcher: transfer.dispatcher,
        signal,
        headers: { accept: '*/*', 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) },
        headersTimeout: stallMaxMs,
        bodyTimeout: stallMaxMs,
      });
    } catch (error) {
      throw new Retryable(`cannot reach ${at.host}: ${(error as Error).message}`, { cause: error });
    }
    const { statusCode, headers } = response;
    if (statusCode === 200 || statusCode === 206) return response;
    await response.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
    const { location } = headers;
    if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
      const next = new URL(location, at);
      if (next.protocol !== 'https:' && !(next.protocol === 'http:' && at.protocol === 'http:')) {
        throw failed(url, `redirects to ${next.protocol}//${next.host}, which is not as safe; use another mirror`);
      }
      at = next;
    } else if (statusCode === 416) {
      throw new Retryable(`the server has no byte ${from}`);
    } else if (statusCode >= 500 || statusCode === 429 || statusCode === 408) {
      throw new Retryable(`the server answered ${statusCode}`, { retryAfterMs: retryAfterMs(headers['retry-after']) });
    } else throw failed(url, `was answered with ${statusCode}; check the address, or give another with --mirror`);
  }
  throw failed(url, `redirects more than ${redirectsMax} times`);
}

/** Seconds as a number; a date or nonsense counts as absent, and no server makes us wait over a minute. */
function retryAfterMs(header: string | string[] | undefined): number | undefined {
  const seconds = typeof header === 'string' ? Number(header) : Number.NaN;
  return seconds > 0 ? Math.min(60, seconds) * 1_000 : undefined;
}

function failed(url: URL, why: string, cause?: unknown): AppError {
  return new AppError('embedding_failed', `${url.href} ${why}`, { cause });
}

const isFileError = (error: unknown): boolean =>
  ['ENOSPC', 'EACCES', 'EROFS', 'EDQUOT', 'EIO', 'EPERM', 'EISDIR'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );

/** 0 for a file that is not there. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
