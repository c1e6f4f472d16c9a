/** A thinker that only takes management calls. */
import type { AppError } from '../../src/core/errors.ts';
import { thinkerId } from '../../src/core/ids.ts';
import { usdMicros } from '../../src/core/units.ts';
import type { ManagementCall, ManagementSink, Thinker } from '../../src/thinkers/thinker.ts';

const notOurs = (): never => {
  throw new Error('not implemented: the operator port has no business with this');
};

export type Manage = (call: ManagementCall, sink: ManagementSink, signal: AbortSignal) => void;

/** A thinker that only takes management calls, and keeps them. */
export function managedThinker(
  name: string,
  manage: Manage,
  kind: Thinker['kind'] = 'static',
): Thinker & { readonly calls: ManagementCall[] } {
  const calls: ManagementCall[] = [];
  return {
    id: thinkerId(`id-${name}`),
    name,
    kind,
    url: `http://${name}:11434`,
    maxConcurrency: 4,
    costPerHour: usdMicros(0),
    calls,
    answer: notOurs,
    embed: notOurs,
    probe: notOurs,
    show: notOurs,
    manage(call, sink, { signal }) {
      calls.push(call);
      manage(call, sink, signal);
    },
    close: notOurs,
  };
}

/** Answers at once with these lines. */
export const answering =
  (status: number, contentType: string | undefined, ...chunks: readonly string[]): Manage =>
  (_, sink) => {
    sink.head(status, contentType);
    for (const chunk of chunks) sink.data(Buffer.from(chunk), () => {});
    sink.end();
  };

export const failing =
  (error: AppError): Manage =>
  (_, sink) =>
    sink.fail(error);
