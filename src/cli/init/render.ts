/** The configuration as a person would write it: only what was decided, each with the reason. */
import { formatDuration } from '../../core/format.ts';
import { usd } from '../fleet-text.ts';
import type { Setup, VastPlan } from './setup.ts';

/** Paths of the secrets that the configuration names. */
export interface SecretPaths {
  readonly vastKey: string;
  readonly alertSecret: string;
  readonly apiKeys: string;
}

export function renderConfig(setup: Setup, paths: SecretPaths): string {
  return [
    '# Made by `llm-self-host init`; yours to change. Every option, its default and its bounds: docs/reference/config.md.',
    '# `llm-self-host doctor --config` with this file says whether all of it works.',
    '# No secrets in here: they lie in files that only you can read, and that this file names.',
    '',
    ...placesLines(setup, paths),
    ...sourceLines(setup, paths),
    ...cacheLines(setup),
    ...alertLines(setup, paths),
  ].join('\n');
}

/** A YAML scalar: JSON is YAML. */
const scalar = (value: unknown): string => JSON.stringify(value);

function placesLines({ dataDir, port, adminPort, access }: Setup, paths: SecretPaths): string[] {
  const gateway = [
    ...(port === undefined ? [] : [`  port: ${port}`]),
    ...(access === 'keys'
      ? [
          '  # One `tenant key` a line. `llm-self-host keys create` makes more, with limits.',
          `  apiKeysFile: ${scalar(paths.apiKeys)}`,
        ]
      : []),
  ];
  return [
    ...(dataDir === undefined ? [] : ['# Where answers are kept.', `dataDir: ${scalar(dataDir)}`, '']),
    ...(gateway.length === 0 ? [] : ['gateway:', ...gateway, '']),
    ...(adminPort === undefined ? [] : ['admin:', `  port: ${adminPort}`, '']),
  ];
}

function sourceLines({ source }: Setup, paths: SecretPaths): string[] {
  switch (source.kind) {
    case 'demo':
      return [
        '# The Ollama of this computer when there is one, else made-up answers. No account, no cost.',
        'discovery: auto',
        '',
      ];
    case 'ollama':
      return ['thinkers:', '  # Your Ollama. More of them: one entry each.', `  - url: ${scalar(source.url)}`, ''];
    case 'vast':
      return ['# Answers come from rented machines alone.', 'discovery: "off"', '', ...fleetLines(source, paths)];
  }
}

/** The section that `connect vast` adds to a configuration. */
export function fleetLines(plan: VastPlan, paths: Pick<SecretPaths, 'vastKey'>): string[] {
  const { caps, needs, hours, spending } = plan;
  return [
    'fleet:',
    '  provider: vast',
    `  model: ${scalar(needs.model)}`,
    '  # What each machine downloads, GB.',
    `  modelGb: ${needs.sizeGb}`,
    `  # Nothing is rented that could pass one of these: at most ${usd(spending.dayMaxUsd)} a day.`,
    '  caps:',
    `    perHourUsd: ${caps.perHourUsd}`,
    `    perDayUsd: ${caps.perDayUsd}`,
    `    perMonthUsd: ${caps.perMonthUsd}`,
    '    # One machine, from its rental to its end.',
    `    perRentalUsd: ${caps.perRentalUsd}`,
    '  # From nothing when nobody asks, to so many when many do.',
    '  thinkersMin: 0',
    `  thinkersMax: ${plan.thinkersMax}`,
    ...(plan.idleS === undefined
      ? []
      : [
          `  # The last machine is given back after ${formatDuration(plan.idleS)} without a question.`,
          `  idleTimeoutMs: ${plan.idleS * 1000}`,
        ]),
    ...(hours.kind === 'on-demand'
      ? []
      : [
          '  # A machine is ready in these hours before anybody asks.',
          '  schedule:',
          `    - days: ${scalar(hours.days)}`,
          `      from: ${scalar(hours.from)}`,
          `      to: ${scalar(hours.to)}`,
          '      thinkersMin: 1',
        ]),
    '  # Of the days of the budget and of the schedule, east of UTC.',
    `  utcOffsetMinutes: ${plan.utcOffsetMinutes}`,
    '  machines:',
    `    gpuNames: ${scalar(plan.gpuNames)}`,
    `    # Usually about ${usd(plan.pricePerHourUsd)} when this was written.`,
    `    pricePerHourMaxUsd: ${plan.pricePerHourMaxUsd}`,
    `    # Weights and ${plan.slots} contexts of ${plan.contextTokens} tokens.`,
    `    vramGbMin: ${needs.vramGb}`,
    '  vast:',
    ...(plan.url === undefined ? [] : [`    url: ${scalar(plan.url)}`]),
    `    keyFile: ${scalar(paths.vastKey)}`,
    `    diskGb: ${needs.diskGb}`,
    `    slots: ${plan.slots}`,
    `    contextTokens: ${plan.contextTokens}`,
    '    # The owner of a machine can read what is asked there.',
    `    hosts: ${plan.hosts === 'any' ? 'any' : 'verified'}`,
    `    datacenterOnly: ${plan.hosts === 'datacenter'}`,
    '',
  ];
}

function cacheLines({ cache, audits }: Setup): string[] {
  const mode = {
    balanced: [
      '  # The same question in other words is answered from the cache where audits have shown that at most',
      '  # this share of such answers is wrong.',
      '  falseHitShareMax: 0.05',
    ],
    strict: ['  # A proof that holds however often it is looked at: about half the hits.', '  strict: true'],
    exact: ['  # Only the same question again, never one in other words.', '  mode: exact-only'],
  }[cache];
  return [
    'cache:',
    ...mode,
    ...(cache === 'exact'
      ? []
      : [
          '  # Idle thinkers answer a sample again, to measure how often the cache is wrong.',
          `  audits: ${audits === 'on' ? 'auto' : '"off"'}`,
        ]),
    '',
  ];
}

function alertLines({ alert }: Setup, paths: SecretPaths): string[] {
  if (alert === undefined) return [];
  const fields = { ...alert.channel, ...(alert.secret !== undefined && { secretFile: paths.alertSecret }) };
  return [
    '# Who is told when something needs a person; `llm-self-host alerts test` sends a message.',
    'alerts:',
    '  channels:',
    ...Object.entries(fields).map(([name, value], index) => `    ${index === 0 ? '-' : ' '} ${name}: ${scalar(value)}`),
    '',
  ];
}
