/** What was changed through the operator port, when, and by whom: appended to, never edited. */
import { appendFile, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AuditEntry } from './admin-types.ts';

export interface AuditLog {
  append(entry: Omit<AuditEntry, 'at'>): void;
  /** Newest first. */
  list(limit: number): readonly AuditEntry[];
  /** Resolves when what was appended is on disk. */
  flush(): Promise<void>;
}

export const auditLimits = {
  /** Kept in memory, for the page. */
  shownMax: 500,
  /** A full file becomes `audit.1.jsonl` and takes the place of the last one: some 40,000 changes in all. */
  fileBytesMax: 4 * 1024 * 1024,
  /** Of one field. */
  charsMax: 500,
} as const;

/** @param folder undefined keeps it in memory only */
export async function createAuditLog(
  folder: string | undefined,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<AuditLog> {
  const path = folder === undefined ? undefined : join(folder, 'audit.jsonl');
  const shown = path === undefined ? [] : await lastOf(path);
  let bytes = path === undefined ? 0 : await sizeOf(path);
  let writing = Promise.resolve();

  async function write(line: string): Promise<void> {
    if (path === undefined) return;
    try {
      if (bytes + line.length > auditLimits.fileBytesMax) {
        await rename(path, path.replace(/\.jsonl$/, '.1.jsonl'));
        bytes = 0;
      }
      await appendFile(path, line, { mode: 0o600 });
      bytes += Buffer.byteLength(line);
    } catch (error) {
      // What the operator does must not fail for want of a line, but somebody has to know.
      logger.error({ err: error, path }, 'the audit log cannot be written');
    }
  }

  return {
    append(entry) {
      const full: AuditEntry = {
        at: clock.now(),
        ...entry,
        target: cut(entry.target),
        detail: cut(entry.detail ?? ''),
      };
      shown.push(full);
      if (shown.length > auditLimits.shownMax) shown.shift();
      writing = writing.then(() => write(`${JSON.stringify(full)}\n`));
    },
    list: (limit) => shown.slice(-limit).toReversed(),
    flush: () => writing,
  };
}

const cut = (text: string): string =>
  text.length > auditLimits.charsMax ? `${text.slice(0, auditLimits.charsMax)}…` : text;

async function lastOf(path: string): Promise<AuditEntry[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(-auditLimits.shownMax - 1)
    .flatMap((line) => {
      // A line that a crash cut off is no entry.
      try {
        return line === '' ? [] : [JSON.parse(line) as AuditEntry];
      } catch {
        return [];
      }
    });
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => ({ size: 0 }))).size;
