import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CreateKeyRequest, KeyListView, KeyView, NewKeyView } from '../../admin/admin-types.ts';
import { formatDuration } from '../../core/format.ts';
import { adminTarget, getJson } from '../client.ts';
import { printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { formatTable, parseDuration } from '../format.ts';

interface CreateOptions extends GlobalOptions {
  readonly tenant: string;
  readonly name?: string;
  readonly model: readonly string[];
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly usdPerDay?: number;
  readonly cache: NonNullable<CreateKeyRequest['cache']>;
  /** Seconds. */
  readonly expires?: number;
}

interface RotateOptions extends GlobalOptions {
  /** Seconds. */
  readonly grace: number;
}

export function addKeys(program: Command, context: CliContext): void {
  const keys = program
    .command('keys')
    .description('API keys of the gateway: who may ask, which models, how much, and whose stored answers they share.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host keys create --tenant acme', 'a key; it is printed once'],
        ['llm-self-host keys list', 'who has one, and what they used'],
        ['llm-self-host keys rotate key_x7… --grace 1h', 'a new one for the same holder'],
        ['llm-self-host keys revoke key_x7…', 'it works no more'],
      ]),
    );
  addCreate(keys, context);
  addList(keys, context);
  addRotate(keys, context);
  addRevoke(keys, context);
}

function addCreate(keys: Command, context: CliContext): void {
  keys
    .command('create')
    .description('Make a key and print it, once. With the first key, clients without one are refused from then on.')
    .requiredOption('--tenant <name>', 'whose key it is: tenants share no answers, queue turns or costs')
    .option('--name <text>', 'for people; default: the tenant')
    .option(
      '--model <name>',
      'a model it may ask, `llama3.2:*` for all tags; may be repeated; default: all',
      collect,
      [],
    )
    .option('--requests-per-minute <n>', 'most requests a minute', positive)
    .option('--tokens-per-minute <n>', 'most tokens of thinkers a minute', positive)
    .option('--usd-per-day <usd>', 'most that thinkers may cost for it a day (UTC); cached answers go on', positive)
    .addOption(
      new Option('--cache <sharing>', 'whose stored answers it sees: of its tenant, of all that share, its own, none')
        .choices(['tenant', 'shared', 'private', 'off'])
        .default('tenant'),
    )
    .option('--expires <time>', 'when it ends, such as 30d', duration)
    .addHelpText(
      'after',
      examples([
        ['llm-self-host keys create --tenant acme --usd-per-day 2', 'at most $2 of GPU a day'],
        [
          'llm-self-host keys create --tenant web --model llama3.2 --requests-per-minute 60',
          'one model, a steady pace',
        ],
        ['llm-self-host keys create --tenant faq --cache shared --expires 30d --json', 'for a script'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<CreateOptions>();
      const { tenant, name, model, requestsPerMinute, tokensPerMinute, usdPerDay, cache, expires } = options;
      const body: CreateKeyRequest = {
        tenant,
        name,
        models: model,
        limits: { requestsPerMinute, tokensPerMinute, usdPerDay },
        cache,
        expiresInS: expires,
      };
      const made = await getJson<NewKeyView>(adminTarget(context, options), {
        method: 'POST',
        path: '/api/keys',
        body,
      });
      printNew(context, options, made);
    });
}

function addList(keys: Command, context: CliContext): void {
  keys
    .command('list')
    .description('All keys, their limits and their use. The keys themselves are not kept, and cannot be shown.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host keys list', 'as a table'],
        ['llm-self-host keys list --json | jq -r ".keys[] | select(.state == \\"active\\") | .id"', 'the working ones'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const list = await getJson<KeyListView>(adminTarget(context, options), { path: '/api/keys' });
      if (options.json) return printJson(context, list);
      if (list.keys.length === 0)
        return context.out(
          list.required
            ? 'no keys were made; those of the configuration are not listed\n'
            : 'no keys; everybody who reaches the gateway may ask\n',
        );
      const rows = list.keys.map((key) => [
        key.id,
        key.tenant,
        `…${key.hint}`,
        key.state,
        limitsOf(key),
        key.cache,
        String(key.usage.requests),
        `$${key.usage.usdToday.toFixed(4)}`,
        key.usage.lastUsedAt === undefined ? '–' : new Date(key.usage.lastUsedAt).toISOString().slice(0, 16),
        key.name,
      ]);
      context.out(
        formatTable(
          ['ID', 'TENANT', 'KEY', 'STATE', 'LIMITS', 'CACHE', 'REQUESTS', 'TODAY', 'LAST USED (UTC)', 'NAME'],
          rows,
          160,
        ),
      );
    });
}

function addRotate(keys: Command, context: CliContext): void {
  keys
    .command('rotate')
    .argument('<id>', 'as `keys list` prints it')
    .description('A new key for the same holder, with the same limits. The old one goes on for a while.')
    .option('--grace <time>', 'how long the old one goes on, such as 1h; 0s: not at all', duration, 86_400)
    .addHelpText(
      'after',
      examples([
        ['llm-self-host keys rotate key_x7…', 'the old one works for another day'],
        ['llm-self-host keys rotate key_x7… --grace 0s', 'it has leaked'],
      ]),
    )
    .action(async (id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<RotateOptions>();
      const made = await getJson<NewKeyView>(adminTarget(context, options), {
        method: 'POST',
        path: `/api/keys/${encodeURIComponent(id)}/rotate`,
        body: { graceS: options.grace },
      });
      printNew(context, options, made);
      if (!options.json)
        context.err(
          options.grace === 0 ? `${id} works no more\n` : `${id} works for another ${formatDuration(options.grace)}\n`,
        );
    });
}

function addRevoke(keys: Command, context: CliContext): void {
  keys
    .command('revoke')
    .argument('<id>', 'as `keys list` prints it')
    .description('Let a key work no more, at once. Other replicas that read the same file follow within seconds.')
    .addHelpText('after', examples([['llm-self-host keys revoke key_x7…', 'its holder is refused from now on']]))
    .action(async (id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const view = await getJson<KeyView>(adminTarget(context, options), {
        method: 'DELETE',
        path: `/api/keys/${encodeURIComponent(id)}`,
      });
      if (options.json) printJson(context, view);
      else context.out(`${view.id} of ${view.tenant} is revoked\n`);
    });
}

function printNew(context: CliContext, options: GlobalOptions, made: NewKeyView): void {
  if (options.json) return printJson(context, made);
  // Alone on standard output, so that `KEY=$(… keys create …)` works.
  context.out(`${made.key}\n`);
  const { record } = made;
  context.err(
    `${record.id} of tenant ${record.tenant}, ${limitsOf(record)}. The key above is not kept and cannot be shown again.\n` +
      `Clients send it as their API key (\`Authorization: Bearer\` or \`x-api-key\`).\n`,
  );
  if (made.firstKey)
    context.err(
      'This is the first key: from now on clients without one are refused (see keys.byAddress for those that cannot send one).\n',
    );
}

function limitsOf({ limits, models }: Pick<KeyView, 'limits' | 'models'>): string {
  const { requestsPerMinute, tokensPerMinute, usdPerDay } = limits;
  const parts = [
    ...(models.length === 0 ? [] : [models.join(',')]),
    ...(requestsPerMinute === undefined ? [] : [`${requestsPerMinute} req/min`]),
    ...(tokensPerMinute === undefined ? [] : [`${tokensPerMinute} tok/min`]),
    ...(usdPerDay === undefined ? [] : [`$${usdPerDay}/day`]),
  ];
  return parts.length === 0 ? 'no limits' : parts.join(', ');
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError(`expected a number above 0, not \`${text}\`.`);
  return value;
}

function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError(`expected a time such as 15m, 1h or 30d, not \`${text}\`.`);
  return seconds;
}
