/** The simulated Query Engine answers what the recorded one did: same shapes, same rows, same refusals. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startRedis } from '../../testing/redis-kit.ts';
import { decodeReply, encodeCommand, ReplyCutter, type Protocol } from './frames.ts';
import type { Recording } from './replay-server.ts';
import { createSearchServer } from './search-server.ts';

/**
 * Taken from redis 8.0.6 with RediSearch 8.0.1 over plain TCP; twelve documents of eight dimensions in three scopes,
 * tenants with every character that needs care.
 */
const recorded = (protocol: Protocol): readonly Recording[] =>
  JSON.parse(
    readFileSync(join(import.meta.dirname, '__fixtures__', `query-engine-8.0-resp${protocol}.json`), 'utf8'),
  ) as Recording[];

describe('the simulated query engine', () => {
  for (const protocol of [2, 3] as const) {
    it(`answers as recorded in RESP${protocol}`, async () => {
      const redis = await startRedis();
      const server = await createSearchServer({ behind: { host: '127.0.0.1', port: redis.port } });
      const client = await openClient(await server.listen());
      try {
        if (protocol === 3) await client.send(['HELLO', '3']);
        const script = recorded(protocol);
        assert.ok(script.length > 70);
        for (const { name, command, reply } of script) {
          const parts = command.map((part) =>
            typeof part === 'string' ? part : Buffer.from((part as { base64: string }).base64, 'base64'),
          );
          assertAlike(readable(await client.send(parts)), readable(Buffer.from(reply!, 'latin1')), name);
        }
        assert.deepEqual(server.faults, []);
      } finally {
        client.close();
        await server.close();
        await redis.stop();
      }
    });
  }

  it('notes what it does not know, and refuses it', async () => {
    const redis = await startRedis();
    const server = await createSearchServer({ behind: { host: '127.0.0.1', port: redis.port } });
    const client = await openClient(await server.listen());
    try {
      assert.match(String(readable(await client.send(['FT.AGGREGATE', 'idx', '*']))), /not simulated/);
      assert.equal(server.faults.length, 1);
      assert.equal(readable(await client.send(['PING'])), 'PONG');
      server.mode = 'absent';
      assert.match(String(readable(await client.send(['FT._LIST']))), /ERR unknown command/);
    } finally {
      client.close();
      await server.close();
      await redis.stop();
    }
  });
});

/** Distances may differ in the last of their digits: another machine adds in another order. */
function assertAlike(got: unknown, wanted: unknown, name: string): void {
  const isNumber = (value: unknown): value is string =>
    typeof value === 'string' && /^-?\d+(\.\d+)?(e-\d+)?$/.test(value);
  if (Array.isArray(got) && Array.isArray(wanted)) {
    assert.equal(got.length, wanted.length, `${name}: ${JSON.stringify(got)} for ${JSON.stringify(wanted)}`);
    return got.forEach((each, at) => assertAlike(each, wanted[at], name));
  }
  if (isNumber(got) && isNumber(wanted))
    return assert.ok(Math.abs(Number(got) - Number(wanted)) < 1e-6, `${name}: ${got} for ${wanted}`);
  assert.deepEqual(got, wanted, name);
}

function readable(reply: Buffer): unknown {
  try {
    return decodeReply(reply);
  } catch (error) {
    return `refused: ${(error as Error).message}`;
  }
}

async function openClient(
  port: number,
): Promise<{ send(parts: readonly (string | Buffer)[]): Promise<Buffer>; close(): void }> {
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => socket.once('connect', () => resolve()).once('error', reject));
  const cutter = new ReplyCutter();
  const waiting: ((reply: Buffer) => void)[] = [];
  socket.on('data', (chunk) => {
    for (const reply of cutter.push(chunk)) waiting.shift()?.(reply);
  });
  return {
    send: (parts) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        socket.write(encodeCommand(parts));
      }),
    close: () => void socket.destroy(),
  };
}
