import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { openBrowser } from '../../test/support/browser.ts';
import { aRecord, anEntry, startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';
import { textOf } from '../../test/support/source-tree.ts';
import type { Feedback, TracedCandidate } from '../cache/cache-types.ts';
import { entryId, requestId, tenantId } from '../core/ids.ts';

/** Plain JavaScript: the tests are compiled without the types of a browser. */
const worstContrast = textOf('test/support/worst-contrast.js');

const candidate: TracedCandidate = {
  entryId: entryId('entry-1'),
  text: 'How tall is the tower?',
  ageS: 90,
  similarity: 0.953,
  refusedBy: [],
  probability: 0.97,
  nearDuplicate: false,
  inputs: { cosine: 0.953, sharedWords: 0.75 },
};

describe('why page', () => {
  let browser: Browser;
  let admin: RunningAdmin;
  let heard: Feedback[];
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser?.close());
  beforeEach(async () => {
    heard = [];
    admin = await startAdmin({ entries: [anEntry()] });
    admin.feedback = (given) => {
      heard.push(given);
      return { kind: 'taken', effect: given.verdict === 'wrong' ? 'quarantined' : 'counted' };
    };
    admin.requests.add(
      aRecord({
        id: 'req_1',
        thinker: undefined,
        steps: {
          bypass: undefined,
          exact: 'miss',
          exactMs: 0.1,
          semantic: 'hit',
          semanticMs: 2,
          semanticReason: undefined,
          ageS: 90,
          answerOf: 'request-1',
          queuedMs: undefined,
          cold: undefined,
        },
      }),
    );
    admin.why.set('req_1', {
      requestId: requestId('req_1'),
      tenant: tenantId('local'),
      sample: undefined,
      trace: {
        policy: 'certified',
        text: 'What is the height of the tower?',
        stages: { embed: 1.5, search: 0.2 },
        candidates: [candidate, { ...candidate, text: 'W'.repeat(500), refusedBy: ['order'], probability: undefined }],
        chosen: candidate,
        state: 'certified',
        cut: 0.94,
        auditsMissing: undefined,
        atTargets: [{ target: 0.01, cut: 0.99, hit: false }],
      },
    });
  });
  afterEach(() => admin.close());

  /** Opens the status page, and complains afterwards about errors and about requests that left the origin. */
  async function onPage(options: BrowserContextOptions, use: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
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

  it('is reached from the last requests, and tells the reason, the steps, the candidates and the cut', () =>
    onPage({}, async (page) => {
      await page.locator('#requests a').first().click();
      await page.waitForURL(`${admin.url}/requests/req_1`);
      assert.match(await page.locator('#because').innerText(), /^A stored answer, made 1 min ago, was given: .* 97 %/);
      assert.match(await page.locator('#steps').innerText(), /same request\s+0\.1 ms/);
      const candidates = await page.locator('#candidates').innerText();
      for (const text of ['How tall is the tower?', '0.953', '0.970', 'above the cut', 'not be a hit (cut 99 %)'])
        assert.ok(candidates.includes(text), text);
      await page.locator('summary').first().click();
      assert.match(await page.locator('#candidates details').first().innerText(), /sharedWords\s+0\.75/);
    }));

  it('takes "wrong" only when asked again, says what it did, and says nothing twice on a reload', () =>
    onPage({}, async (page) => {
      await page.goto(`${admin.url}/requests/req_1`);
      await page.getByRole('button', { name: 'This was wrong' }).click();
      assert.match(await page.locator('#confirm').innerText(), /serves no other wording any more/);
      assert.deepEqual(heard, []);
      await page.getByRole('button', { name: 'Yes, it was wrong' }).click();
      await page.waitForURL(`${admin.url}/requests/req_1?said=quarantined`);
      assert.match(await page.getByRole('status').innerText(), /^Noted\./);
      await page.reload();
      assert.deepEqual(heard, [{ requestId: 'req_1', verdict: 'wrong' }]);
    }));

  it('takes "right" at once', () =>
    onPage({}, async (page) => {
      await page.goto(`${admin.url}/requests/req_1`);
      await page.getByRole('button', { name: 'This was right' }).click();
      await page.waitForURL(`${admin.url}/requests/req_1?said=counted`);
      assert.deepEqual(heard, [{ requestId: 'req_1', verdict: 'right' }]);
    }));

  for (const [referrerPolicy, origin] of [
    ['unsafe-url', 'http://foreign.example'],
    ['no-referrer', 'null'],
  ] as const) {
    it(`does not take the word of a page that comes as ${origin}`, async () => {
      const context = await browser.newContext();
      try {
        const page = await context.newPage();
        const form = `<form method="post" action="${admin.url}/requests/req_1/feedback"><input name="verdict" value="wrong"><input name="confirmed" value="yes"></form>`;
        await page.route('http://foreign.example/', (route) =>
          route.fulfill({ contentType: 'text/html', body: form, headers: { 'referrer-policy': referrerPolicy } }),
        );
        await page.goto('http://foreign.example/');
        const [reply] = await Promise.all([
          page.waitForResponse(`${admin.url}/requests/req_1/feedback`),
          page.evaluate('document.forms[0].submit()'),
        ]);
        assert.equal((await reply.request().allHeaders())['origin'], origin);
        assert.equal(reply.status(), 403);
        assert.deepEqual(heard, []);
      } finally {
        await context.close();
      }
    });
  }

  for (const path of ['/requests/req_1', '/requests/nobody']) {
    it(`fits a phone at ${path} without scrolling sideways`, async () => {
      const context = await browser.newContext({
        viewport: { width: 390, height: 844 },
        isMobile: true,
        hasTouch: true,
      });
      try {
        const page = await context.newPage();
        await page.goto(admin.url + path);
        const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
        assert.equal(overflow, 0, `the page is ${overflow} pixels wider than the screen`);
      } finally {
        await context.close();
      }
    });
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has contrast that can be read in ${colorScheme} colours`, () =>
      onPage({ colorScheme }, async (page) => {
        await page.goto(`${admin.url}/requests/req_1`);
        const worst = await page.evaluate<{ ratio: number; text: string }>(worstContrast);
        // WCAG 2.2, success criterion 1.4.3.
        assert.ok(worst.ratio >= 4.5, `${worst.text}: contrast ${worst.ratio.toFixed(2)}`);
      }));
  }
});
