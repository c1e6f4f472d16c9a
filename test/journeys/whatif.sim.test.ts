/** Recorded traffic, replayed: at its own settings it is what it was; under others it says what would change. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { WhatIfReply, WhatIfRequest } from '../../src/admin/admin-types.ts';
import { resolveConfig } from '../../src/config/load.ts';
import { startGateway } from '../../src/main.ts';
import { spawnSimulatedThinker } from '../../src/sim/spawn-thinker.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { testRandom } from '../../src/testing/seeded-random.ts';

describe('journey: what if', () => {
  for (const policy of ['certified', 'fixed'] as const) {
    it(`reproduces every hit of recorded traffic, and its cost: ${policy}`, { timeout: 120_000 }, async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'selfhost-whatif-'));
      const thinker = await spawnSimulatedThinker({ profile: 'instant' });
      const open = () =>
        startGateway(
          resolveConfig(
            {
              thinkers: [{ url: thinker.url, name: 'gpu', costPerHourUsd: 0.5, maxConcurrency: 16 }],
              embedding: { kind: 'lexical' },
              telemetry: { logLevel: 'silent' },
              // Small enough to evict, which a replay must know of.
              cache: { policy, audits: 'off', entriesMax: 40 },
            },
            { SELFHOST_PORT: '0', SELFHOST_ADMIN_PORT: '0', SELFHOST_DATA_DIR: dataDir },
          ),
          { logger: silentLogger },
        );
      let gateway = await open();
      try {
        await traffic(gateway.gatewayUrl);
        const { hits } = gateway.status().traffic;
        // What it cost until now is billed when it ends.
        await gateway.close();
        gateway = await open();
        const replay = async (body: WhatIfRequest): Promise<WhatIfReply> => {
          const response = await fetch(`${gateway.adminUrl}/api/money/whatif`, {
            method: 'POST',
            body: JSON.stringify(body),
          });
          assert.equal(response.status, 200, await response.clone().text());
          return (await response.json()) as WhatIfReply;
        };
        const { reports } = await replay({
          changes: [{}, { ttlMs: 1 }, { threshold: 1 }, { gpuUsdPerHour: 0.25 }],
        });
        const [same, shortLived, strict, cheaper] = reports;
        assert.deepEqual(
          [same!.recorded.exact, same!.recorded.semantic, same!.recorded.coalesced],
          [hits.exact, hits.semantic, hits.coalesced],
        );
        assert.ok(hits.exact > 20 && hits.semantic > 5, JSON.stringify(hits));
        assert.equal(same!.agreement, 1);
        const { exact, semantic, coalesced, misses } = same!.scenario;
        assert.deepEqual(
          [exact, semantic, coalesced, misses],
          [hits.exact, hits.semantic, hits.coalesced, same!.recorded.misses],
        );
        assert.ok(Math.abs(same!.scenario.costUsd! / same!.recorded.costUsd! - 1) < 0.01);
        // Whoever joins an answer that is being made needs no lifetime: how many did is the traffic's doing.
        const kept = shortLived!.scenario.exact + shortLived!.scenario.semantic;
        assert.ok(kept < (exact + semantic) / 4, `${kept} hits of ${exact + semantic}`);
        assert.ok(strict!.scenario.semantic < same!.scenario.semantic);
        assert.ok(Math.abs(cheaper!.scenario.costUsd! / same!.recorded.costUsd! - 0.5) < 0.01);
        assert.ok(same!.reach.length >= 2);
        // Nothing that somebody wrote is in the file, nor in its log.
        for (const file of ['ledger.sqlite', 'ledger.sqlite-wal'].map((name) => join(dataDir, name)))
          if (existsSync(file)) assert.ok(!readFileSync(file).includes('bicycle'), file);
      } finally {
        await gateway.close();
        await thinker.close();
        rmSync(dataDir, { recursive: true });
      }
    });
  }
});

/** Repeats, other wordings, questions at the same moment, fresh ones by wish, and more questions than are kept. */
async function traffic(url: string): Promise<void> {
  const random = testRandom('whatif');
  const things = ['bicycle', 'oven', 'greenhouse', 'sailboat', 'piano', 'tent', 'kiln', 'drone'];
  const parts = ['handle', 'cable', 'filter', 'wheel', 'pump', 'motor', 'switch', 'lamp'];
  const ask = async (text: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/api/chat`, {
      method: 'POST',
      headers,
      body: JSON.stringify({
        model: 'qwen2:7b-instruct-q6_K',
        stream: random.float() < 0.5,
        options: { temperature: 0 },
        messages: [{ role: 'user', content: text }],
      }),
    });
    assert.equal(response.status, 200);
    await response.text();
  };
  const popular = () => Math.floor(random.float() ** 2 * 64);
  for (let i = 0; i < 160; i++) {
    const n = popular();
    const what = `clean the ${parts[n % 8]} of my ${things[Math.floor(n / 8)]}?`;
    const text = random.float() < 0.3 ? `How can I ${what}` : `How do I ${what}`;
    if (random.float() < 0.08) await Promise.all([ask(text), ask(text), ask(text)]);
    else if (random.float() < 0.05) await ask(text, { 'cache-control': 'no-cache' });
    else if (random.float() < 0.03) await ask(text, { 'cache-control': 'no-store' });
    else await ask(text);
  }
}
