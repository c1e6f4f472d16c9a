import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { openBrowser } from '../../test/support/browser.ts';
import { assertAccessible, assertFits, onDashboard, screenshot, widths } from '../../test/support/dashboard.ts';
import { anEntry, startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';
import { until } from '../../test/support/until.ts';
import type { OpenCase } from '../cache/learner.ts';
import { entryId, exactKey, modelName, tenantId } from '../core/ids.ts';
import { epochMs } from '../core/units.ts';
import { createDashboardFiles } from './serve.ts';

const aCase = (id: string, overrides: Partial<OpenCase> = {}): OpenCase => ({
  id,
  at: epochMs(1_767_225_600_000),
  served: true,
  model: modelName('llama3.2'),
  tenant: tenantId('local'),
  entryId: 'entry-1',
  question: `Question of ${id}?`,
  storedQuestion: 'How tall is the tower?',
  stored: 'Three hundred metres.\nWith its antenna it is taller.',
  fresh: 'It is 330 metres tall.',
  probability: 0.87,
  ...overrides,
});

describe('cache page', () => {
  let browser: Browser;
  let admin: RunningAdmin;
  before(async () => {
    browser = await openBrowser();
    const dashboard = createDashboardFiles({
      onMissing: (error) => {
        throw error;
      },
    });
    const entries = Array.from({ length: 40 }, (_, index) => {
      const entry = anEntry();
      return anEntry({
        id: entryId(`entry-${index}`),
        exactKey: exactKey(`key-${index}`),
        semantic: { ...entry.semantic!, text: index === 7 ? 'Which is the seventh?' : `Stored question ${index}` },
      });
    });
    admin = await startAdmin({ dashboard, entries });
  });
  after(async () => {
    await browser?.close();
    await admin?.close();
  });
  const visit = () => ({ browser, url: admin.url });

  it('takes a word on two answers with one key each, and goes on to the next', () =>
    onDashboard(visit(), '/cache', async (page) => {
      admin.cases.push(aCase('one'), aCase('two', { served: false }), aCase('three'));
      await page.reload();
      await page.getByText('Question of one?').waitFor();
      await screenshot(page, 'audit-1440-light');
      await assertAccessible(page);
      await page.keyboard.press('w');
      await page.getByText('Question of two?').waitFor();
      await page.keyboard.press('C');
      await page.getByText('Question of three?').waitFor();
      await page.locator('#entries-contains').pressSequentially('curious');
      assert.equal(admin.decided.length, 2, 'letters that are typed are no verdicts');
      await page.getByRole('button', { name: /Unsure/ }).click();
      await page.getByText('Nothing to read').waitFor();
      assert.deepEqual(admin.decided, ['one wrong', 'two correct', 'three unsure']);
    }));

  for (const width of widths) {
    it(`finds, reads and forgets stored answers at ${width} pixels`, () =>
      onDashboard({ ...visit(), width, scheme: 'dark' }, '/cache?contains=seventh', async (page) => {
        await page.getByText('1 found.').waitFor();
        await page.getByRole('link', { name: 'Which is the seventh?' }).click();
        await page.getByText('Three hundred metres.').waitFor();
        await screenshot(page, `entry-${width}-dark`);
        await assertFits(page, width);
        await assertAccessible(page);
        await page.getByRole('link', { name: 'Close' }).click();
        await page.locator('#entries-contains').fill('Stored question 3');
        // The page is drawn anew while somebody types: what was typed stays.
        await page.evaluate("dispatchEvent(new PopStateEvent('popstate'))");
        assert.equal(await page.locator('#entries-contains').inputValue(), 'Stored question 3');
        await page.keyboard.press('Enter');
        await page.getByText(width === 360 ? '11 found.' : '10 found.').waitFor();
        if (width !== 360) return;
        await page.getByRole('link', { name: 'Stored question 33' }).click();
        await page.getByRole('button', { name: 'Forget this answer' }).click();
        await page.getByRole('dialog').getByRole('button', { name: 'Forget it' }).click();
        await page.getByText('10 found.').waitFor();
      }));
  }

  it('forgets by the filter that is shown, after saying how many', () =>
    onDashboard(visit(), '/cache?contains=question+1', async (page) => {
      await page.getByText('11 found.').waitFor();
      await page.getByRole('button', { name: 'Forget these' }).click();
      const dialog = page.getByRole('dialog');
      assert.match(await dialog.innerText(), /11 stored answers are forgotten\. They have served 33 hits/);
      await dialog.getByRole('button', { name: 'Forget 11 stored answers' }).click();
      await page.locator('.notice', { hasText: '11 stored answers are forgotten' }).waitFor();
      assert.deepEqual(admin.cache.purged, [{ contains: 'question 1' }]);
    }));

  it('forgets everything only when that is typed', () =>
    onDashboard(visit(), '/cache', async (page) => {
      await page.getByRole('button', { name: 'Forget all' }).click();
      const dialog = page.getByRole('dialog');
      const go = dialog.getByRole('button', { name: 'Forget all' });
      assert.ok(await go.isDisabled());
      await dialog.getByRole('textbox').fill('forget all');
      await go.click();
      await page.locator('.notice', { hasText: 'Every stored answer is forgotten' }).waitFor();
      await until(
        'the list is empty',
        async () => (await page.locator('#entries').innerText()).includes('None.'),
        20_000,
      );
    }));
});
