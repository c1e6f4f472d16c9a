import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { openBrowser } from '../../test/support/browser.ts';
import { assertAccessible, assertFits, onDashboard, screenshot } from '../../test/support/dashboard.ts';
import { startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';
import { createDashboardFiles } from './serve.ts';

describe('settings page', () => {
  let browser: Browser;
  let admin: RunningAdmin;
  before(async () => {
    browser = await openBrowser();
    const dashboard = createDashboardFiles({
      onMissing: (error) => {
        throw error;
      },
    });
    admin = await startAdmin({ dashboard });
  });
  after(async () => {
    await browser?.close();
    await admin?.close();
  });

  it('makes a key, shows it once, rotates and revokes it, and tells what was changed', () =>
    onDashboard({ browser, url: admin.url, width: 360, scheme: 'dark', expected: /400/ }, '/settings', async (page) => {
      await page.getByText('no key is needed').waitFor();
      await page.getByRole('button', { name: 'Make a key' }).click();
      const dialog = page.getByRole('dialog');
      assert.match(await dialog.innerText(), /With the first key, everybody needs one/);
      await screenshot(page, 'make-key-360-dark');
      await assertAccessible(page);
      await dialog.getByRole('button', { name: 'Make the key' }).click();
      await dialog.getByText('expected letters, digits').waitFor();
      await dialog.getByLabel('Tenant').fill('team-a');
      await dialog.getByLabel('USD a day').fill('2.5');
      await dialog.getByRole('button', { name: 'Make the key' }).click();
      await page.getByRole('dialog', { name: 'The key of team-a' }).waitFor();
      const key = await dialog.locator('code').innerText();
      assert.ok(key.length >= 20, key);
      await assertAccessible(page);
      await dialog.getByRole('button', { name: 'Close' }).click();
      await page.getByText('clients must show a key').waitFor();
      assert.match(await page.locator('#keys table').innerText(), /team-a[\s\S]*\$2\.5\/day/);
      assert.ok(!(await page.content()).includes(key), 'the key is not there any more');
      await assertFits(page, 360);

      await page.getByRole('button', { name: 'Rotate team-a' }).click();
      await dialog.getByRole('button', { name: 'Rotate' }).click();
      await dialog.getByText('It is shown now').waitFor();
      await dialog.getByRole('button', { name: 'Close' }).click();
      await page.getByRole('button', { name: 'Revoke team-a' }).first().click();
      await dialog.getByRole('button', { name: 'Revoke' }).click();
      await page.locator('#keys').getByText('revoked').waitFor();

      // On a phone they cover what is under them until they are read.
      await page.evaluate(`document.querySelectorAll('.notice button').forEach((button) => button.click())`);
      await page.getByRole('button', { name: 'Look again' }).click();
      await page.locator('#audit').getByText('DELETE /api/keys/:id').waitFor();
      const rows = await page.locator('#audit tbody tr').allInnerTexts();
      assert.deepEqual(
        rows.map((row) => [/(POST|DELETE) \S+/.exec(row)![0], /done|refused \d+/.exec(row)![0]]),
        [
          ['DELETE /api/keys/:id', 'done'],
          ['POST /api/keys/:id/rotate', 'done'],
          ['POST /api/keys', 'done'],
          ['POST /api/keys', 'refused 400'],
        ],
      );
    }));
});
