import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { openBrowser } from '../../test/support/browser.ts';
import { inEveryLook, onDashboard } from '../../test/support/dashboard.ts';
import { startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';
import { until } from '../../test/support/until.ts';
import { ChannelError, type AlertMessage } from '../telemetry/alerts/channel.ts';
import { createDashboardFiles } from './serve.ts';

describe('alerts page', () => {
  let browser: Browser;
  let admin: RunningAdmin;
  const sent: AlertMessage[] = [];
  before(async () => {
    browser = await openBrowser();
    const dashboard = createDashboardFiles({
      onMissing: (error) => {
        throw error;
      },
    });
    admin = await startAdmin({
      dashboard,
      channels: [
        {
          name: 'on-call',
          levelMin: 'warn',
          channel: { kind: 'ntfy', send: async (message) => void sent.push(message), close: () => {} },
        },
        {
          name: 'broken',
          levelMin: 'page',
          channel: {
            kind: 'webhook',
            send: () => Promise.reject(new ChannelError('answered 404', { retryable: false })),
            close: () => {},
          },
        },
      ],
    });
    // A machine that bills and is nobody's, for long enough.
    admin.metrics.orphanInstances.set(1);
    await admin.clock.advance(15 * 60_000);
    await until('the alert was sent', () => sent.length > 0);
  });
  after(async () => {
    await browser?.close();
    await admin?.close();
  });

  it('shows what fires with what to do, tests a channel, silences, and ends that', () =>
    onDashboard({ browser, url: admin.url }, '/alerts', async (page) => {
      const standing = page.locator('#standing');
      await standing.getByRole('heading', { name: /OrphanInstance/ }).waitFor();
      assert.match(await standing.innerText(), /rules are not quiet[\s\S]*First:/);
      assert.match(await page.locator('#rules tbody tr').first().innerText(), /OrphanInstance[\s\S]*firing/);
      await page.locator('#told', { hasText: 'OrphanInstance' }).waitFor();
      await inEveryLook(page, 'alerts-firing');
      await page.setViewportSize({ width: 1440, height: 900 });

      const dialog = page.getByRole('dialog');
      await page.getByRole('button', { name: 'Send a test to on-call' }).click();
      await dialog.getByRole('button', { name: 'Send' }).click();
      await page.locator('.notice', { hasText: 'on-call took the test message' }).waitFor();
      assert.equal(sent.at(-1)!.status, 'test');
      await page.getByRole('button', { name: 'Send a test to broken' }).click();
      await dialog.getByRole('button', { name: 'Send' }).click();
      await dialog.getByText('broken did not take it: answered 404').waitFor();
      await page.keyboard.press('Escape');

      await page.getByRole('button', { name: 'Silence OrphanInstance' }).click();
      await dialog.getByRole('combobox').selectOption('a day');
      await dialog.getByLabel('Why').fill('it is being looked at');
      await dialog.getByRole('button', { name: 'Silence' }).click();
      await dialog.waitFor({ state: 'detached' });
      await admin.clock.advance(5_000);
      await page.locator('#silences', { hasText: 'it is being looked at' }).waitFor();
      assert.match(await page.locator('#rules tbody tr').first().innerText(), /silenced/);
      await page.getByRole('button', { name: 'End the silence of OrphanInstance' }).click();
      await dialog.getByRole('button', { name: 'End it' }).click();
      await dialog.waitFor({ state: 'detached' });
      await admin.clock.advance(5_000);
      await page.getByText('Nothing is silenced').waitFor();
    }));
});
