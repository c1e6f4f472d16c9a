/** The child's side of a process under test: says that it is ready, and what it has used when asked. */

export interface Usage {
  /** User and system time of the whole process, worker threads included, microseconds. */
  readonly cpuUs: number;
  readonly rssBytes: number;
}

export type ChildMessage =
  | { readonly type: 'ready'; readonly url: string; readonly adminUrl?: string | undefined }
  | ({ readonly type: 'usage' } & Usage)
  | { readonly type: 'done' };

export function ready(url: string, adminUrl?: string): void {
  process.on('message', (message) => {
    if (message !== 'usage') return;
    const { user, system } = process.cpuUsage();
    send({ type: 'usage', cpuUs: user + system, rssBytes: process.memoryUsage.rss() });
  });
  // Whatever ends the benchmark ends its servers.
  process.on('disconnect', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
  // A terminal sends Ctrl-C to us too; the parent decides when we end.
  process.on('SIGINT', () => undefined);
  send({ type: 'ready', url, adminUrl });
}

export function send(message: ChildMessage): void {
  process.send?.(message);
}

/** Options of a child travel as one JSON argument. */
export const childOptions = (): unknown => JSON.parse(process.argv[2] ?? '{}');
