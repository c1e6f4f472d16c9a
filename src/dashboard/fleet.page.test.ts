import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { openBrowser } from '../../test/support/browser.ts';
import { assertAccessible, inEveryLook, onDashboard, screenshot } from '../../test/support/dashboard.ts';
import { startFleetGateway, worldOptions, type FleetWorld } from '../../test/support/fleet-world.ts';
import { startVastWorld, type VastWorld } from '../sim/world.ts';

describe('fleet page', () => {
  let browser: Browser;
  let world: VastWorld;
  let fleet: FleetWorld;
  before(async () => {
    browser = await openBrowser();
    world = await startVastWorld(worldOptions(23));
    fleet = await startFleetGateway(world, { fleet: { idleTimeoutMs: 3_600_000 } });
  });
  after(async () => {
    await browser?.close();
    await fleet?.close();
    await world?.close();
  });
  const visit = () => ({ browser, url: fleet.gateway.adminUrl });

  it('rents a machine, shows how it comes up and what it costs, and stops everything', () =>
    onDashboard(visit(), '/fleet', async (page) => {
      await page.locator('#fleet', { hasText: 'asleep' }).waitFor();
      await page.getByRole('button', { name: 'Ask the market' }).click();
      await page.locator('#offers table').waitFor();

      await page.getByRole('button', { name: 'Keep machines ready' }).click();
      const dialog = page.getByRole('dialog');
      assert.match(await dialog.innerText(), /Caps hold: \$5\.00 an hour, \$20\.00 a day, \$100\.00 a month/);
      await dialog.getByLabel('Hours').fill('2');
      await dialog.getByRole('button', { name: 'Start' }).click();
      await page.locator('.notice', { hasText: 'keeps 1 machine for 2 h' }).waitFor();
      await page.locator('.machine .state', { hasText: 'ready' }).waitFor({ timeout: 60_000 });
      await page.locator('#fleet', { hasText: '1 machine' }).waitFor();
      assert.match(await page.locator('.machine').innerText(), /still billing: GPU/);
      await page
        .locator('.machine', { hasText: /\d % computing, \d+\.\d GiB of \d+\.\d GiB in use/ })
        .waitFor({ timeout: 60_000 });
      await page.locator('#over-time').getByRole('button', { name: 'Look again' }).click();
      await page.locator('#over-time svg rect.fill-hit').first().waitFor();
      await page.locator('.machine summary').click();
      assert.match(await page.locator('.machine .timeline').innerText(), /requested[\s\S]*creating[\s\S]*ready/);
      await inEveryLook(page, 'fleet');

      await page.setViewportSize({ width: 1440, height: 900 });
      await page.getByRole('button', { name: 'Stop everything now' }).click();
      assert.match(
        await dialog.innerText(),
        /1 machine is given back, which ends \$0\.\d\d an hour\. No answer is running/,
      );
      await screenshot(page, 'kill-switch-1440-dark');
      await assertAccessible(page);
      const go = dialog.getByRole('button', { name: 'Stop everything' });
      assert.ok(await go.isDisabled());
      await dialog.getByRole('textbox').fill('stop');
      await go.click();
      await page.locator('#machines', { hasText: 'None is there, and none is billed' }).waitFor({ timeout: 60_000 });
      assert.match(await page.locator('#fleet').innerText(), /stopped[\s\S]*nothing/);
      assert.equal(world.instances().length, 0);
      // The header never says that all is well.
      assert.doesNotMatch(await page.locator('.top-state').innerText(), /Serving/);
    }));
});
