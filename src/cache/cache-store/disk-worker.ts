/** Thread program: the database lives here, so that an fsync or a slow disk never holds up a request. */
import { parentPort, workerData } from 'node:worker_threads';
import { faultOf } from './disk-error.ts';
import { openDisk } from './disk.ts';
import type { DiskCall, DiskReply, DiskSetup } from './disk-protocol.ts';

const port = parentPort;
if (!port) throw new Error('disk-worker.ts is a thread program; the embedded store starts it');

const reply = (message: DiskReply) => port.postMessage(message);
const fail = (id: number, error: unknown) =>
  reply({ id, fault: faultOf(error), message: error instanceof Error ? error.message : String(error) });

try {
  const { opened, calls } = openDisk(workerData as DiskSetup);
  port.on('message', ({ id, op, args }: DiskCall) => {
    try {
      // The union ties op to its args; a call through it cannot.
      const value = (calls[op] as (...values: readonly unknown[]) => unknown)(...args);
      reply({ id, value });
      if (op === 'close') port.close();
    } catch (error) {
      fail(id, error);
    }
  });
  reply({ id: 0, value: opened });
} catch (error) {
  fail(0, error);
}
