import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { startRig, type Rig } from '../../test/journeys/harness.ts';
import { openBrowser } from '../../test/support/browser.ts';
import { assertAccessible, inEveryLook, onDashboard, screenshot } from '../../test/support/dashboard.ts';
import { aMonthOfEntries } from '../../test/support/money-report.ts';
import { until } from '../../test/support/until.ts';
import { systemClock } from '../core/clock.ts';
import { createEmbeddedLedger } from '../ledger/ledger/embedded.ts';
import { silentLogger } from '../telemetry/logger.ts';

describe('money on the dashboard', () => {
  let browser: Browser;
  let rig: Rig;
  let dataDir: string;
  before(async () => {
    browser = await openBrowser();
    dataDir = await mkdtemp(join(tmpdir(), 'selfhost-money-page-'));
    const ledger = await createEmbeddedLedger({ dataDir, clock: systemClock, logger: silentLogger });
    for (const entry of aMonthOfEntries(systemClock.now())) ledger.append(entry);
    await ledger.flush();
    await ledger.close();
    rig = await startRig({
      dataDir,
      config: {
        money: {
          baseline: 'same-fleet',
          cachePerMonthUsd: 15,
          wrongAnswerUsd: 0.01,
          fixedPerMonth: [{ name: 'gateway', usd: 30 }],
          operator: { usdPerHour: 75, setupHours: 0.4, hoursPerMonth: 0, investmentUsd: 20 },
        },
      },
    });
  });
  after(async () => {
    await browser?.close();
    await rig?.close();
    if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true });
  });
  const visit = () => ({ browser, url: rig.adminUrl });

  it('shows costs, savings, promises and where the difference comes from, to everybody', () =>
    onDashboard(visit(), '/savings', async (page) => {
      for (const part of [
        '#waterfall svg rect.level',
        '#break-even svg .curve',
        '#by-day svg rect.series-1',
        '#claims table',
        '#baselines table',
      ])
        await page.locator(part).first().waitFor();
      await inEveryLook(page, 'savings');
    }));

  it('tells the same as the report of the port, in numbers and in tables', () =>
    onDashboard(visit(), '/savings', async (page) => {
      const { totals } = (await (await fetch(`${rig.adminUrl}/api/ledger/totals`)).json()) as {
        totals: { total: number };
      };
      await page.locator('#waterfall svg').waitFor();
      assert.match(
        await page.locator('#bill').innerText(),
        new RegExp(`\\$${(totals.total / 1e6).toFixed(2).replace('.', '\\.')}`),
      );
      assert.match(await page.locator('#saved').innerText(), /95 %: \$[\d.]+ to \$[\d.]+/);
      for (const chart of ['#waterfall', '#by-day', '#break-even']) {
        await page.locator(`${chart} summary`).click();
        assert.ok((await page.locator(`${chart} details tbody tr`).count()) > 5, chart);
      }
      assert.match(await page.locator('#waterfall details').innerText(), /Paid\s+\$\d/);
      assert.equal(await page.locator('#claims tbody tr').count(), 11);
    }));

  it('asks for reports again every minute, and calls none old before that', () =>
    onDashboard(visit(), '/plain', async (page) => {
      await page.clock.install();
      await page.goto(`${rig.adminUrl}/savings`);
      await page.locator('#claims table').waitFor();
      const asked: string[] = [];
      page.on('request', (request) => void asked.push(new URL(request.url()).pathname));
      await page.clock.fastForward(50_000);
      assert.equal(await page.locator('section[data-stale=true]').count(), 0);
      assert.ok(!asked.includes('/api/money/claims'));
      await page.clock.fastForward(15_000);
      await until('they are asked for again', () => asked.includes('/api/money/claims'), 20_000);
    }));

  it('tries another price of the cloud, in the address', () =>
    onDashboard(visit(), '/savings?days=30', async (page) => {
      const row = page.locator('#baselines tbody tr').first();
      await page.locator('#cloud-price').fill('4.5');
      await page.waitForURL('**/savings?days=30&cloud=4.5');
      assert.match(await row.innerText(), /tried: \$4\.5 an hour/);
      assert.match(await row.innerText(), /\d\d(\.\d)? %/);
    }));

  it('gives the ledger away as a file', () =>
    onDashboard(visit(), '/savings', async (page) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Ledger as CSV' }).click(),
      ]);
      assert.match(download.suggestedFilename(), /^ledger-.*\.csv$/);
    }));

  it('says on the first page what it costs, what it saves, and what to do about it', () =>
    onDashboard(visit(), '/', async (page) => {
      await page.locator('#cost .split-bar').waitFor();
      assert.match(await page.locator('#cost').innerText(), /This month\s+\$\d/);
      await page.locator('#do', { hasText: /about \$\d+\.\d\d a month/ }).waitFor();
      await page.locator('#saving', { hasText: /about \$/ }).waitFor();
      await screenshot(page, 'now-money-1440-light');
      await assertAccessible(page);
    }));
});
