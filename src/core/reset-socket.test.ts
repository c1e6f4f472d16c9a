import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { resetSocket } from './reset-socket.ts';

/** Both ends of a connection, and how the far one ends: its error code, or `end`. */
async function connected(): Promise<{ near: Socket; farEnd: Promise<string>; close: () => void }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const farEnd = new Promise<string>((resolve) => {
    far.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    far.on('end', () => resolve('end'));
  });
  far.resume();
  const [near] = (await once(server, 'connection')) as [Socket];
  return {
    near,
    farEnd,
    close: () => {
      server.close();
      far.destroy();
    },
  };
}

describe('resetSocket', () => {
  it('resets a connection that is open', async () => {
    const { near, farEnd, close } = await connected();
    resetSocket(near);
    assert.equal(await farEnd, 'ECONNRESET');
    close();
  });

  it('closes a connection whose end has begun, which cannot be reset any more', async () => {
    const { near, farEnd, close } = await connected();
    const failures: unknown[] = [];
    near.on('error', (error) => failures.push(error));
    const closed = once(near, 'close');
    near.end('last words');
    // By then the shutdown has begun and is not done.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    resetSocket(near);
    await closed;
    assert.deepEqual(failures, []);
    assert.equal(await farEnd, 'end');
    close();
  });
});
