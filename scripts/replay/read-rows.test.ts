import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseQuery, readQueries } from './read-rows.ts';

async function fileWith(t: TestContext, name: string, bytes: string | Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'selfhost-replay-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

const rows = '{"i":0,"text":"What is a lease?","group":7}\n\n{"prompt":"And a drain?"}\nplain words, no JSON\n';

it('reads JSON lines and plain lines, gzipped or not, and skips blank ones', async (t) => {
  const expected = [
    { text: 'What is a lease?', group: '7' },
    { text: 'And a drain?', group: undefined },
    { text: 'plain words, no JSON', group: undefined },
  ];
  assert.deepEqual(await readQueries(await fileWith(t, 'rows.jsonl', rows), 100), expected);
  assert.deepEqual(await readQueries(await fileWith(t, 'rows.jsonl.gz', gzipSync(rows)), 100), expected);
  assert.deepEqual(await readQueries(await fileWith(t, 'rows.jsonl', rows), 1), expected.slice(0, 1));
});

it('takes `query` too, and tells number 7 from text 7 as groups', () => {
  assert.deepEqual(parseQuery('{"query":"a","group":"7"}', 'x'), { text: 'a', group: '"7"' });
  assert.deepEqual(parseQuery('{"query":"a","group":null}', 'x'), { text: 'a', group: undefined });
});

it('names the line that is no query, and what it has', async (t) => {
  const path = await fileWith(t, 'bad.jsonl', '{"text":"a"}\n{"question":"b"}\n');
  await assert.rejects(readQueries(path, 100), /bad\.jsonl line 2 has none of text, prompt, query.*question/);
  assert.throws(() => parseQuery('{"text":', 'f line 1'), /f line 1 is not valid JSON/);
});

it('fails on a file that is not there, or not gzip although its name says so', async (t) => {
  await assert.rejects(readQueries('/nowhere/rows.jsonl.gz', 1), { code: 'ENOENT' });
  await assert.rejects(readQueries(await fileWith(t, 'not.gz', 'hello'), 1), /header/);
});
