import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { openBrowser } from '../../test/support/browser.ts';
import { textOf } from '../../test/support/source-tree.ts';
import { aRecord, aStatus, startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';

/** Plain JavaScript: the tests are compiled without the types of a browser. */
const worstContrast = textOf('test/support/worst-contrast.js');

const longName = 'a-model-with-a-name-as-long-as-the-ones-people-upload-with-all-their-parameters:q4_K_M';

describe('status page', () => {
  let browser: Browser;
  let admin: RunningAdmin;
  before(async () => {
    browser = await openBrowser();
    admin = await startAdmin();
    const [thinker] = aStatus().thinkers;
    admin.status = aStatus({
      thinkers: [
        thinker!,
        { ...thinker!, name: 'simulated', kind: 'simulated', models: [longName] },
        { ...thinker!, name: 'cellar', state: 'unreachable', lastError: 'connection refused', loaded: [] },
      ],
    });
    admin.requests.add(aRecord());
    admin.requests.add(aRecord({ id: 'two', cache: 'miss', model: longName, similarity: undefined, totalMs: 2345 }));
    admin.requests.add(
      aRecord({ id: 'three', cache: undefined, outcome: 'overloaded', status: 503, error: 'queue_full' }),
    );
  });
  after(async () => {
    await browser?.close();
    await admin?.close();
  });

  /** Opens the page, and complains afterwards about errors and about requests that left the origin. */
  async function onPage(options: BrowserContextOptions, use: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(`${admin.url}/`) && !request.url().startsWith('data:'))
        complaints.push(request.url());
    });
    try {
      await page.goto(admin.url);
      await use(page);
      assert.deepEqual(complaints, []);
    } finally {
      await context.close();
    }
  }

  it('shows the URL to use, the thinkers, the hits and the last requests', () =>
    onPage({}, async (page) => {
      assert.match(await page.locator('#use').innerText(), /OLLAMA_HOST=http:\/\/127\.0\.0\.1:11435/);
      assert.match(
        await page.locator('#curl').innerText(),
        /^curl -i http:\/\/127\.0\.0\.1:11435\/api\/chat -d '\{"model":"llama3\.2:latest"/,
      );
      const thinkers = await page.locator('#thinkers').innerText();
      for (const text of ['attic', 'ready', 'simulated', 'unreachable', 'connection refused'])
        assert.ok(thinkers.includes(text), text);
      assert.match(await page.locator('#traffic').innerText(), /44\.4 % \(10 exact, 5 semantic, 1 coalesced\)/);
      assert.match(await page.locator('#traffic').innerText(), /Some answers are simulated/);
      assert.match(await page.locator('#latency').innerText(), /the cache\s+1\.3 ms\s+3\.0 ms\s+4\.0 ms\s+16/);
      assert.match(await page.locator('#cache').innerText(), /run `llm-self-host embedder fetch`/);
      assert.equal(await page.locator('#requests tbody tr').count(), 3);
      assert.match(await page.locator('#requests tbody tr').first().innerText(), /503 queue_full/);
      assert.match(await page.locator('#requests tbody tr').last().innerText(), /semantic 0\.953/);
    }));

  it('brings news by itself, keeps what the reader holds, and stops when asked to', () =>
    onPage({}, async (page) => {
      await page.locator('#pause').focus();
      admin.requests.add(aRecord({ id: 'news', model: 'newest-model' }));
      await page.locator('#requests', { hasText: 'newest-model' }).waitFor();
      assert.equal(await page.evaluate('document.activeElement.id'), 'pause');
      await page.locator('#pause').click();
      assert.equal(await page.locator('#state').innerText(), 'paused');
      assert.equal(await page.locator('#pause').innerText(), 'Resume updates');
    }));

  it('fits a phone without scrolling sideways, and shows no less', () =>
    onPage({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }, async (page) => {
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
      assert.equal(overflow, 0, `the page is ${overflow} pixels wider than the screen`);
      assert.ok(await page.locator('#thinkers').isVisible());
    }));

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has contrast that can be read in ${colorScheme} colours`, () =>
      onPage({ colorScheme }, async (page) => {
        const worst = await page.evaluate<{ ratio: number; text: string }>(worstContrast);
        // WCAG 2.2, success criterion 1.4.3.
        assert.ok(worst.ratio >= 4.5, `${worst.text}: contrast ${worst.ratio.toFixed(2)}`);
      }));
  }

  it('names every part for those who do not see it', () =>
    onPage({}, async (page) => {
      for (const name of ['Use it', 'Traffic', 'Thinkers', 'Cache', 'Semantic tier', 'Latency', 'Recent requests']) {
        assert.equal(await page.getByRole('region', { name, exact: true }).count(), 1, name);
        assert.equal(await page.getByRole('heading', { name, exact: true, level: 2 }).count(), 1, name);
      }
      assert.equal(await page.getByRole('status').count(), 1);
      assert.equal(await page.locator('html').getAttribute('lang'), 'en');
      for (const table of await page.locator('table').all())
        assert.ok((await table.locator('th[scope=col]').count()) > 0);
    }));
});
