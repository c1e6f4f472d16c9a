import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { systemClock } from '../../core/clock.ts';
import { commandName } from '../command-name.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { refuseMissing, type Given } from '../init/given.ts';
import { addAlertOptions, addVastOptions } from '../init/options.ts';
import type { Setup } from '../init/setup.ts';
import { SetupCancelled, type Ui } from '../init/ui.ts';

interface InitOptions extends GlobalOptions, Given {
  readonly config: string;
  readonly yes?: boolean;
  readonly overwrite?: boolean;
  readonly up?: boolean;
}

/** As a shell has it for a command that Ctrl-C ended. */
const cancelledCode = 130;

export function addInit(program: Command, context: CliContext): void {
  const command = program
    .command('init')
    .description(
      'Set it up, step by step: where answers come from, what may be spent, how bold the cache is, who is told. Enter all the way is the demo: no account, no cost. Every question has an option. Nothing is written or rented before the end.',
    )
    .option('--config <file>', 'file to write; its secrets lie beside it', 'gateway.yaml')
    .option('--yes', 'ask nothing: options, and what is suggested for the rest')
    .option('--overwrite', 'replace an existing file; a copy is kept beside it')
    .option('--up', 'start it afterwards and ask it twice; with vast.ai this rents the first machine')
    .addOption(
      new Option('--answers <from>', 'where answers come from (default: demo)').choices(['demo', 'ollama', 'vast']),
    )
    .option('--ollama-url <url>', 'your Ollama')
    .addOption(
      new Option('--cache <mode>', 'with the same question in other words (default: balanced)').choices([
        'balanced',
        'strict',
        'exact',
      ]),
    )
    .addOption(
      new Option('--audits <mode>', 'measure how often the cache is wrong on a sample (default: on)').choices([
        'on',
        'off',
      ]),
    )
    .addOption(
      new Option(
        '--access <who>',
        'open: everybody on this computer, sharing answers; keys: holders of a key, a first one is made (default: open)',
      ).choices(['open', 'keys']),
    )
    .option('--port <port>', 'gateway port to write')
    .option('--admin-port <port>', 'operator port to write')
    .option('--data-dir <folder>', 'data folder to write');
  addAlertOptions(addVastOptions(command))
    .addHelpText(
      'after',
      examples([
        ['llm-self-host init', 'ask me'],
        ['llm-self-host init --yes --up', 'the demo, running, in one command'],
        ['llm-self-host init --answers ollama --ollama-url http://gpu:11434 --yes', 'an Ollama you have'],
        [
          'llm-self-host init --answers vast --vast-key-file key --model llama3.1:8b --per-hour-usd 1 --per-day-usd 5 --per-month-usd 50 --per-rental-usd 5 --yes',
          'rented machines, from a script',
        ],
      ]),
    )
    .action(async (_: unknown, self: Command) => init(self.optsWithGlobals<InitOptions>(), context));
}

async function init(options: InitOptions, context: CliContext): Promise<void> {
  const attended = !options.yes && context.stdin.isTTY === true;
  const given: Given = { ...options, ...keyOf(options, context) };
  if (!attended) {
    if (!options.yes) throw new CliError('there is no terminal to ask on; give options and add --yes (see --help)');
    refuseMissing(given);
  }
  const [{ askAll }, { realOutside }, uis] = await Promise.all([
    import('../init/steps.ts'),
    import('../init/outside.ts'),
    import('../init/ui.ts'),
  ]);
  const ui = attended ? await uis.terminalUi() : uis.unattendedUi(context);
  let phase = 'nothing was written and nothing was rented';
  try {
    ui.title('llm-self-host: nothing is written or rented before the last step');
    await mayReplace(options, ui);
    const setup = await askAll(given, { ui, outside: realOutside(context) });
    const { review } = await import('../init/review.ts');
    ui.say(review(setup, options.config));
    if (!(await ui.confirm({ message: `Write ${options.config}?`, initial: true }))) throw new SetupCancelled();
    const starts = await wantsStart(options, setup.source.kind, ui);
    const written = await write(setup, options);
    const { apiKey, config, secrets, backups } = written;
    if (!options.json) {
      context.out(`wrote ${[config, ...secrets].join(', ')}\n`);
      for (const backup of backups) context.out(`what was there is in ${backup}\n`);
    }
    phase = `${config} was written; nothing is rented`;
    const facts = starts ? await (await import('../init/start.ts')).startAndAsk(setup, written, context) : undefined;
    const { clientText, modelOf, nextText } = await import('../init/finish.ts');
    const gatewayUrl = facts?.gatewayUrl ?? `http://127.0.0.1:${options.port ?? 11_435}`;
    if (options.json) return printJson(context, { config, secrets, backups, apiKey, gatewayUrl, ...facts });
    const model = facts?.model ?? modelOf(setup);
    const finish = { gatewayUrl, apiKey, model, config: options.config, command: commandName() };
    context.out(`\n${clientText(finish)}\n`);
    context.out(
      facts === undefined
        ? nextText(finish)
        : `it goes on in the background; \`${commandName()} down --config ${options.config}\` stops it and gives back what is rented\n`,
    );
  } catch (error) {
    if (!(error instanceof SetupCancelled)) throw error;
    context.err(`\nstopped: ${phase}\n`);
    context.setExitCode(cancelledCode);
  }
}

function keyOf(options: Given, context: CliContext): Given {
  const vastKey = context.environment['SELFHOST_VAST_API_KEY'];
  return options.vastKeyFile === undefined && vastKey ? { vastKey } : {};
}

/** Asked first: nobody should answer ten questions to hear that the file is there. */
async function mayReplace({ config, overwrite }: InitOptions, ui: Ui): Promise<void> {
  if (overwrite || !existsSync(config)) return;
  if (ui.kind === 'unattended')
    throw new CliError(
      `${config} is there already; add --overwrite (a copy is kept beside it), or name another with --config`,
    );
  const agreed = await ui.confirm({
    message: `${config} is there already. Replace it at the end? A copy is kept beside it.`,
    initial: false,
  });
  if (!agreed) throw new SetupCancelled();
}

async function wantsStart({ up }: InitOptions, kind: string, ui: Ui): Promise<boolean> {
  if (up) return true;
  if (ui.kind === 'unattended') return false;
  return ui.confirm({
    message:
      kind === 'vast' ? 'Start it now and rent the first machine? This costs money from here on.' : 'Start it now?',
    // Money is never spent by a mere Enter.
    initial: kind !== 'vast',
  });
}

async function write(setup: Setup, options: InitOptions) {
  const [{ renderConfig }, files, { configSchema }, { parse }] = await Promise.all([
    import('../init/render.ts'),
    import('../init/write.ts'),
    import('../../config/schema.ts'),
    import('yaml'),
  ]);
  const paths = files.secretPathsOf(options.config);
  const text = renderConfig(setup, paths);
  const { files: secrets, apiKey } = files.secretsOf(setup, paths);
  const stamp = new Date(systemClock.now()).toISOString().replace(/[:.]/g, '-');
  // As `up` will read it: what is written is never refused at the first start.
  configSchema.parse(parse(text));
  return { ...files.writeAll(options.config, text, secrets, stamp), apiKey };
}
