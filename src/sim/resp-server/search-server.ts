/**
 * The Query Engine in front of a Redis that has none: FT.* is answered here, everything else by the real server
 * behind. It follows the hashes there by keyspace notifications, as the module does. What it does not know of FT.*
 * is refused and noted in `faults`, so that a test fails on a command that no real server was asked.
 *
 * Its replies have the shapes recorded from RediSearch 8.0 in both protocols (`search-server.redis.test.ts` compares).
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { CommandReader, encodeReply, ReplyCutter, replyEnd, type Protocol, type Reply } from './frames.ts';
import { parseSchema, SearchIndex } from './search-index.ts';
import { parseQuery, QueryError } from './search-query.ts';
import { readOptions, searchReply } from './search-reply.ts';
import { openUpstream, readHash } from './upstream.ts';

/**
 * `hangs`: FT.SEARCH is never answered, as with a dead shard. `partial`: rows are missing, as while slots move;
 * `doubled`: rows come twice. `absent`: the module is not loaded any more. `no-create`: this user may only search.
 */
export type SearchMode = 'works' | 'hangs' | 'partial' | 'doubled' | 'absent' | 'no-create';

export interface SearchServer {
  /** @returns the port on loopback. */
  listen(): Promise<number>;
  mode: SearchMode;
  /** FT.* that came and is not simulated. */
  readonly faults: readonly string[];
  /** FT.SEARCH so far. */
  readonly searches: number;
  readonly indexes: readonly { readonly name: string; readonly documents: number; readonly algorithm: string }[];
  close(): Promise<void>;
}

/** KEYS: any. Output: 1 for each that exists, else 0. Reads only. */
const existing = 'local found = {} for i, key in ipairs(KEYS) do found[i] = redis.call("EXISTS", key) end return found';

export interface SearchServerOptions {
  readonly behind: { readonly host: string; readonly port: number };
  /** 2: HELLO 3 is refused, as by a proxy that does not know it. */
  readonly protocolMax?: Protocol;
}

export async function createSearchServer({ behind, protocolMax = 3 }: SearchServerOptions): Promise<SearchServer> {
  const indexes = new Map<string, SearchIndex>();
  const aliases = new Map<string, string>();
  const faults: string[] = [];
  const sockets = new Set<Socket>();
  const dirty = new Set<string>();
  const data = await openUpstream(behind);
  const events = await openUpstream(behind);
  await data.send(['CONFIG', 'SET', 'notify-keyspace-events', 'KA']);
  events.onMessage((channel) => void dirty.add(channel.slice(channel.indexOf(':') + 1)));
  await events.subscribe('__keyspace@0__:*');
  let searches = 0;

  const server = createServer((socket) => {
    sockets.add(socket);
    const upstream = connect(behind.port, behind.host);
    sockets.add(upstream);
    const gone = () => {
      socket.destroy();
      upstream.destroy();
      sockets.delete(socket);
      sockets.delete(upstream);
    };
    for (const each of [socket, upstream]) each.setNoDelay(true).on('error', gone).on('close', gone);
    serveConnection(socket, upstream);
  });

  const facade: SearchServer = {
    mode: 'works',
    faults,
    get searches() {
      return searches;
    },
    get indexes() {
      return [...indexes.values()].map((each) => ({
        name: each.name,
        documents: each.size,
        algorithm: each.vectorField?.algorithm ?? '',
      }));
    },
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
      }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      data.close();
      events.close();
    },
  };
  return facade;

  function serveConnection(socket: Socket, upstream: Socket): void {
    const reader = new CommandReader();
    const cutter = new ReplyCutter();
    const waiting: { readonly command: readonly Buffer[]; readonly raw: Buffer }[] = [];
    let protocol: Protocol = 2;
    let inFlight = 0;
    let piping = false;
    let running = false;
    let drained: (() => void) | undefined;

    upstream.on('data', (chunk) => {
      if (piping) return void socket.write(chunk);
      for (const reply of cutter.push(chunk)) {
        // Pushes of protocol 3 answer no command.
        if (reply[0] !== 0x3e) inFlight -= 1;
        socket.write(reply);
      }
      if (inFlight === 0) drained?.();
    });
    socket.on('data', (chunk) => {
      try {
        waiting.push(...reader.push(chunk));
      } catch (error) {
        faults.push((error as Error).message);
        return void socket.destroy();
      }
      if (!running) void run();
    });

    async function run(): Promise<void> {
      running = true;
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const name = next.command[0]!.toString('latin1').toUpperCase();
        const isSearch = name.startsWith('FT.');
        const asksCommands = name === 'COMMAND' && facade.mode !== 'absent';
        if (!(isSearch && facade.mode !== 'absent') && !asksCommands) {
          if (name === 'HELLO' && next.command[1] !== undefined) {
            const wanted: Protocol = next.command[1].toString() === '3' ? 3 : 2;
            if (wanted > protocolMax) {
              if (inFlight > 0) await new Promise<void>((resolve) => (drained = resolve));
              socket.write('-NOPROTO unsupported protocol version\r\n');
              continue;
            }
            protocol = wanted;
          }
          if (name.includes('SUBSCRIBE') || name === 'MONITOR') piping = true;
          inFlight += 1;
          upstream.write(next.raw);
          continue;
        }
        // What came before on this connection is answered, and done, before.
        if (inFlight > 0) await new Promise<void>((resolve) => (drained = resolve));
        if (asksCommands) socket.write(await commandInfo(next.command, protocol));
        else if (!(name === 'FT.SEARCH' && facade.mode === 'hangs')) socket.write(await answer(next.command, protocol));
        else return; // later commands of this connection wait behind it, as on a real server
      }
      running = false;
    }
  }

  /** COMMAND INFO of the server behind, with entries for what it lacks and this one has. */
  async function commandInfo(command: readonly Buffer[], protocol: Protocol): Promise<Buffer> {
    const raw = await data.sendRaw(command);
    const isInfo = command[1]?.toString().toUpperCase() === 'INFO';
    if (!isInfo) return raw;
    const parts: Buffer[] = [Buffer.from(`*${command.length - 2}\r\n`)];
    let at = raw.indexOf('\r\n') + 2;
    for (const name of command.slice(2)) {
      const stop = replyEnd(raw, at)!;
      const own = name.toString().toUpperCase().startsWith('FT.');
      const flags: Reply = { set: [{ simple: 'readonly' }, { simple: 'module' }] };
      parts.push(
        own
          ? encodeReply([name, -1, flags, 0, 0, 0, { set: [] }, { set: [] }, { set: [] }, { set: [] }], protocol)
          : raw.subarray(at, stop),
      );
      at = stop;
    }
    return Buffer.concat(parts);
  }

  async function answer(command: readonly Buffer[], protocol: Protocol): Promise<Buffer> {
    try {
      return encodeReply(await perform(command, protocol), protocol);
    } catch (error) {
      if (error instanceof QueryError) return encodeReply({ error: error.message }, protocol);
      throw error;
    }
  }

  async function perform(command: readonly Buffer[], protocol: Protocol): Promise<Reply> {
    const [name, ...words] = command.map((part) => part.toString('utf8'));
    switch (name!.toUpperCase()) {
      case 'FT.CREATE':
        return create(words);
      case 'FT.SEARCH':
        searches += 1;
        await follow();
        return search(command.slice(1), protocol);
      case 'FT.INFO':
        await follow();
        return find(words[0]!, `${words[0]}: no such index`).info();
      case 'FT._LIST':
        return { set: [...indexes.keys()].map((each) => ({ simple: each })) };
      case 'FT.ALIASADD':
      case 'FT.ALIASUPDATE': {
        const [alias, index] = [words[0]!, words[1]!];
        if (!indexes.has(index)) throw new QueryError(`${index}: no such index`);
        if (indexes.has(alias)) throw new QueryError('Alias conflicts with an existing index name');
        if (name!.toUpperCase() === 'FT.ALIASADD' && aliases.has(alias)) throw new QueryError('Alias already exists');
        aliases.set(alias, index);
        return { simple: 'OK' };
      }
      case 'FT.DROPINDEX': {
        if (words.length > 1) break;
        const { name: index } = find(words[0]!, `${words[0]}: no such index`);
        indexes.delete(index);
        for (const [alias, to] of aliases) if (to === index) aliases.delete(alias);
        return { simple: 'OK' };
      }
    }
    faults.push(command.map((part) => JSON.stringify(part.toString('latin1').slice(0, 60))).join(' '));
    throw new QueryError(`ERR not simulated: ${name}`);
  }

  async function create(words: readonly string[]): Promise<Reply> {
    const [name, on, hash, prefix, one, pattern, schema] = words;
    if (facade.mode === 'no-create')
      throw new QueryError("NOPERM User app has no permissions to run the 'ft.create' command");
    const shape = [on, hash, prefix, one, schema].join(' ').toUpperCase();
    if (shape !== 'ON HASH PREFIX 1 SCHEMA') {
      faults.push(`FT.CREATE ${words.join(' ')}`);
      throw new QueryError('ERR not simulated: FT.CREATE of this shape');
    }
    if (indexes.has(name!)) throw new QueryError('Index already exists');
    const index = new SearchIndex(name!, pattern!, parseSchema(words.slice(7)));
    indexes.set(name!, index);
    let cursor = '0';
    do {
      const [next, keys] = (await data.send(['SCAN', cursor, 'MATCH', `${pattern}*`, 'COUNT', '1000'])) as [
        string,
        string[],
      ];
      for (const key of keys) dirty.add(key);
      cursor = next;
    } while (cursor !== '0');
    return { simple: 'OK' };
  }

  async function search(command: readonly Buffer[], protocol: Protocol): Promise<Reply> {
    const [name, text] = command.map((part) => part.toString('utf8'));
    const index = find(name!, `No such index ${name}`);
    const options = readOptions(command);
    if (options.dialect < 2 && text!.includes('=>[')) throw new QueryError('Syntax error at offset 1 near >[');
    const query = parseQuery(text!, options.params);
    let rows = index.search(query);
    // Expired and not yet removed: such a row takes a place among the nearest, and is not returned.
    const alive = (await data.send(['EVAL', existing, String(rows.length), ...rows.map(({ key }) => key)])) as number[];
    rows = rows.filter((_, at) => alive[at] === 1);
    if (facade.mode === 'partial') rows = rows.filter((_, at) => at % 2 === 1);
    if (facade.mode === 'doubled') rows = rows.flatMap((row) => [row, row]);
    const shown = rows.slice(options.offset, options.offset + options.count);
    return searchReply({ rows: shown, total: rows.length, as: query.knn?.as }, options, protocol);
  }

  function find(name: string, missing: string): SearchIndex {
    const index = indexes.get(name) ?? indexes.get(aliases.get(name) ?? '');
    if (index === undefined) throw new QueryError(missing);
    return index;
  }

  /** Reads the hashes that have changed; notifications sent before this call have come when the ping is answered. */
  async function follow(): Promise<void> {
    await events.ping();
    const keys = [...dirty];
    dirty.clear();
    await Promise.all(
      keys
        .filter((key) => [...indexes.values()].some(({ prefix }) => key.startsWith(prefix)))
        .map(async (key) => {
          const fields = await readHash(data, key);
          for (const index of indexes.values()) index.changed(key, fields);
        }),
    );
  }
}
