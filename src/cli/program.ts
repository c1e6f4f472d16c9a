/** All commands and their help. Building it does nothing else: what a command needs is loaded when it runs. */
import type { Command } from 'commander';
import { createBareProgram } from './bare-program.ts';
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

export function createProgram(context: CliContext): Command {
  const program = createBareProgram(context);
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
