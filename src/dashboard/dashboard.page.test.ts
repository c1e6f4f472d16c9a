import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { model, post, startRig, type Rig } from '../../test/journeys/harness.ts';
import { openBrowser } from '../../test/support/browser.ts';
import { assertAccessible, inEveryLook, onDashboard, screenshot } from '../../test/support/dashboard.ts';
import { openCutLine } from '../../test/support/cut-line.ts';
import { until } from '../../test/support/until.ts';
import { bundleDashboard } from './bundle.ts';

/** What Chromium says of a line that a test cuts. */
const brokenLine = /Failed to load resource|ERR_/;

const ask = async (rig: Rig, content: string): Promise<string> => {
  const reply = await post(`${rig.url}/api/chat`, { model, messages: [{ role: 'user', content }], stream: false });
  assert.equal(reply.status, 200);
  await reply.text();
  return reply.headers.get('x-selfhost-request-id')!;
};

/** Page, address, and what shows that its facts have come. */
const pages = [
  { name: 'now', path: '/', ready: '#tape table' },
  { name: 'requests', path: '/requests', ready: '#list table' },
  { name: 'cache', path: '/cache', ready: '#scores .chart svg rect.fill-hit' },
  { name: 'what-if', path: '/what-if?threshold=0.95', ready: '#result table' },
  { name: 'alerts', path: '/alerts', ready: '#rules table' },
  { name: 'settings', path: '/settings', ready: '#configuration table' },
] as const;

describe('dashboard', () => {
  let browser: Browser;
  let rig: Rig;
  let semanticHit = '';
  before(async () => {
    browser = await openBrowser();
    rig = await startRig({ config: { cache: { policy: 'fixed', similarityMin: 0.8 } } });
    for (const question of ['How tall is the tower in Paris?', 'What does a semantic cache do?', 'Name three rivers.'])
      for (let i = 0; i < 3; i++) await ask(rig, question);
    for (const question of [
      'How tall is the tower in London?',
      'Name four rivers.',
      'What does a semantic cache not do?',
    ])
      await ask(rig, question);
    semanticHit = await ask(rig, 'how tall is the tower in paris');
    await post(`${rig.url}/api/chat`, { model: 'no-such-model', messages: [{ role: 'user', content: 'Hi' }] });
  });
  after(async () => {
    await browser?.close();
    await rig?.close();
  });

  const visit = () => ({ browser, url: rig.adminUrl });

  for (const { name, path, ready } of pages) {
    it(`shows ${path} to everybody: on a phone and on a desk, in light and dark colours`, () =>
      onDashboard(visit(), path, async (page) => {
        await page.locator(ready).first().waitFor();
        await page.locator('[data-connection=live]').waitFor();
        await inEveryLook(page, name);
      }));
  }

  it('brings a request to the page when it finishes, with no reload', () =>
    onDashboard(visit(), '/', async (page) => {
      await page.locator('#tape table').waitFor();
      const before = await page.locator('#tape tbody tr').first().innerText();
      await ask(rig, 'Which request is the newest?');
      const first = page.locator('#tape tbody tr').first();
      await until('the new request is there', async () => (await first.innerText()) !== before, 20_000);
      assert.match(await first.innerText(), /miss/);
    }));

  it('asks every few seconds where the stream cannot be had, and says so', () =>
    onDashboard({ ...visit(), expected: /live|503/ }, '/', async (page) => {
      await page.unrouteAll();
      await page.route(/\/api\/live\?/, (route) => route.fulfill({ status: 503, body: '' }));
      await page.reload();
      await page.locator('[data-connection=polling]').waitFor();
      assert.match(await page.locator('.connection').innerText(), /asking every 5 s/);
      assert.match(await page.locator('#up').innerText(), /Serving/);
      await page.locator('#tape table').waitFor();
    }));

  it('hears nothing in a hidden tab, and goes on when it is looked at again', () =>
    onDashboard(visit(), '/requests', async (page) => {
      await page.locator('#list table').waitFor();
      const hide = (isHidden: boolean) =>
        page.evaluate(
          `Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${String(isHidden)} });
          document.dispatchEvent(new Event('visibilitychange'))`,
        );
      await hide(true);
      await page.locator('[data-connection=paused]').waitFor();
      const before = await page.locator('#list tbody tr').count();
      await ask(rig, 'Asked while nobody looked?');
      assert.equal(await page.locator('#list tbody tr').count(), before);
      await hide(false);
      await page.locator('[data-connection=live]').waitFor();
      await until('it is told', async () => (await page.locator('#list tbody tr').count()) === before + 1, 20_000);
    }));

  it('goes on where it was after a cut, and misses no request', async () => {
    const line = await openCutLine(rig.adminUrl);
    try {
      await onDashboard({ browser, url: line.url, expected: brokenLine }, '/requests', async (page) => {
        await page.locator('#list table').waitFor();
        const before = Number(/of the last ([\d,]+)/.exec(await page.locator('#list').innerText())![1]);
        line.cut();
        await page.locator('[data-connection=connecting]').waitFor();
        await ask(rig, 'Asked while nobody listened?');
        await ask(rig, 'Asked while nobody listened?');
        line.mend();
        await page.locator('#list', { hasText: `of the last ${before + 2}` }).waitFor();
        await page.locator('[data-connection=live]').waitFor();
      });
    } finally {
      await line.close();
    }
  });

  it('greys out what is old, and says how old', async () => {
    const line = await openCutLine(rig.adminUrl);
    try {
      await onDashboard({ browser, url: line.url, expected: brokenLine }, '/plain', async (page) => {
        await page.clock.install();
        await page.goto(line.url);
        await page.locator('#tape table').waitFor();
        assert.equal(await page.locator('section[data-stale=true]').count(), 0);
        // Nothing was asked for a while: what is shown still holds.
        await page.clock.fastForward(30_000);
        await until(
          'nothing is old while the stream tells that nothing changed',
          async () => (await page.locator('section[data-stale=true]').count()) === 0,
          20_000,
        );
        line.cut();
        await page.locator('[data-connection=connecting]').waitFor();
        await page.clock.fastForward(30_000);
        await page.locator('section[data-stale=true]', { hasText: 'Is it up?' }).waitFor();
        assert.match(await page.locator('section[data-stale=true]').first().innerText(), /stale: as of .* ago/);
        await screenshot(page, 'stale-1440-light');
        await assertAccessible(page);
      });
    } finally {
      await line.close();
    }
  });

  it('replays under other settings, which stand in the address, and says how far it can know', () =>
    onDashboard(visit(), '/what-if', async (page) => {
      await page.locator('#result table').waitFor();
      const row = page.locator('#result tbody tr', { hasText: 'Answered from the cache' });
      assert.match(await page.locator('#result').innerText(), /100 % of the questions get the answer they got/);
      const before = await row.innerText();
      const slider = page.getByLabel('Smallest score that is served');
      await slider.focus();
      await page.keyboard.press('End');
      await page.waitForURL('**/what-if?threshold=1');
      await until('the replay is there', async () => (await row.innerText()) !== before, 20_000);
      assert.match(await page.locator('#knobs').innerText(), /Smallest score that is served: 1\.000/);
      await page.getByRole('button', { name: 'As it was' }).click();
      await page.waitForURL('**/what-if');
    }));

  it('runs the doctor when asked to, and shows what is wrong first, with what to do', () =>
    onDashboard(visit(), '/settings', async (page) => {
      await page.getByRole('button', { name: 'Look now' }).click();
      await page.locator('#doctor table').waitFor({ timeout: 60_000 });
      const rows = await page.locator('#doctor tbody tr').allInnerTexts();
      assert.ok(rows.length >= 18, `${rows.length} checks`);
      const states = rows.map((row) => /\b(fail|warn|ok|skipped)\b/.exec(row.replace(/^[^\t]*/, ''))![1]!);
      const rank = ['fail', 'warn', 'ok', 'skipped'];
      assert.deepEqual(
        states,
        states.toSorted((a, b) => rank.indexOf(a) - rank.indexOf(b)),
      );
      await inEveryLook(page, 'doctor');
    }));

  it('keeps filters in the address', () =>
    onDashboard(visit(), '/requests?answer=exact', async (page) => {
      await page.locator('#list table').waitFor();
      const answers = await page.locator('#list tbody tr td:nth-child(2)').allInnerTexts();
      assert.ok(answers.length >= 6 && answers.every((text) => text.includes('exact hit')), String(answers));
      await page.getByLabel('Answer').selectOption('semantic');
      await page.getByLabel('Model').fill('qwen');
      await page.waitForURL('**/requests?answer=semantic&model=qwen');
      assert.equal(await page.locator('#list tbody tr').count(), 1);
      await page.getByRole('button', { name: 'Clear filters' }).click();
      await page.waitForURL('**/requests');
    }));

  it('tells why, takes a word on it after a question, by keyboard alone', () =>
    onDashboard(visit(), '/requests?answer=semantic', async (page) => {
      const link = page.locator('#list tbody a').first();
      await link.focus();
      await page.keyboard.press('Enter');
      await page.locator('.because').waitFor();
      assert.match(page.url(), new RegExp(`id=${semanticHit}`));
      assert.equal(await page.evaluate('document.activeElement.id'), 'why-title');
      assert.match(await page.locator('#why').innerText(), /close enough to this one/);
      await screenshot(page, 'why-1440-light');
      await assertAccessible(page);
      const wrong = page.getByRole('button', { name: 'This was wrong' });
      await wrong.focus();
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog');
      await dialog.waitFor();
      assert.match(await dialog.innerText(), /serves no other wording any more/);
      await screenshot(page, 'question-1440-light');
      await assertAccessible(page);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      assert.equal(await page.evaluate('document.activeElement.innerText'), 'This was wrong');
      await page.keyboard.press('Enter');
      await dialog.getByRole('button', { name: 'Yes, it was wrong' }).click();
      await page.locator('.notice', { hasText: 'the stored answer is gone' }).waitFor();
      const { entries } = (await (await fetch(`${rig.adminUrl}/api/audit`)).json()) as {
        entries: { action: string; target: string; status: number; role: string }[];
      };
      assert.deepEqual(
        { action: entries[0]!.action, target: entries[0]!.target, status: entries[0]!.status, role: entries[0]!.role },
        {
          action: 'POST /api/requests/:id/feedback',
          target: `/api/requests/${semanticHit}/feedback`,
          status: 200,
          role: 'operator',
        },
      );
    }));

  it('can be gone through with the keyboard, and skips the menu when asked to', () =>
    onDashboard(visit(), '/', async (page) => {
      await page.locator('#tape table').waitFor();
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate('document.activeElement.className'), 'skip');
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate('document.activeElement.id'), 'content');
      await page.getByRole('link', { name: 'Requests', exact: true }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Requests', level: 1 }).waitFor();
      await page.locator('h1:focus').waitFor();
      assert.equal(await page.title(), 'Requests – llm-self-host');
    }));

  it('serves a first screen of at most 150 kB', async () => {
    const files = await bundleDashboard({ minify: true });
    const bytes = files.reduce((sum, { body }) => sum + gzipSync(body, { level: 9 }).length, 0);
    assert.ok(bytes <= 150_000, `${bytes} bytes gzipped`);
  });

  it('leads those without scripts to the plain page', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    try {
      const page = await context.newPage();
      await page.goto(rig.adminUrl);
      await page.getByRole('link', { name: 'The plain page' }).click();
      await page.getByRole('heading', { name: 'Traffic' }).waitFor();
    } finally {
      await context.close();
    }
  });
});

describe('dashboard behind a key', () => {
  const key = 'the-operator-key-of-this-test';
  const viewerKey = 'the-viewer-key-of-this-test-';
  let browser: Browser;
  let rig: Rig;
  before(async () => {
    browser = await openBrowser();
    rig = await startRig({ environment: { SELFHOST_ADMIN_KEY: key, SELFHOST_VIEWER_KEY: viewerKey } });
    await ask(rig, 'Same?');
    await ask(rig, 'Same?');
  });
  after(async () => {
    await browser?.close();
    await rig?.close();
  });
  const visit = () => ({ browser, url: rig.adminUrl, expected: /401|403/ });

  it('asks for the key, tells nothing before, and logs out again', () =>
    onDashboard(visit(), '/requests', async (page) => {
      await page.getByLabel('Operator or viewer key').fill('not the key');
      await screenshot(page, 'login-1440-light');
      await assertAccessible(page);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('this is not a key of the operator port').waitFor();
      assert.equal(await page.locator('nav').count(), 0);
      await page.getByLabel('Operator or viewer key').fill(key);
      await page.keyboard.press('Enter');
      await page.locator('#list table').waitFor();
      const [cookie] = await page.context().cookies();
      assert.deepEqual([cookie!.httpOnly, cookie!.sameSite], [true, 'Strict']);
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByLabel('Operator or viewer key').waitFor();
    }));

  it('logs in by a link, once', async () => {
    const url = rig.gateway.loginUrl()!;
    const path = url.slice(rig.adminUrl.length);
    await onDashboard(visit(), path, async (page) => {
      await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor();
      assert.equal(page.url(), `${rig.adminUrl}/`);
      assert.match(await page.locator('.who').innerText(), /operator, by session/);
    });
    await onDashboard(visit(), path, (page) => page.getByText('this link was used already').waitFor());
  });

  it('shows a viewer everything but what changes things', () =>
    onDashboard(visit(), '/requests?answer=exact', async (page) => {
      await page.getByLabel('Operator or viewer key').fill(viewerKey);
      await page.keyboard.press('Enter');
      await page.locator('#list tbody a').first().click();
      await page.locator('.because').waitFor();
      assert.equal(await page.getByRole('button', { name: 'This was wrong' }).count(), 0);
      const status = await page.evaluate<number>(
        `fetch('/api/cache/purge', { method: 'POST', body: '{"all":true}' }).then((reply) => reply.status)`,
      );
      assert.equal(status, 403);
    }));
});
