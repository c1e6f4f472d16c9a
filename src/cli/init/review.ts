import { usd } from '../fleet-text.ts';
import type { Setup } from './setup.ts';

/** All of it on one screen, with what the first hour costs, before anything is written. */
export function review(setup: Setup, config: string): string {
  const { source, cache, audits, access, alert } = setup;
  const rows: (readonly [string, string])[] = [
    ['answers', answersText(setup)],
    ...(source.kind === 'vast'
      ? ([
          [
            'machines',
            `${source.gpuNames.join(', ')}; at most ${usd(source.pricePerHourMaxUsd)} an hour each, ${source.thinkersMax} at a time`,
          ],
          [
            'spending',
            `at most ${usd(source.spending.dayMaxUsd)}/day, about ${usd(source.spending.monthUsd)}/month at your hours`,
          ],
          ['first hour', `about ${usd(source.spending.firstHourUsd)}, from the first rental on; nothing before`],
        ] as const)
      : ([['cost', 'none']] as const)),
    ['cache', cache === 'exact' ? 'the same question only' : `${cache}, audits ${audits}`],
    [
      'who may ask',
      access === 'open' ? 'everybody on this computer, sharing answers' : 'holders of a key; tenants apart',
    ],
    ['alerts', alert?.kind ?? 'on the operator page only'],
    ['file', config],
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)} ${value}`).join('\n');
}

function answersText({ source }: Setup): string {
  switch (source.kind) {
    case 'demo':
      return 'the Ollama of this computer, else made up (demo)';
    case 'ollama':
      return source.url;
    case 'vast':
      return `${source.needs.model} on machines of vast.ai, rented when somebody asks`;
  }
}
