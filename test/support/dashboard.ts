/** The dashboard in a real browser: what a person would meet, with what they would complain about. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { root } from './source-tree.ts';

export const widths = [360, 1440] as const;
export const schemes = ['light', 'dark'] as const;

export interface Visit {
  readonly browser: Browser;
  /** Of the operator port. */
  readonly url: string;
  readonly width?: (typeof widths)[number];
  readonly scheme?: (typeof schemes)[number];
  /** Complaints of the console that the test provokes. */
  readonly expected?: RegExp;
}

/** Opens a browser of its own for `use`; afterwards nothing may have gone to the console or left the origin. */
export async function onDashboard(
  { browser, url, width = 1440, scheme = 'light', expected }: Visit,
  path: string,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height: width < 800 ? 740 : 900 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    ...(width < 800 && { isMobile: true, hasTouch: true }),
  });
  // A busy machine is slow, not broken.
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const complain = (text: string) => {
    if (expected === undefined || !expected.test(text)) complaints.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(message.text());
  });
  page.on('pageerror', (error) => complain(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:')) complain(request.url());
  });
  try {
    await page.goto(url + path);
    await use(page);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What everybody must be able to use: axe's rules of WCAG 2.2 AA and good practice. */
export async function assertAccessible(page: Page): Promise<void> {
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(axe);
  const violations = await page.evaluate<{ id: string; nodes: { html: string; failureSummary?: string }[] }[]>(
    'axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations)',
  );
  assert.deepEqual(
    violations.slice(0, 3).map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ html, failureSummary }) => `${html} ${failureSummary ?? ''}`)
          .join('\n')}`,
    ),
    [],
  );
}

/** Nothing is cut off or hidden at the side, and a thumb finds what can be pressed. */
export async function assertFits(page: Page, width: number): Promise<void> {
  // A phone zooms out to show what is too wide, so its own width says nothing.
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
  assert.ok(wide <= width, `the page is ${wide} pixels wide on a screen of ${width}`);
  if (width > 800) return;
  const small = await page.evaluate<string[]>(`
    [...document.querySelectorAll('button, select, input:not([type=radio], [type=checkbox], [type=range]), nav a, .button')]
      .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 44)
      .map((element) => element.outerHTML.slice(0, 120) + ' ' + element.getBoundingClientRect().height)`);
  assert.deepEqual(small, [], 'these are smaller than 44 pixels');
}

/** The page as it stands, in every width and colour: it fits, axe finds nothing, and a person can look at it. */
export async function inEveryLook(page: Page, name: string): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: width < 800 ? 740 : 900 });
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      await screenshot(page, `${name}-${width}-${colorScheme}`);
      await assertAccessible(page);
    }
    await assertFits(page, width);
  }
}

/** For a person to look at: `.screenshots/`, or where SELFHOST_SCREENSHOTS says. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env['SELFHOST_SCREENSHOTS'] ?? join(root, '.screenshots');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
