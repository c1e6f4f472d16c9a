import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { model, post, startRig } from './harness.ts';

const body = { model, messages: [{ role: 'user', content: 'How long is a marathon?' }], stream: false };

describe('a restart', () => {
  it('keeps the answers, exact and for other wordings', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-restart-'));
    try {
      const first = await startRig({ dataDir });
      const told = (await (await post(`${first.url}/api/chat`, body)).json()) as { message: { content: string } };
      await first.close();
      const second = await startRig({ dataDir });
      try {
        const again = await post(`${second.url}/api/chat`, body);
        assert.equal(again.headers.get('x-selfhost-cache'), 'exact');
        assert.equal(((await again.json()) as typeof told).message.content, told.message.content);
        const reworded = await post(`${second.url}/api/chat`, {
          ...body,
          messages: [{ role: 'user', content: 'how long is a marathon' }],
        });
        assert.equal(reworded.headers.get('x-selfhost-cache'), 'semantic');
        assert.equal(second.sim.stats().answers, 0);
      } finally {
        await second.close();
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  it('with a damaged file sets it aside and serves', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-damaged-'));
    try {
      await writeFile(
        join(dataDir, 'cache.sqlite'),
        'this is no database, and longer than a header of one would be '.repeat(100),
      );
      const rig = await startRig({ dataDir });
      try {
        assert.equal((await post(`${rig.url}/api/chat`, body)).status, 200);
      } finally {
        await rig.close();
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});
