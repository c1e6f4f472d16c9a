import { existsSync } from 'node:fs';

/** As it must be typed here: a checkout has the command in node_modules/.bin only, where npx finds it. */
export const commandName = (): string =>
  existsSync(new URL('../../.git', import.meta.url)) ? 'npx llm-self-host' : 'llm-self-host';
