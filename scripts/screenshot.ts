/** `npm run docs:screenshot`: the picture of the dashboard in README.md, with a month of made-up traffic. Needs Chromium. */
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../src/core/clock.ts';
import { createEmbeddedLedger } from '../src/ledger/ledger/embedded.ts';
import { silentLogger } from '../src/telemetry/logger.ts';
import { model, post, startRig } from '../test/journeys/harness.ts';
import { openBrowser } from '../test/support/browser.ts';
import { aMonthOfEntries } from '../test/support/money-report.ts';

const target = join(dirname(import.meta.dirname), 'docs', 'images', 'dashboard.png');
const questions = [
  'How do I reset my password?',
  'How do I reset my password?',
  'How can I reset my password?',
  'What is a GPU?',
  'How do I not reset my password?',
  'What is a GPU?',
  'Name three rivers.',
];

const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-screenshot-'));
const ledger = await createEmbeddedLedger({ dataDir, clock: systemClock, logger: silentLogger });
for (const entry of aMonthOfEntries(systemClock.now())) ledger.append(entry);
await ledger.flush();
await ledger.close();
const rig = await startRig({
  dataDir,
  price: 0.45,
  config: {
    embedding: { kind: 'lexical' },
    money: { baseline: 'same-fleet', fixedPerMonth: [{ name: 'gateway machine', usd: 10 }] },
  },
});
const browser = await openBrowser();
try {
  // The first answers of a process are its slowest; what stands on the page is the long run.
  for (const content of Array.from({ length: 20 }, () => questions).flat()) {
    const reply = await post(`${rig.url}/api/chat`, { model, stream: false, messages: [{ role: 'user', content }] });
    await reply.text();
  }
  const context = await browser.newContext({ viewport: { width: 1200, height: 700 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(rig.adminUrl);
  await page.locator('#tape table').first().waitFor();
  await page.waitForLoadState('load');
  // Figures of money come with the next look at the ledger.
  await page.getByText('$').first().waitFor();
  mkdirSync(dirname(target), { recursive: true });
  await page.screenshot({ path: target });
} finally {
  await browser.close();
  await rig.close();
  await rm(dataDir, { recursive: true, force: true });
}
