/** Redis' wire format: commands in, replies out, in both protocols. */

export type Protocol = 2 | 3;

/** A reply before it is written in one of the protocols; strings become bulk strings. */
export type Reply =
  | string
  | number
  | Buffer
  | null
  | readonly Reply[]
  | { readonly simple: string }
  | { readonly error: string }
  /** As `pairs`, with keys that are bulk strings: names that come from outside. */
  | { readonly fields: readonly (readonly [name: string, value: string | Buffer])[] }
  /** In protocol 2 it is written flat, as an array of keys and values. */
  | { readonly pairs: readonly (readonly [key: string, value: Reply])[] }
  /** In protocol 2 an array. */
  | { readonly set: readonly Reply[] };

const end = '\r\n';
/** A bulk string of Redis has at most 512 MB; a command of a test has less, and a wrong length must not be waited for. */
const bulkBytesMax = 64 * 1024 * 1024;

export function encodeReply(reply: Reply, protocol: Protocol): Buffer {
  const parts: Buffer[] = [];
  write(reply, protocol, parts);
  return Buffer.concat(parts);
}

function write(reply: Reply, protocol: Protocol, parts: Buffer[]): void {
  const line = (text: string): void => void parts.push(Buffer.from(`${text}${end}`));
  const each = (replies: readonly Reply[]): void => {
    for (const one of replies) write(one, protocol, parts);
  };
  if (reply === null) return line(protocol === 3 ? '_' : '$-1');
  if (typeof reply === 'number') return line(`:${reply}`);
  if (typeof reply === 'string' || Buffer.isBuffer(reply)) {
    const bytes = Buffer.from(reply);
    line(`$${bytes.length}`);
    return void parts.push(bytes, Buffer.from(end));
  }
  if ('simple' in reply) return line(`+${reply.simple}`);
  if ('error' in reply) return line(`-${reply.error}`);
  if ('pairs' in reply) {
    line(protocol === 3 ? `%${reply.pairs.length}` : `*${reply.pairs.length * 2}`);
    for (const [key, value] of reply.pairs) each([{ simple: key }, value]);
    return;
  }
  if ('fields' in reply) {
    line(protocol === 3 ? `%${reply.fields.length}` : `*${reply.fields.length * 2}`);
    return each(reply.fields.flat());
  }
  if ('set' in reply) {
    line(`${protocol === 3 ? '~' : '*'}${reply.set.length}`);
    return each(reply.set);
  }
  line(`*${reply.length}`);
  each(reply);
}

export function encodeCommand(parts: readonly (string | Buffer)[]): Buffer {
  return encodeReply(parts, 2);
}

/** Cuts a stream of bytes into commands: arrays of bulk strings, which is what clients send. */
export class CommandReader {
  #bytes: Buffer = Buffer.alloc(0);

  /** @throws Error for anything that is no array of bulk strings. */
  push(chunk: Buffer): { readonly command: readonly Buffer[]; readonly raw: Buffer }[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const found: { command: readonly Buffer[]; raw: Buffer }[] = [];
    for (;;) {
      const read = readCommand(this.#bytes);
      if (read === undefined) return found;
      found.push({ command: read.command, raw: this.#bytes.subarray(0, read.end) });
      this.#bytes = this.#bytes.subarray(read.end);
    }
  }
}

function readCommand(bytes: Buffer): { readonly command: Buffer[]; readonly end: number } | undefined {
  const head = lineAt(bytes, 0);
  if (head === undefined) return undefined;
  if (!/^\*[1-9]\d*$/.test(head.text)) throw new Error(`no command: ${JSON.stringify(head.text.slice(0, 80))}`);
  const command: Buffer[] = [];
  let at = head.end;
  for (let left = Number(head.text.slice(1)); left > 0; left--) {
    const length = lineAt(bytes, at);
    if (length === undefined) return undefined;
    const size = Number(length.text.slice(1));
    if (!/^\$\d+$/.test(length.text) || size > bulkBytesMax)
      throw new Error(`no argument: ${length.text.slice(0, 80)}`);
    if (bytes.length < length.end + size + 2) return undefined;
    command.push(bytes.subarray(length.end, length.end + size));
    at = length.end + size + 2;
  }
  return { command, end: at };
}

/** Cuts a stream of bytes into whole replies, of either protocol, without decoding them. */
export class ReplyCutter {
  #bytes: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const found: Buffer[] = [];
    for (;;) {
      const stop = replyEnd(this.#bytes, 0);
      if (stop === undefined) return found;
      found.push(this.#bytes.subarray(0, stop));
      this.#bytes = this.#bytes.subarray(stop);
    }
  }
}

/** Where the reply that begins at `from` ends; undefined when it is not whole yet. */
export function replyEnd(bytes: Buffer, from: number): number | undefined {
  const head = lineAt(bytes, from);
  if (head === undefined) return undefined;
  const kind = head.text[0]!;
  if ('+-:_#,('.includes(kind)) return head.end;
  const count = Number(head.text.slice(1));
  if ('$=!'.includes(kind)) {
    if (count < 0) return head.end;
    return bytes.length < head.end + count + 2 ? undefined : head.end + count + 2;
  }
  if (!'*%~>|'.includes(kind)) throw new Error(`no reply: ${JSON.stringify(head.text.slice(0, 80))}`);
  let at: number | undefined = head.end;
  // An attribute stands before the reply that it is about.
  const values = kind === '%' ? 2 * count : kind === '|' ? 2 * count + 1 : count;
  for (let left = values; left > 0 && at !== undefined; left--) at = replyEnd(bytes, at);
  return at;
}

/** A reply as plain values: arrays, strings (bytes as latin1), numbers, null; maps and sets come flat. Errors are thrown. */
export function decodeReply(bytes: Buffer): unknown {
  return decodeAt(bytes, 0).value;
}

function decodeAt(bytes: Buffer, from: number): { readonly value: unknown; readonly end: number } {
  const head = lineAt(bytes, from)!;
  const kind = head.text[0]!;
  const rest = head.text.slice(1);
  switch (kind) {
    case '-':
      throw new Error(rest);
    case '_':
      return { value: null, end: head.end };
    case ':':
    case ',':
      return { value: Number(rest), end: head.end };
    case '#':
      return { value: rest === 't' ? 1 : 0, end: head.end };
    case '+':
    case '(':
      return { value: rest, end: head.end };
  }
  const count = Number(rest);
  if (kind === '$' || kind === '=') {
    if (count < 0) return { value: null, end: head.end };
    return { value: bytes.toString('latin1', head.end, head.end + count), end: head.end + count + 2 };
  }
  if (count < 0) return { value: null, end: head.end };
  const values: unknown[] = [];
  let at = head.end;
  for (let left = kind === '%' ? 2 * count : count; left > 0; left--) {
    const next = decodeAt(bytes, at);
    values.push(next.value);
    at = next.end;
  }
  return { value: values, end: at };
}

function lineAt(bytes: Buffer, from: number): { readonly text: string; readonly end: number } | undefined {
  const stop = bytes.indexOf('\r\n', from, 'latin1');
  return stop === -1 ? undefined : { text: bytes.toString('latin1', from, stop), end: stop + 2 };
}
