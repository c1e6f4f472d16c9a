import { createInterface } from 'node:readline/promises';
import { InvalidArgumentError, type Command } from 'commander';
import type { CacheEntryView, CacheListView, FlushReply, PurgeReply } from '../../admin/admin-types.ts';
import { formatBytes, formatDuration } from '../../core/format.ts';
import { adminTarget, getJson, type Target } from '../client.ts';
import { addCacheMigrate } from './cache-migrate.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { formatTable, parseDuration } from '../format.ts';
import { examples } from '../examples.ts';

interface ListOptions extends GlobalOptions {
  readonly model?: string;
  readonly contains?: string;
  readonly limit: number;
}

interface PurgeOptions extends GlobalOptions {
  readonly model?: string;
  readonly contains?: string;
  /** Seconds. */
  readonly olderThan?: number;
  readonly all?: boolean;
  readonly yes?: boolean;
}

export function addCache(program: Command, context: CliContext): void {
  const cache = program
    .command('cache')
    .description('Look at the stored answers, and forget some of them.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host cache list --contains weather', 'which answers are kept'],
        ['llm-self-host cache show 01JABC…', 'one of them, whole'],
        ['llm-self-host cache purge --older-than 1h', 'forget what is older than an hour'],
        ['llm-self-host cache flush', 'let no stored answer serve any more, at once'],
      ]),
    );
  addList(cache, context);
  addShow(cache, context);
  addPurge(cache, context);
  addFlush(cache, context);
  addCacheMigrate(cache, context);
}

function addList(cache: Command, context: CliContext): void {
  cache
    .command('list')
    .description('Stored answers, newest first.')
    .option('--model <name>', 'only answers of this model')
    .option('--contains <text>', 'only prompts that contain this text, in any case')
    .option('--limit <n>', 'how many at most', wholeNumber, 20)
    .addHelpText(
      'after',
      examples([
        ['llm-self-host cache list --limit 100', 'the last hundred'],
        ['llm-self-host cache list --json | jq -r .entries[].text', 'their prompts'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<ListOptions>();
      const { model, contains, limit } = options;
      const list = await getJson<CacheListView>(adminTarget(context, options), {
        path: '/api/cache/entries',
        query: { model, contains, limit },
      });
      if (options.json) return printJson(context, list);
      if (list.entries.length === 0) return context.out('no stored answers match\n');
      const rows = list.entries.map((entry) => [
        entry.id,
        entry.model,
        `${formatDuration(entry.ageS)} ago`,
        formatDuration(entry.expiresInS),
        String(entry.hits),
        formatBytes(entry.bytes),
        oneLine(entry.text),
      ]);
      context.out(formatTable(['ID', 'MODEL', 'STORED', 'EXPIRES IN', 'HITS', 'SIZE', 'PROMPT'], rows, 140));
      if (list.before !== undefined) context.err(`there are more; --limit ${limit * 5} shows some\n`);
    });
}

function addShow(cache: Command, context: CliContext): void {
  cache
    .command('show')
    .argument('<id>', 'entry, as in `cache list` and in the x-selfhost-entry header')
    .description('One stored answer with its prompt and where it came from.')
    .addHelpText('after', examples([['llm-self-host cache show 01JABC…', 'prompt and answer']]))
    .action(async (id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const path = `/api/cache/entries/${encodeURIComponent(id)}`;
      const entry = await getJson<CacheEntryView>(adminTarget(context, options), { path });
      if (options.json) return printJson(context, entry);
      context.out(describeEntry(entry));
    });
}

function describeEntry(entry: CacheEntryView): string {
  const lines = [
    `entry     ${entry.id}`,
    `model     ${entry.model}${entry.digest === '' ? '' : ` (${entry.digest.slice(0, 19)})`}`,
    `tenant    ${entry.tenant}`,
    `stored    ${new Date(entry.storedAt).toISOString()}, expires ${new Date(entry.expiresAt).toISOString()}`,
    `request   ${entry.origin}`,
    `tokens    ${entry.answer.end.usage.promptTokens} read, ${entry.answer.end.usage.completionTokens} written; a hit saves ${Math.round(entry.gpuMs)} ms of a thinker`,
    `reuse     ${entry.semantic ? `other wordings too (${entry.semantic.embeddingModel})` : 'the same request only'}`,
    '',
    ...(entry.semantic ? ['--- prompt', entry.semantic.text, ''] : []),
    ...(entry.answer.thinking === '' ? [] : ['--- thinking', entry.answer.thinking, '']),
    '--- answer',
    entry.answer.text,
    ...entry.answer.toolCalls.map((tool) => `calls ${tool.name}(${tool.argumentsJson})`),
  ];
  return `${lines.join('\n')}\n`;
}

function addPurge(cache: Command, context: CliContext): void {
  cache
    .command('purge')
    .description('Forget stored answers. Filters narrow it down and count together; --all means every one.')
    .option('--model <name>', 'answers of this model')
    .option('--contains <text>', 'answers to prompts that contain this text, in any case')
    .option('--older-than <age>', 'answers older than this: 90s, 15m, 1h, 2d', ageInSeconds)
    .option('--all', 'all answers')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host cache purge --contains "price of"', 'asks first, on a terminal'],
        ['llm-self-host cache purge --all --yes', 'start over'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<PurgeOptions>();
      await purge(adminTarget(context, options), options, context);
    });
}

function addFlush(cache: Command, context: CliContext): void {
  cache
    .command('flush')
    .description(
      'Let no answer stored so far serve any more: at once, however many there are. Their space is freed afterwards.',
    )
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      examples([['llm-self-host cache flush --yes', 'after a change that makes all answers wrong']]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { readonly yes?: boolean }>();
      if (!options.yes && !(await confirmed('all stored answers', context))) {
        context.err('nothing was flushed\n');
        context.setExitCode(1);
        return;
      }
      const reply = await getJson<FlushReply>(adminTarget(context, options), {
        method: 'POST',
        path: '/api/cache/flush',
      });
      if (options.json) printJson(context, reply);
      else context.out('no answer stored so far serves any more\n');
    });
}

async function purge(target: Target, options: PurgeOptions, context: CliContext): Promise<void> {
  const { model, contains, olderThan, all } = options;
  const filtered = model !== undefined || contains !== undefined || olderThan !== undefined;
  if (filtered === (all === true)) {
    throw new CliError(
      filtered
        ? 'give either --all or filters, not both: it is not clear what to forget'
        : 'say which answers to forget: --model, --contains, --older-than, or --all',
    );
  }
  if (!options.yes && !(await confirmed(describeFilter(options), context))) {
    context.err('nothing was forgotten\n');
    context.setExitCode(1);
    return;
  }
  const reply = await getJson<PurgeReply>(target, {
    method: 'POST',
    path: '/api/cache/purge',
    body: {
      ...(model !== undefined && { model }),
      ...(contains !== undefined && { contains }),
      ...(olderThan !== undefined && { olderThanS: olderThan }),
      ...(all && { all }),
    },
  });
  if (options.json) printJson(context, reply);
  else context.out(`${reply.removed} ${reply.removed === 1 ? 'answer' : 'answers'} forgotten\n`);
}

function describeFilter({ model, contains, olderThan }: PurgeOptions): string {
  const parts = ['all stored answers'];
  if (model !== undefined) parts.push(`of ${model}`);
  if (contains !== undefined) parts.push(`to prompts that contain "${contains}"`);
  if (olderThan !== undefined) parts.push(`older than ${formatDuration(olderThan)}`);
  return parts.join(' ');
}

async function confirmed(what: string, context: CliContext): Promise<boolean> {
  if (!context.stdin.isTTY) {
    throw new CliError(`this would forget ${what}, and there is no terminal to ask on; add --yes`);
  }
  const lines = createInterface({ input: context.stdin, output: process.stderr });
  try {
    const reply = await lines.question(`Forget ${what}? [y/N] `);
    return /^y(es)?$/i.test(reply.trim());
  } finally {
    lines.close();
  }
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1000) {
    throw new InvalidArgumentError('expected a whole number from 1 to 1000');
  }
  return value;
}

function ageInSeconds(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('expected an age such as 90s, 15m, 1h or 2d');
  return seconds;
}
