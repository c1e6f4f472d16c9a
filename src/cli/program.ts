/** All commands and their help. Building it does nothing else: what a command needs is loaded when it runs. */
import { Command } from 'commander';
import { addAlerts } from './commands/alerts.ts';
import { addAsk } from './commands/ask.ts';
import { addBackup, addRestore } from './commands/backup.ts';
import { addCache } from './commands/cache.ts';
import { addClaims } from './commands/claims.ts';
import { addConnect } from './commands/connect.ts';
import { addCost } from './commands/cost.ts';
import { addEmbedder } from './commands/embedder.ts';
import { addFeedback } from './commands/feedback.ts';
import { addFleet } from './commands/fleet.ts';
import { addInit } from './commands/init.ts';
import { addKeys } from './commands/keys.ts';
import { addLogin } from './commands/login.ts';
import { addLedger } from './commands/ledger.ts';
import { addRedis } from './commands/redis.ts';
import { addSavings } from './commands/savings.ts';
import { addServe } from './commands/serve.ts';
import { addSim } from './commands/sim.ts';
import { addStatus } from './commands/status.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDemo } from './commands/demo.ts';
import { addDown } from './commands/down.ts';
import { addUp } from './commands/up.ts';
import { addUpgrade } from './commands/upgrade.ts';
import { addWhatIf } from './commands/whatif.ts';
import { addWhy } from './commands/why.ts';
import type { CliContext } from './context.ts';
import { examples } from './examples.ts';

export function createProgram(context: CliContext): Command {
  const program = new Command('llm-self-host')
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
  const adders = [
    addInit,
    addConnect,
    addServe,
    addUp,
    addDown,
    addAsk,
    addWhy,
    addFeedback,
    addStatus,
    addDoctor,
    addLogin,
    addCache,
    addLedger,
    addClaims,
    addSavings,
    addCost,
    addFleet,
    addWhatIf,
    addKeys,
    addEmbedder,
    addRedis,
    addUpgrade,
    addBackup,
    addRestore,
    addSim,
    addAlerts,
    addDemo,
  ];
  for (const add of adders) add(program, context);
  return program;
}
