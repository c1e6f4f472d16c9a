/** The machine's Chromium, driven by Playwright, with none of its calls home. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser'];

export async function openBrowser(): Promise<Browser> {
  const executablePath = places.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error(`no Chromium at ${places.join(' or ')}; \`npm test\` installs one`);
  return await chromium.launch({
    executablePath,
    args: [
      // Chromium refuses to sandbox the superuser, whom containers run as.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
