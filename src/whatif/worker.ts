/** Thread program: a replay takes seconds of a core, which no request shall wait for. */
import { parentPort } from 'node:worker_threads';
import { RecordingBuilder } from './recording.ts';
import type { WorkerOrder, WorkerReply } from './run.ts';
import { whatIf, whatIfBase } from './what-if.ts';

const port = parentPort;
if (!port) throw new Error('worker.ts is a thread program; run.ts starts it');
const builder = new RecordingBuilder();

port.on('message', (order: WorkerOrder) => {
  switch (order.kind) {
    case 'answers':
      return builder.addAnswers(order.page);
    case 'facts':
      return builder.addFacts(order.page);
    default: {
      let reply: WorkerReply;
      try {
        const { range, changes, ...facts } = order;
        const given = { ...facts, recording: builder.build(range) };
        const base = whatIfBase(given);
        reply = { reports: changes.map((change) => whatIf(given, change, base)) };
      } catch (error) {
        reply = { failure: error instanceof Error ? error.message : String(error) };
      }
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      port.postMessage(reply);
    }
  }
});
