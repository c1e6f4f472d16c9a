import { Command } from 'commander';
import type { CliContext } from './context.ts';
import { examples } from './examples.ts';

/** Of all commands: the options and the help they share. */
export function createBareProgram(context: CliContext): Command {
  return new Command('llm-self-host')
    .description('One endpoint for Ollama, OpenAI and Anthropic clients, with a cache that remembers answers.')
    .version(context.version, '--version', 'print the version')
    .option('--json', 'print the result as JSON, for scripts')
    .option('--url <url>', 'gateway to speak to (SELFHOST_URL; default http://127.0.0.1:11435)')
    .option('--admin-url <url>', 'its operator port (SELFHOST_ADMIN_URL; default http://127.0.0.1:11436)')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: true, helpWidth: 100 })
    .configureOutput({ writeOut: (text) => context.out(text), writeErr: (text) => context.err(text) })
    .showHelpAfterError('(see --help)')
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText(
      'after',
      examples([
        ['llm-self-host demo', 'watch a fleet of simulated GPUs for a minute; no account'],
        ['llm-self-host init', 'set it up, step by step'],
        ['llm-self-host serve', 'start the gateway; it says what to do next'],
        ['llm-self-host ask "What is a GPU?"', 'ask it something; ask twice and the cache answers'],
        ['llm-self-host why', 'why the last request was answered as it was'],
        ['llm-self-host status', 'what it is doing'],
        ['llm-self-host cache purge --model llama3.2 --yes', 'forget the answers of one model'],
      ]),
    );
}
