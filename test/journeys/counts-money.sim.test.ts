/** Every answer and every billed second is in the ledger, and the reply says what it cost and saved. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { LedgerTotalsView } from '../../src/admin/admin-types.ts';
import { resolveConfig } from '../../src/config/load.ts';
import { startGateway } from '../../src/main.ts';
import { spawnSimulatedThinker } from '../../src/sim/spawn-thinker.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

describe('journey: money', () => {
  it('prices a miss and a hit, and keeps the ledger over a restart', { timeout: 60_000 }, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'selfhost-money-'));
    const thinker = await spawnSimulatedThinker({ profile: 'instant' });
    const open = () =>
      startGateway(
        resolveConfig(
          {
            thinkers: [{ url: thinker.url, name: 'gpu', costPerHourUsd: 0.5 }],
            embedding: { kind: 'lexical' },
            telemetry: { logLevel: 'silent' },
            money: {
              tokenApi: { default: { inputUsdPerMillion: 0.15, outputUsdPerMillion: 0.6 } },
              baseline: 'token-api',
            },
          },
          { SELFHOST_PORT: '0', SELFHOST_ADMIN_PORT: '0', SELFHOST_DATA_DIR: dataDir },
        ),
        { logger: silentLogger },
      );
    const ask = (url: string, stream: boolean) =>
      fetch(`${url}/api/chat`, {
        method: 'POST',
        body: JSON.stringify({
          model: 'qwen2:7b-instruct-q6_K',
          stream,
          messages: [{ role: 'user', content: 'How tall is the Eiffel tower?' }],
        }),
      }).then(async (response) => ({ headers: response.headers, text: await response.text() }));
    let gateway = await open();
    try {
      const miss = await ask(gateway.gatewayUrl, false);
      assert.equal(miss.headers.get('x-selfhost-cache'), 'miss');
      assert.equal(miss.headers.get('x-selfhost-saved-usd'), null);
      for (const stream of [false, true]) {
        const hit = await ask(gateway.gatewayUrl, stream);
        assert.equal(hit.headers.get('x-selfhost-cache'), 'exact');
        assert.equal(hit.headers.get('x-selfhost-cost-usd'), '0');
        const { prompt_eval_count: prompt, eval_count: completion } = JSON.parse(
          hit.text.trim().split('\n').at(-1)!,
        ) as {
          prompt_eval_count: number;
          eval_count: number;
        };
        const priced = (prompt * 0.15 + completion * 0.6) / 1e6;
        assert.ok(Math.abs(Number(hit.headers.get('x-selfhost-saved-usd')) - priced) < 1e-8);
      }
      await gateway.close();
      gateway = await open();
      const view = (await (await fetch(`${gateway.adminUrl}/api/ledger/totals`)).json()) as LedgerTotalsView;
      assert.deepEqual(view.totals.answers, { thinker: 1, fallback: 0, coalesced: 0, exact: 2, semantic: 0 });
      const { thinker: asked, exact } = view.totals.bySource;
      assert.equal(exact.promptTokens, 2 * asked.promptTokens);
      assert.equal(exact.avoidedGpuMs, 2 * asked.gpuMs);
      // The host was billed for all the time the gateway ran, to the millionth of a dollar.
      const billed = view.totals.seconds.gpu_busy + view.totals.seconds.gpu_idle;
      assert.ok(billed > 0);
      assert.ok(Math.abs(view.totals.total - (500_000 * billed) / 3600) <= 2, `${view.totals.total} for ${billed} s`);

      const csv = await (await fetch(`${gateway.adminUrl}/api/ledger/export?format=csv`)).text();
      const rows = csv.trim().split('\r\n');
      assert.match(rows[0]!, /^kind,at,source,/);
      assert.equal(rows.filter((row) => row.startsWith('answer,')).length, 3);
      const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
      assert.match(metrics, /selfhost_cost_usd_total\{component="storage"\} 0\n/);
      assert.match(metrics, /selfhost_burn_usd_per_hour 0\.5\n/);
    } finally {
      await gateway.close();
      await thinker.close();
      rmSync(dataDir, { recursive: true });
    }
  });
});
