/**
 * A lean HTTP/1.1 client for load: one keep-alive socket, one request at a time, no parsing beyond what
 * tells where a response ends. It costs a fraction of a general client, so that on a shared machine
 * what is measured is the server.
 */
import { connect, type Socket } from 'node:net';

export interface RawResponse {
  readonly status: number;
  /** Header lines as sent, without the status line. */
  readonly head: string;
  readonly bodyBytes: number;
}

/** A response that grows beyond this is no answer of ours. */
const responseBytesMax = 16 * 1024 * 1024;
const headEnd = Buffer.from('\r\n\r\n');
const lastChunk = Buffer.from('0\r\n\r\n');

export class RawConnection {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #head: string | undefined;
  #status = 0;
  #bodyAt = 0;
  /** Where the response ends; undefined = after the last chunk of a chunked body. */
  #endsAt: number | undefined;
  #done: ((response: RawResponse) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  static open(host: string, port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  /** One at a time. @param request the whole request, head and body. */
  send(request: string | Buffer, done: (response: RawResponse) => void, failed: (error: Error) => void): void {
    this.#done = done;
    this.#failed = failed;
    this.#socket.write(request);
  }

  close(): void {
    this.#failed = undefined;
    this.#done = undefined;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > responseBytesMax) return this.#fail(new Error(`a response exceeds ${responseBytesMax} bytes`));
    this.#chunks.push(chunk);
    if (this.#head === undefined && !this.#readHead()) return;
    if (this.#endsAt === undefined ? this.#endsWithLastChunk() : this.#bytes >= this.#endsAt) this.#finish();
  }

  #readHead(): boolean {
    const all = this.#joined();
    const at = all.indexOf(headEnd);
    if (at === -1) return false;
    const text = all.toString('latin1', 0, at);
    const lineEnd = text.indexOf('\r\n');
    this.#status = Number(text.slice(9, 12));
    this.#head = text.slice(lineEnd + 2);
    this.#bodyAt = at + headEnd.length;
    const length = /^content-length: *(\d+)/im.exec(text);
    this.#endsAt = length === null ? undefined : this.#bodyAt + Number(length[1]);
    return true;
  }

  /** JSON and events escape carriage returns, so a body never holds what looks like its last chunk. */
  #endsWithLastChunk(): boolean {
    if (this.#bytes - this.#bodyAt < lastChunk.length) return false;
    const last = this.#chunks.at(-1)!;
    const tail = last.length >= lastChunk.length + 2 ? last : this.#joined();
    const at = tail.length - lastChunk.length;
    if (!tail.subarray(at).equals(lastChunk)) return false;
    // An empty chunked body has the head before its last chunk, any other one the end of a chunk.
    return tail[at - 1] === 0x0a && tail[at - 2] === 0x0d;
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks, this.#bytes)];
    return this.#chunks[0]!;
  }

  #finish(): void {
    const response = { status: this.#status, head: this.#head!, bodyBytes: this.#bytes - this.#bodyAt };
    const done = this.#done;
    this.#chunks = [];
    this.#bytes = 0;
    this.#head = undefined;
    this.#done = this.#failed = undefined;
    done?.(response);
  }

  #fail(error: Error): void {
    const failed = this.#failed;
    this.#failed = this.#done = undefined;
    this.#socket.destroy();
    failed?.(error);
  }
}

/** Value of a header of `RawResponse.head`, or undefined. @param name in lower case. */
export function headerOf(head: string, name: string): string | undefined {
  const at = head.toLowerCase().indexOf(`${name}:`);
  if (at === -1 || (at > 0 && head[at - 1] !== '\n')) return undefined;
  const end = head.indexOf('\r\n', at);
  return head.slice(at + name.length + 1, end === -1 ? undefined : end).trim();
}

/** Head of a POST with a JSON body; the caller appends the body. */
export function postHead(options: { host: string; path: string; bodyBytes: number; headers?: string }): string {
  const { host, path, bodyBytes, headers = '' } = options;
  return `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n${headers}content-length: ${bodyBytes}\r\n\r\n`;
}
