/** Output of machines, put on a file server and fetched from there: the address comes at once, the file a moment later. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { Instance } from '../world/instance.ts';

/** Until the file is there. */
const uploadMs = 700;
/** Files kept; the oldest go. */
const filesMax = 200;

export class LogFiles {
  readonly #clock: Clock;
  readonly #files = new Map<string, { text: string; readyMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns the path of the file */
  write(text: string): string {
    const name = randomUUID();
    this.#files.set(name, { text, readyMs: this.#clock.monotonicMs() + uploadMs });
    if (this.#files.size > filesMax) this.#files.delete(this.#files.keys().next().value!);
    return `/logs/${name}.log`;
  }

  read(path: string): string | undefined {
    const file = this.#files.get(path.slice('/logs/'.length, -'.log'.length));
    return file && this.#clock.monotonicMs() >= file.readyMs ? file.text : undefined;
  }
}

/** What docker and the script say; careless programs print their environment. */
export function logOf(instance: Instance, tail: number): string {
  const { env, rental, status, statusMsg } = instance;
  const lines = [
    `${rental.request.image}: pulling`,
    ...(status === 'running' ? ['time=… level=INFO source=routes.go msg="Listening on 127.0.0.1:11434"'] : []),
    ...[...env].map(([name, text]) => `declare -x ${name}="${text}"`),
    `status: ${status ?? 'null'} ${statusMsg}`,
  ];
  return `${lines.slice(-tail).join('\n')}\n`;
}
