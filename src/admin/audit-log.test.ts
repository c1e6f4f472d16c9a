import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silentLogger } from '../telemetry/logger.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { auditLimits, createAuditLog, type AuditLog } from './audit-log.ts';

const entry = {
  role: 'operator',
  via: 'key',
  action: 'POST /api/cache/purge',
  target: '/api/cache/purge',
  status: 200,
} as const;

async function inFolder(use: (folder: string, open: () => Promise<AuditLog>) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'selfhost-audit-'));
  try {
    await use(folder, () => createAuditLog(folder, { clock: new FakeClock(), logger: silentLogger }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('audit log', () => {
  it('remembers after a restart, newest first, and only its owner may read the file', () =>
    inFolder(async (folder, open) => {
      const log = await open();
      log.append({ ...entry, detail: 'first' });
      log.append({ ...entry, detail: 'second' });
      await log.flush();
      const again = await open();
      again.append({ ...entry, detail: 'third' });
      await again.flush();
      assert.deepEqual(
        again.list(10).map(({ detail }) => detail),
        ['third', 'second', 'first'],
      );
      assert.equal((await stat(join(folder, 'audit.jsonl'))).mode & 0o777, 0o600);
    }));

  it('skips a line that a crash cut off', () =>
    inFolder(async (folder, open) => {
      const log = await open();
      log.append(entry);
      await log.flush();
      await appendFile(join(folder, 'audit.jsonl'), '{"at":17');
      assert.equal((await open()).list(10).length, 1);
    }));

  it('keeps one full file beside the open one, and no more', () =>
    inFolder(async (folder, open) => {
      const log = await open();
      const detail = 'x'.repeat(auditLimits.charsMax * 2);
      const lines = Math.ceil((auditLimits.fileBytesMax / auditLimits.charsMax) * 1.5);
      for (let i = 0; i < lines; i++) log.append({ ...entry, detail });
      await log.flush();
      const sizes = await Promise.all(
        ['audit.jsonl', 'audit.1.jsonl'].map(async (name) => (await readFile(join(folder, name))).length),
      );
      for (const size of sizes) assert.ok(size > 0 && size <= auditLimits.fileBytesMax, String(size));
      assert.equal(log.list(10_000).length, auditLimits.shownMax);
      assert.equal(log.list(1)[0]!.detail!.length, auditLimits.charsMax + 1);
    }));
});
