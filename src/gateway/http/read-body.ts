import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { AppError } from '../../core/errors.ts';
import type { JsonValue } from '../../core/json.ts';

/** Reads and parses a JSON body. @throws body_too_large | bad_request | unsupported | aborted */
export async function readJsonBody(request: IncomingMessage, bytesMax: number): Promise<JsonValue> {
  const raw = await readBody(request, bytesMax);
  const encoding = request.headers['content-encoding'];
  const bytes = encoding === undefined || encoding === 'identity' ? raw : await decompress(raw, encoding, bytesMax);
  if (bytes.length === 0) throw new AppError('bad_request', 'missing request body');
  try {
    return JSON.parse(bytes.toString('utf8')) as JsonValue;
  } catch (error) {
    throw new AppError('bad_request', `the request body is not valid JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const declared = request.headers['content-length'];
    if (declared !== undefined && Number(declared) > bytesMax) return reject(tooLarge(bytesMax));
    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > bytesMax) {
        request.pause();
        reject(tooLarge(bytesMax));
      } else if (first === undefined) first = chunk;
      else (rest ??= []).push(chunk);
    });
    request.on('end', () =>
      resolve(
        first === undefined ? Buffer.alloc(0) : rest === undefined ? first : Buffer.concat([first, ...rest], length),
      ),
    );
    request.on('error', () => reject(new AppError('aborted', 'the client went away while sending its request')));
  });
}

const tooLarge = (bytesMax: number) =>
  new AppError(
    'body_too_large',
    `the request body is larger than ${bytesMax} bytes (gateway.bodyBytesMax); send less or raise it`,
  );

const decompressors = {
  zstd: promisify(zstdDecompress),
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

async function decompress(bytes: Buffer, encoding: string, bytesMax: number): Promise<Buffer> {
  if (!Object.hasOwn(decompressors, encoding)) {
    throw new AppError(
      'unsupported',
      `content-encoding \`${encoding}\` is not understood; send ${Object.keys(decompressors).join(', ')} or none`,
    );
  }
  try {
    return await decompressors[encoding as keyof typeof decompressors](bytes, {
      maxOutputLength: bytesMax,
    });
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax);
    throw new AppError('bad_request', `the request body is not valid ${encoding}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
