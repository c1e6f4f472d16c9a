import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { systemClock } from '../../core/clock.ts';
import { commandName } from '../command-name.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { refuseMissing, type Given } from '../init/given.ts';
import { addVastOptions } from '../init/options.ts';
import type { VastPlan } from '../init/setup.ts';
import { SetupCancelled } from '../init/ui.ts';

interface ConnectOptions extends GlobalOptions, Given {
  readonly config: string;
  readonly yes?: boolean;
  readonly overwrite?: boolean;
}

const cancelledCode = 130;

export function addConnect(program: Command, context: CliContext): void {
  const connect = program
    .command('connect')
    .description('Add a source of answers to a configuration that is there.')
    .addHelpText('after', examples([['llm-self-host connect vast', 'GPUs rented by the hour']]));
  addVastOptions(
    connect
      .command('vast')
      .description(
        'Let a gateway rent machines at vast.ai: key, model, machine and caps, as in `init`, added to its configuration. Nothing is rented by this.',
      )
      .option('--config <file>', 'configuration to add it to; its key lies beside it', 'gateway.yaml')
      .option('--yes', 'ask nothing')
      .option('--overwrite', 'replace a fleet that is configured already'),
  )
    .addHelpText(
      'after',
      examples([
        ['llm-self-host connect vast', 'ask me'],
        [
          'llm-self-host connect vast --vast-key-file key --model llama3.1:8b --per-hour-usd 1 --per-day-usd 5 --per-month-usd 50 --per-rental-usd 5 --yes',
          'from a script',
        ],
      ]),
    )
    .action(async (_: unknown, self: Command) => connectVast(self.optsWithGlobals<ConnectOptions>(), context));
}

async function connectVast(options: ConnectOptions, context: CliContext): Promise<void> {
  const attended = !options.yes && context.stdin.isTTY === true;
  const vastKey = context.environment['SELFHOST_VAST_API_KEY'];
  const given: Given = {
    ...options,
    answers: 'vast',
    ...(options.vastKeyFile === undefined && vastKey && { vastKey }),
  };
  if (!attended) {
    if (!options.yes) throw new CliError('there is no terminal to ask on; give options and add --yes (see --help)');
    refuseMissing(given);
  }
  const before = await readBefore(options);
  const [{ vastStep }, { realOutside }, uis] = await Promise.all([
    import('../init/vast-step.ts'),
    import('../init/outside.ts'),
    import('../init/ui.ts'),
  ]);
  const ui = attended ? await uis.terminalUi() : uis.unattendedUi(context);
  try {
    ui.title(`rented machines for ${options.config}: nothing is written before the last step, and nothing is rented`);
    const plan = await vastStep(given, { ui, outside: realOutside(context) });
    if (!(await ui.confirm({ message: `Write ${options.config}?`, initial: true }))) throw new SetupCancelled();
    const written = await write(before, plan, options.config);
    if (options.json) return printJson(context, written);
    context.out(
      [
        `wrote ${[written.config, ...written.secrets].join(', ')}`,
        ...written.backups.map((backup) => `what was there is in ${backup}`),
        'a gateway that runs takes it at its next start:',
        `  ${commandName()} down --config ${options.config}`,
        `  ${commandName()} up --config ${options.config}`,
        'and rents when somebody asks, or at once with:',
        `  ${commandName()} fleet start`,
        '',
      ].join('\n'),
    );
  } catch (error) {
    if (!(error instanceof SetupCancelled)) throw error;
    context.err('\nstopped: nothing was written and nothing was rented\n');
    context.setExitCode(cancelledCode);
  }
}

interface Before {
  readonly text: string;
  /** Sections that are there and go. */
  readonly replaces: readonly string[];
  /** Without servers of its own, what answers now is found or made up; beside real machines it must not. */
  readonly needsDiscoveryOff: boolean;
}

async function readBefore({ config, overwrite }: ConnectOptions): Promise<Before> {
  if (!existsSync(config))
    throw new CliError(
      `there is no ${config}; \`llm-self-host init --answers vast\` writes one, or name yours with --config`,
    );
  const [{ parse }, { configSchema }] = await Promise.all([import('yaml'), import('../../config/schema.ts')]);
  const text = readFileSync(config, 'utf8');
  const parsed = configSchema.safeParse(parse(text) ?? {});
  if (!parsed.success)
    throw new CliError(`${config} is not a valid configuration; \`llm-self-host up --config ${config}\` says why`);
  const { fleet, thinkers, discovery } = parsed.data;
  if (fleet.provider !== 'off' && !overwrite)
    throw new CliError(
      `${config} rents machines already (${fleet.model ?? 'no model'}); add --overwrite to replace that (a copy is kept beside it)`,
    );
  const needsDiscoveryOff = thinkers.length === 0 && discovery !== 'off';
  const sections = Object.keys((parse(text) as object | null) ?? {});
  return {
    text,
    needsDiscoveryOff,
    replaces: sections.filter((name) => name === 'fleet' || (name === 'discovery' && needsDiscoveryOff)),
  };
}

async function write(before: Before, plan: VastPlan, config: string) {
  const [{ fleetLines }, files, { configSchema }, { isMap, parse, parseDocument }] = await Promise.all([
    import('../init/render.ts'),
    import('../init/write.ts'),
    import('../../config/schema.ts'),
    import('yaml'),
  ]);
  const paths = files.secretPathsOf(config);
  const document = parseDocument(before.text);
  const addition = [
    ...(before.needsDiscoveryOff ? ['# Answers come from rented machines alone.', 'discovery: "off"', ''] : []),
    ...fleetLines(plan, paths),
  ].join('\n');
  const root = document.contents;
  let text: string;
  if (isMap(root) && (root.flow || before.replaces.length > 0)) {
    for (const key of before.replaces) document.delete(key);
    root.flow = false;
    const added = parseDocument(addition).contents;
    if (isMap(added)) root.items.push(...added.items);
    text = document.toString();
  } else {
    // What a person wrote stays as it is to the letter, where nothing in it changes.
    const kept = before.text.trimEnd();
    text = kept === '' ? addition : `${kept}\n\n${addition}`;
  }
  configSchema.parse(parse(text));
  const { files: secrets } = files.secretsOf(
    { source: { kind: 'vast', key: plan.key }, access: 'open', alert: undefined },
    paths,
  );
  const stamp = new Date(systemClock.now()).toISOString().replace(/[:.]/g, '-');
  return files.writeAll(config, text, secrets, stamp);
}
