/** From "What should I do?" to a setting that holds, and back. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { openBrowser } from '../../test/support/browser.ts';
import { assertAccessible, assertFits, inEveryLook, onDashboard, screenshot } from '../../test/support/dashboard.ts';
import { aMoneyReport } from '../../test/support/money-report.ts';
import { startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';
import type { FleetCommands, FleetReport, WhatIfChange, WhatIfReport, WhatIfSide } from '../admin/admin-types.ts';
import { createDashboardFiles } from './serve.ts';

const dayMs = 86_400_000;
const viewerKey = 'viewer-key-of-the-test';

/** Each minute of idle time costs; below ten minutes many more wait. */
function replayed({ idleS = 1_800, ttlMs }: WhatIfChange): WhatIfReport {
  const side = (idle: number): WhatIfSide => ({
    queries: 700,
    hits: 210,
    hitShare: ttlMs === undefined ? 0.3 : 0.4,
    exact: 200,
    semantic: 10,
    coalesced: 0,
    misses: 490,
    costUsd: 10 + idle / 100,
    gpuHours: 40 + idle / 60,
    missP95Ms: 2_000,
    coldWaits: idle < 600 ? 5_000 : 40 - idle / 60,
    falseHits: undefined,
  });
  return {
    from: 0,
    to: 7 * dayMs,
    days: 7,
    asks: 700,
    recorded: { ...side(1_800), hitShare: 0.3 },
    scenario: side(idleS),
    agreement: 1,
    fleetModelError: 0.02,
    reach: ['700 questions'],
  };
}

const fleet = {
  report: () =>
    ({
      provider: 'vast',
      name: 'main',
      model: 'llama3.2',
      state: 'serving',
      says: '1 serving',
      at: undefined,
      target: 1,
      reasons: [],
      floor: undefined,
      machines: [],
      spend: {
        perHourUsd: 0.4,
        dayUsd: 2,
        monthUsd: 30,
        caps: { perHourUsd: 1, perDayUsd: 5, perMonthUsd: 100, perRentalUsd: 5 },
      },
      demand: undefined,
      nextPricePerHourUsd: 0.4,
      benched: [],
    }) satisfies FleetReport,
} as Partial<FleetCommands> as FleetCommands;

const start = (keys: { readonly key?: string; readonly viewerKey?: string } = {}) =>
  startAdmin({
    ...keys,
    rents: true,
    fleet,
    dashboard: createDashboardFiles({
      onMissing: (error) => {
        throw error;
      },
    }),
    money: {
      reports: { report: () => Promise.resolve(aMoneyReport()), claims: () => Promise.reject(new Error('not asked')) },
      whatIf: { run: (_, changes) => Promise.resolve(changes.map(replayed)) },
    },
  });

describe('settings applied on the dashboard', () => {
  let browser: Browser;
  let admin: RunningAdmin;
  before(async () => {
    browser = await openBrowser();
    admin = await start();
  });
  after(async () => {
    await browser?.close();
    await admin?.close();
  });
  const visit = () => ({ browser, url: admin.url });
  const idle = () => admin.runTime.fleetIdleTimeoutMs();

  it('proposes the idle time that a replay finds best, applies it after a question, and undoes it', () =>
    onDashboard(visit(), '/', async (page) => {
      const action = page.locator('#do li', { hasText: 'Let machines sleep after 10 min' });
      await action.waitFor();
      assert.match(await action.innerText(), /about \$52\.11 a month/);
      assert.match(await action.innerText(), /2\.9 more questions a day wait for a start/);
      assert.equal(
        await action.getByRole('link', { name: 'Try it in What-if' }).getAttribute('href'),
        '/what-if?idleS=10',
      );
      await inEveryLook(page, 'apply-now');

      const dialog = page.getByRole('dialog');
      await action.getByRole('button', { name: 'Apply' }).click();
      assert.match(await dialog.innerText(), /Machines sleep after: 30 min → 10 min \(fleet\.idleTimeoutMs\)/);
      assert.match(await dialog.innerText(), /costs \$52\.11 a month less/);
      await screenshot(page, 'apply-question');
      await assertAccessible(page);
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      assert.equal(idle(), 1_800_000, 'nothing is changed without a yes');
      await action.getByRole('button', { name: 'Apply' }).click();
      await dialog.getByRole('button', { name: 'Apply' }).click();
      await page.locator('.notice', { hasText: 'Undo it under Doctor and settings' }).waitFor();
      assert.equal(idle(), 600_000);
      // Asked again: what is best holds.
      await action.waitFor({ state: 'detached' });

      await page.getByRole('link', { name: 'Doctor and settings' }).click();
      const row = page.locator('#run-time tbody tr', { hasText: 'fleet.idleTimeoutMs' });
      await row.getByText('overrides').waitFor();
      assert.match(await row.innerText(), /10 min[\s\S]*30 min/);
      await inEveryLook(page, 'run-time');
      await row.getByRole('button', { name: 'Undo' }).click();
      assert.match(await dialog.innerText(), /10 min → 30 min, as the configuration says/);
      await dialog.getByRole('button', { name: 'Undo' }).click();
      await row.getByText('overrides').waitFor({ state: 'detached' });
      assert.equal(idle(), 1_800_000);
    }));

  it('applies what was tried in What-if, but not together with what needs a restart', () =>
    onDashboard({ ...visit(), width: 360 }, '/what-if?ttlMs=48&threshold=0.9', async (page) => {
      const apply = page.locator('#result').getByRole('button', { name: 'Apply' });
      await page.getByText('Not with what cannot be changed while it runs: Smallest score that is served').waitFor();
      assert.ok(await apply.isDisabled());
      await assertFits(page, 360);
      await page.goto(`${admin.url}/what-if?ttlMs=48`);
      await page.locator('#result').getByText('700 questions from').waitFor();
      await apply.click();
      const dialog = page.getByRole('dialog');
      assert.match(await dialog.innerText(), /Stored answers expire after: 1 d → 2 d/);
      assert.match(await dialog.innerText(), /40 % are answered from the cache instead of 30 %/);
      await dialog.getByRole('button', { name: 'Apply' }).click();
      await page.locator('.notice').waitFor();
      assert.equal(admin.runTime.cacheTtlMs(), 2 * dayMs);
    }));

  it('shows a viewer what would be best, and nothing to press', async () => {
    const guarded = await start({ key: 'operator-key-of-the-test', viewerKey });
    try {
      await onDashboard({ browser, url: guarded.url }, '/', async (page) => {
        await page.getByLabel('Operator or viewer key').fill(viewerKey);
        await page.keyboard.press('Enter');
        const action = page.locator('#do li', { hasText: 'Let machines sleep after 10 min' });
        await action.waitFor();
        assert.equal(await action.getByRole('button').count(), 0);
      });
    } finally {
      await guarded.close();
    }
  });
});
