import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { openLogFile } from './log-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'selfhost-log-'));
after(() => rmSync(folder, { recursive: true, force: true }));

it('keeps the last lines in two files of a bounded size, and goes on after a restart', () => {
  const path = join(folder, 'gateway.log');
  for (let start = 0; start < 3; start++) {
    const log = openLogFile(path, 100);
    for (let i = 0; i < 20; i++) log.write(`${start}:${String(i).padStart(2, '0')} a line\n`);
  }
  assert.deepEqual(readdirSync(folder).toSorted(), ['gateway.log', 'gateway.log.1']);
  const text = readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8');
  assert.ok(statSync(path).size <= 100 && statSync(`${path}.1`).size <= 100);
  assert.ok(text.endsWith('2:18 a line\n2:19 a line\n'));
  assert.equal(statSync(path).mode & 0o777, 0o600);
});
