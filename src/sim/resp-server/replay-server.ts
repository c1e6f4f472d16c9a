/**
 * A server that plays back recorded replies over TCP: the commands must come as they were recorded, in that
 * order, and anything else is a fault that the test finds in `faults`.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { CommandReader, encodeReply, type Protocol } from './frames.ts';

/** One command and the bytes that answered it. */
export interface Recording {
  readonly name: string;
  /** Text is UTF-8; binary as base64; `any` stands for an argument that differs from run to run, and `rest…` for all that follow. */
  readonly command: readonly (string | { readonly base64: string } | { readonly any: string })[];
  /** The raw reply, each byte one character (latin1); null: none comes, the caller waits for ever. */
  readonly reply: string | null;
}

export interface ReplayServer {
  /** @returns the port on loopback. */
  listen(): Promise<number>;
  /** What came and was not recorded, or out of order. */
  readonly faults: readonly string[];
  /** Recordings that nobody has asked for yet. */
  readonly left: readonly string[];
  close(): Promise<void>;
}

export interface ReplayOptions {
  readonly script: readonly Recording[];
  /** Answered whenever they come, as often as they come: what a client library says when it connects. */
  readonly greetings?: readonly Recording[];
}

export function createReplayServer({ script, greetings = [] }: ReplayOptions): ReplayServer {
  const faults: string[] = [];
  const sockets = new Set<Socket>();
  let next = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    const reader = new CommandReader();
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      for (const { command } of reader.push(chunk)) {
        const reply = answer(command);
        if (reply !== null) socket.write(Buffer.from(reply, 'latin1'));
      }
    });
  });

  function answer(command: readonly Buffer[]): string | null {
    const greeting = greetings.find((each) => isSame(each, command));
    if (greeting !== undefined) return greeting.reply;
    const wanted = script[next];
    if (wanted !== undefined && isSame(wanted, command)) {
      next += 1;
      return wanted.reply;
    }
    faults.push(`${shown(command)}; expected ${wanted === undefined ? 'nothing more' : wanted.name}`);
    return `-ERR not recorded: ${command[0]!.toString('latin1')}\r\n`;
  }

  return {
    faults,
    get left() {
      return script.slice(next).map(({ name }) => name);
    },
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
      }),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function isSame({ command: written }: Recording, command: readonly Buffer[]): boolean {
  const open = written.at(-1) === 'rest…';
  const recorded = open ? written.slice(0, -1) : written;
  if (open && command.length > recorded.length)
    return isSame({ name: '', command: recorded, reply: null }, command.slice(0, recorded.length));
  if (recorded.length !== command.length) return false;
  return recorded.every((part, at) => {
    if (typeof part === 'object' && 'any' in part) return true;
    const wanted = typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.base64, 'base64');
    // Redis takes the names of commands in any case.
    if (at === 0) return wanted.toString('latin1').toUpperCase() === command[0]!.toString('latin1').toUpperCase();
    return wanted.equals(command[at]!);
  });
}

const shown = (command: readonly Buffer[]): string =>
  command.map((part) => JSON.stringify(part.toString('latin1').slice(0, 60))).join(' ');

/** What our connection says before its first command, as a server with the Query Engine answers it. */
export function greetings(protocol: Protocol, commands: readonly string[]): readonly Recording[] {
  const info = '# Server\r\nredis_version:8.0.6\r\nrun_id:0123456789abcdef0123456789abcdef01234567\r\nloading:0\r\n';
  const known = commands.map((name) =>
    encodeReply([name, -1, [], 0, 0, 0, [], [], [], []], protocol).toString('latin1'),
  );
  const said: readonly (readonly [command: readonly string[], reply: string])[] = [
    [['hello', '3'], protocol === 3 ? '%1\r\n$5\r\nproto\r\n:3\r\n' : '-NOPROTO unsupported protocol version\r\n'],
    [['hello', 'rest…'], '*2\r\n$5\r\nproto\r\n:2\r\n'],
    [['client', 'rest…'], '+OK\r\n'],
    [['info'], protocol === 3 ? `=${info.length + 4}\r\ntxt:${info}\r\n` : `$${info.length}\r\n${info}\r\n`],
    [['command', 'rest…'], `*${known.length}\r\n${known.join('')}`],
    [['ping'], '+PONG\r\n'],
  ];
  return said.map(([command, reply]) => ({ name: command.join(' '), command, reply }));
}
