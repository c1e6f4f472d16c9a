import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { systemRandom } from '../core/random.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { startRedis, type RedisServer, type RedisServerOptions } from '../testing/redis-kit.ts';
import {
  eventually,
  makeTestCa,
  startRedisCluster,
  startSentinelGroup,
  startTlsRedis,
} from '../testing/redis-shapes.ts';
import { startTcpProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { createRedisConnection, type RedisOptions } from './connect.ts';
import { replyText, RedisReplyError, streamRows, type RedisConnection } from './redis-connection.ts';

const read = { as: 'read' } as const;
const write = { as: 'write' } as const;
const slack = { deadlineMs: 5_000 };

function connect(options: RedisOptions): RedisConnection {
  return createRedisConnection(options, { clock: systemClock, random: systemRandom, logger: silentLogger });
}

async function withConnection(options: RedisOptions, run: (redis: RedisConnection) => Promise<void>): Promise<void> {
  const redis = connect(options);
  try {
    await run(redis);
  } finally {
    await redis.close();
  }
}

async function withServer(options: RedisServerOptions, run: (server: RedisServer) => Promise<void>): Promise<void> {
  const server = await startRedis(options);
  try {
    await run(server);
  } finally {
    await server.stop();
  }
}

describe('Redis connection', () => {
  let server: RedisServer;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  it('calls, pipelines and transacts, with binary values', () =>
    withConnection({ url: server.url }, async (redis) => {
      await redis.ready(10_000);
      const bytes = Uint8Array.from([0, 255, 13, 10, 128]);
      assert.equal(replyText(await redis.call(['SET', 'k', bytes], { ...write, ...slack })), 'OK');
      assert.deepEqual(await redis.call(['GET', 'k'], { ...read, ...slack }), Buffer.from(bytes));
      assert.equal(await redis.call(['GET', 'absent'], { ...read, ...slack }), null);
      const replies = await redis.pipeline(
        [
          ['INCR', 'n'],
          ['LPUSH', 'k', '1'],
          ['GET', 'n'],
        ],
        { ...write, ...slack },
      );
      assert.equal(replies[0], 1);
      assert.ok(replies[1] instanceof RedisReplyError && replies[1].kind === 'WRONGTYPE');
      assert.equal(replyText(replies[2] as Buffer), '1');
      assert.deepEqual(
        await redis.transaction(
          [
            ['INCR', 'n'],
            ['INCR', 'n'],
          ],
          { ...write, ...slack },
        ),
        [2, 3],
      );
      await assert.rejects(redis.transaction([['INCR', 'n'], ['NONSENSE']], { ...write, ...slack }), /unknown command/);
      assert.equal(replyText(await redis.call(['GET', 'n'], { ...read, ...slack })), '3');
    }));

  it('finds out what the server can do', () =>
    withConnection({ url: server.url }, async (redis) => {
      const facts = await redis.ready(10_000);
      assert.equal(facts.engine === 'unknown', false);
      assert.equal(facts.cluster, false);
      assert.ok(facts.commands.has('xread') && facts.commands.has('scan'));
      assert.equal(facts.commands.has('ft.search'), false);
      assert.equal(facts.evictionPolicy, 'noeviction');
      assert.match(facts.runId!, /^[0-9a-f]{40}$/);
    }));

  it('is told apart from its server being away: refuses at once, and is back after the restart', () =>
    withServer({}, (own) =>
      withConnection({ url: own.url }, async (redis) => {
        const before = await redis.ready(10_000);
        await own.kill();
        await eventually('it is down', () => redis.health().state.kind === 'down');
        await assert.rejects(redis.call(['GET', 'k'], read), { code: 'redis_unavailable' });
        await own.restart();
        await eventually('it is ready', () => redis.health().state.kind === 'ready');
        assert.notEqual(redis.facts!.runId, before.runId);
        await redis.call(['GET', 'k'], { ...read, ...slack });
      }),
    ));

  it('starts without a server and connects when there is one', () =>
    withServer({}, async (own) => {
      await own.kill();
      await withConnection({ url: own.url }, async (redis) => {
        await assert.rejects(redis.ready(50), { code: 'redis_unavailable' });
        await own.restart();
        await redis.ready(10_000);
      });
    }));

  it('holds the deadline while the server sleeps, opens its breaker, and closes it by itself', () =>
    withConnection({ url: server.url }, async (redis) => {
      await redis.ready(10_000);
      await server.client.call('CLIENT', 'PAUSE', '600', 'ALL');
      for (let i = 0; i < 5; i++) await assert.rejects(redis.call(['GET', 'k'], read), /no reply within/);
      assert.equal(redis.health().breakers.read, 'open');
      await assert.rejects(redis.call(['GET', 'k'], read), /rest after failures/);
      await eventually('reads work again', () =>
        redis.call(['GET', 'k'], read).then(
          () => true,
          () => false,
        ),
      );
      assert.equal(redis.health().breakers.read, 'closed');
    }));

  it('keeps reading while writes are paused', () =>
    withConnection({ url: server.url }, async (redis) => {
      await redis.ready(10_000);
      await server.client.call('CLIENT', 'PAUSE', '5000', 'WRITE');
      try {
        for (let i = 0; i < 5; i++) await assert.rejects(redis.call(['SET', 'w', '1'], write), /no reply within/);
        assert.equal(redis.health().breakers.write, 'open');
        await redis.call(['GET', 'k'], { ...read, ...slack });
        assert.equal(redis.health().breakers.read, 'closed');
      } finally {
        await server.client.call('CLIENT', 'UNPAUSE');
      }
    }));

  it('stops writing to a full server, and reads on', () =>
    withServer({ args: ['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'] }, (own) =>
      withConnection({ url: own.url }, async (redis) => {
        await redis.ready(10_000);
        await redis.call(['SET', 'k', 'v'], { ...write, ...slack });
        const filled = await Promise.allSettled(
          Array.from({ length: 100 }, (_, i) =>
            redis.call(['SET', `big${i}`, Buffer.alloc(100_000)], { ...write, ...slack }),
          ),
        );
        const refused: unknown = filled.find((each) => each.status === 'rejected')?.reason;
        assert.ok(refused instanceof RedisReplyError && refused.kind === 'OOM');
        assert.equal(redis.health().breakers.write, 'open');
        assert.equal(replyText(await redis.call(['GET', 'k'], { ...read, ...slack })), 'v');
      }),
    ));

  it('blocks on a connection of its own', () =>
    withConnection({ url: server.url }, async (redis) => {
      await redis.ready(10_000);
      const tail = redis.blocking('tail');
      const waiting = tail.call(['XREAD', 'BLOCK', '5000', 'STREAMS', 'stream', '0'], 10_000);
      await redis.call(['XADD', 'stream', '1-1', 'a', 'b'], { ...write, ...slack });
      assert.deepEqual(streamRows(await waiting), [{ id: '1-1', fields: [Buffer.from('a'), Buffer.from('b')] }]);
      await assert.rejects(tail.call(['XREAD', 'BLOCK', '60000', 'STREAMS', 'stream', '$'], 100), /no reply within/);
      assert.ok(await tail.call(['XREAD', 'BLOCK', '5000', 'STREAMS', 'stream', '0'], 10_000));
      tail.close();
    }));
});

describe('Redis connection through a broken network', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let redis: RedisConnection;
  before(async () => {
    server = await startRedis();
    proxy = await startTcpProxy(server.port);
    redis = connect({ url: `redis://127.0.0.1:${proxy.port}` });
    await redis.ready(10_000);
  });
  after(async () => {
    await redis.close();
    await proxy.close();
    await server.stop();
  });
  const works = () =>
    redis.call(['GET', 'k'], read).then(
      () => true,
      () => false,
    );

  it('notices a black hole by its own PING', async () => {
    proxy.setMode('blackhole');
    await assert.rejects(redis.call(['GET', 'k'], read), /no reply within/);
    await eventually('it is down', () => redis.health().state.kind === 'down');
    proxy.setMode('pass');
    await eventually('it works', works);
  });

  it('comes back after a reset', async () => {
    const pending = redis.blocking('other').call(['XREAD', 'BLOCK', '0', 'STREAMS', 's', '$'], 20_000);
    await eventually('all three are connected', () => proxy.connections() >= 3);
    proxy.reset();
    await assert.rejects(pending, { code: 'redis_unavailable' });
    await eventually('it works', works);
  });

  it('tries again soon when the server goes away while it is looked at', async () => {
    let connections = 0;
    const hangsUp = createServer((socket) => {
      connections += 1;
      const back = createConnection({ port: server.port, host: '127.0.0.1' });
      for (const each of [socket, back]) each.on('error', () => undefined);
      socket.on('close', () => back.destroy());
      back.on('data', (chunk) => socket.write(chunk));
      socket.on('data', (chunk) => (/INFO/.test(String(chunk)) ? socket.destroy() : back.write(chunk)));
    });
    await new Promise<void>((resolve) => hangsUp.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = hangsUp.address() as AddressInfo;
      await withConnection({ url: `redis://127.0.0.1:${port}` }, async (redis) => {
        const kinds = new Set<string>();
        redis.onStateChange(({ kind }) => void kinds.add(kind));
        await eventually('it has been tried often', () => connections >= 10);
        assert.deepEqual([...kinds], ['down'], 'nobody can mend it in the configuration');
      });
    } finally {
      hangsUp.close();
    }
  });

  it('waits longer for a server that is far away', async () => {
    proxy.setDelay(15);
    await eventually('the deadline has grown', works);
    assert.ok(redis.health().deadlineMs > 30);
    proxy.setDelay(0);
  });
});

describe('Redis connection and configuration', () => {
  it('says which password is wrong, and takes the rotated one from its file', () =>
    withServer({ args: ['--requirepass', 'one'], client: { password: 'one' } }, async (own) => {
      const passwordFile = join(own.dir, 'password');
      writeFileSync(passwordFile, 'wrong\n');
      await withConnection({ url: own.url, passwordFile }, async (redis) => {
        await eventually('it is misconfigured', () => redis.health().state.kind === 'misconfigured');
        const { state } = redis.health();
        assert.ok(state.kind === 'misconfigured');
        assert.match(`${state.why} ${state.remedy}`, /WRONGPASS.*passwordFile/);
        writeFileSync(passwordFile, 'one\n');
        await redis.ready(10_000);
        await own.client.config('SET', 'requirepass', 'two');
        writeFileSync(passwordFile, 'two\n');
        await own.client.call('CLIENT', 'KILL', 'TYPE', 'normal');
        await eventually('it is back with the new password', () =>
          redis.call(['GET', 'k'], read).then(
            () => true,
            () => false,
          ),
        );
      });
    }));

  it('never shows a password', async () => {
    const secret = 'hunter2hunter2';
    await withConnection({ url: `redis://user:${secret}@127.0.0.1:1` }, async (redis) => {
      assert.equal(redis.address, 'redis://user@127.0.0.1:1');
      await assert.rejects(
        redis.ready(200),
        (error: Error) => !JSON.stringify([error.message, error]).includes(secret),
      );
    });
    assert.throws(
      () => connect({ url: `redis://user:${secret}@host:port:x` }),
      (error: Error) => !error.message.includes(secret),
    );
  });

  it('speaks TLS with a CA and a name, and says what is wrong without them', async () => {
    const ca = makeTestCa();
    const own = await startTlsRedis(ca);
    const misconfigured = async (options: RedisOptions, expected: RegExp) =>
      withConnection(options, async (redis) => {
        await eventually('it is misconfigured', () => redis.health().state.kind === 'misconfigured');
        const { state } = redis.health();
        assert.ok(state.kind === 'misconfigured');
        assert.match(`${state.why} ${state.remedy}`, expected);
      });
    try {
      await withConnection({ url: own.url, tls: { caFile: ca.caFile, servername: 'redis.test' } }, async (redis) => {
        await redis.ready(10_000);
        await redis.call(['SET', 'k', 'v'], { ...write, ...slack });
      });
      await misconfigured({ url: own.url, tls: { caFile: ca.caFile } }, /ALTNAME.*servername/);
      await misconfigured({ url: own.url, tls: { servername: 'redis.test' } }, /caFile/);
      await withConnection({ url: own.url.replace('rediss', 'redis') }, async (redis) => {
        await assert.rejects(redis.ready(500), /rediss:\/\//);
      });
    } finally {
      await own.stop();
      ca.remove();
    }
  });

  it('tells a right that is missing from a server that is away', () =>
    withServer({}, async (own) => {
      await own.client.call('ACL', 'SETUSER', 'poor', 'on', '>poorpoor', '~sc:*', '-@all', '+@read', '+@connection');
      await withConnection({ url: own.url.replace('//', '//poor:poorpoor@') }, async (redis) => {
        const facts = await redis.ready(10_000);
        assert.ok(facts.refused.some((each) => each.includes('NOPERM')));
        await assert.rejects(redis.call(['SET', 'sc:k', 'v'], { ...write, ...slack }), { kind: 'NOPERM' });
        assert.equal(redis.health().breakers.write, 'closed');
      });
    }));
});

describe('Redis connection and shapes', () => {
  it('finds that a server is part of a cluster, and serves what is left when a master dies', async () => {
    const cluster = await startRedisCluster();
    try {
      await withConnection({ url: `redis://127.0.0.1:${cluster.nodes[0]!.port}` }, async (redis) => {
        assert.equal((await redis.ready(20_000)).cluster, true);
        await eventually('all nodes are known', () => redis.nodes().length === 3);
        for (let i = 0; i < 30; i++) {
          await redis.transaction(
            [
              ['SET', `a{${i}}`, i],
              ['SET', `b{${i}}`, i],
            ],
            { ...write, ...slack },
          );
        }
        const scanned = await Promise.all(redis.nodes().map((node) => node.call(['DBSIZE'], { ...read, ...slack })));
        assert.equal(
          scanned.reduce<number>((sum, each) => sum + Number(each), 0),
          60,
        );
        await cluster.nodes[2]!.kill();
        const outcomes = await Promise.allSettled(
          Array.from({ length: 30 }, (_, i) => redis.call(['GET', `a{${i}}`], { ...read, ...slack })),
        );
        const served = outcomes.filter(({ status }) => status === 'fulfilled').length;
        assert.ok(served > 0 && served < 30, `${served} of 30 served`);
      });
    } finally {
      await cluster.stop();
    }
  });

  it('follows the sentinels to a new master', async () => {
    const group = await startSentinelGroup();
    try {
      await withConnection({ url: group.url, sentinel: { name: group.name } }, async (redis) => {
        await redis.ready(20_000);
        await redis.call(['SET', 'k', 'v'], { ...write, ...slack });
        await redis.call(['WAIT', '1', '2000'], { ...write, ...slack });
        await group.master.kill();
        await eventually(
          'writes work again',
          () =>
            redis.call(['SET', 'k2', 'v'], write).then(
              () => true,
              () => false,
            ),
          30_000,
        );
        assert.equal(replyText(await redis.call(['GET', 'k'], { ...read, ...slack })), 'v');
      });
    } finally {
      await group.stop();
    }
  });
});
