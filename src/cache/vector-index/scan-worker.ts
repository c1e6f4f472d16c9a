/** Thread program: answers scan calls over the memory it shares with the index. */
import { parentPort, workerData } from 'node:worker_threads';
import { scanDeps, type ScanCall, type ScannerSetup, type ScanReply } from './scanner.ts';
import { scan } from './scan.ts';

const port = parentPort;
if (!port) throw new Error('scan-worker.ts is a thread program; the vector index starts it');
const deps = scanDeps(workerData as ScannerSetup, 'scanner');

port.on('message', (call: ScanCall) => port.postMessage(answer(call)));

function answer(call: ScanCall): ScanReply {
  try {
    const pieces = scan(deps, call);
    for (;;) {
      const piece = pieces.next();
      if (piece.done) return { id: call.id, slots: piece.value };
    }
  } catch (error) {
    return { id: call.id, error: String(error) };
  }
}
