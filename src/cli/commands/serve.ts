import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Command } from 'commander';
import type { RunningGateway } from '../../running-gateway.ts';
import { banner } from '../banner.ts';
import { commandName } from '../command-name.ts';
import { printJson, type CliContext } from '../context.ts';
import { removeRuntime, writeRuntime } from '../runtime-file.ts';
import { createProgressBar } from '../progress-bar.ts';
import { examples } from '../examples.ts';

interface ServeOptions {
  readonly port?: string;
  readonly adminPort?: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly logFile?: string;
  readonly json?: boolean;
}

export function addServe(program: Command, context: CliContext): void {
  program
    .command('serve')
    .description(
      'Start the gateway. With no configuration it uses the Ollama on this machine; where there is none, a simulated one, and says so.',
    )
    .option('--port <port>', 'gateway port; 0 picks a free one (SELFHOST_PORT; default 11435)')
    .option('--admin-port <port>', 'operator port; 0 picks a free one (SELFHOST_ADMIN_PORT; default 11436)')
    .option('--data-dir <folder>', 'where answers are kept (SELFHOST_DATA_DIR; default ~/.local/share/llm-self-host)')
    .option('--config <file>', 'YAML file of options (SELFHOST_CONFIG); config.example.yaml lists them all')
    .option('--log-file <file>', 'log there instead of standard error; at most two files of 10 MB')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host serve', 'on 127.0.0.1:11435'],
        ['llm-self-host serve --port 0 --admin-port 0 --json', 'free ports, told as JSON'],
        ['OLLAMA_HOST=http://gpu:11434 llm-self-host serve', 'in front of another machine'],
        ['llm-self-host serve --config gateway.yaml', 'several machines, keys, limits'],
      ]),
    )
    .action(async (_: unknown, command: Command) => serve(command.optsWithGlobals<ServeOptions>(), context));
}

async function serve(options: ServeOptions, context: CliContext): Promise<void> {
  // Signals count from the first moment: a stop during a slow start must not be lost.
  const stop = stopSignals(context);
  startLean();
  const [{ loadConfig }, { startGateway }] = await Promise.all([
    import('../../config/load.ts'),
    import('../../main.ts'),
  ]);
  const config = await loadConfig(context.environment, options);
  const bar = createProgressBar(context);
  const gateway = await startGateway(config, {
    // A download or a re-embedding takes minutes; without a word it would look like a hang.
    onProgress: (step, done, total) => {
      bar.show(done, total, step);
      if (done >= total) bar.end();
    },
    ...(options.logFile !== undefined && { logFile: options.logFile }),
  });
  const { gatewayUrl, adminUrl } = gateway;
  const startedAt = new Date(gateway.status().startedAt).toISOString();
  writeRuntime(config.dataDir, { pid: process.pid, gatewayUrl, adminUrl, version: context.version, startedAt });
  endLeanStart();
  const status = gateway.status();
  if (options.json) {
    printJson(context, status);
  } else {
    context.out(
      banner(status, {
        keyRequired: gateway.keyRequired,
        adminKeyRequired: config.adminKeySha256 !== undefined,
        loginUrl: gateway.loginUrl(),
        configFile: config.source,
      }).replaceAll('`llm-self-host ', `\`${commandName()} `),
    );
  }
  await stop.requested;
  await closeGateway(gateway, context, config.gateway.shutdownGraceMs);
  removeRuntime(config.dataDir, process.pid);
  stop.forget();
}

/**
 * What runs once needs no machine code and must not size the young generation for good: that would be 25 MB of a gateway that
 * nobody has asked yet.
 */
function startLean(): void {
  setFlagsFromString('--no-opt');
  setFlagsFromString('--no-maglev');
  // For what is instantiated from here on. undici's parser of answers is one function of 33 kB; optimising it takes 23 MB and
  // 90 ms, and by V8's own budget the first probes of a health check are reason enough.
  setFlagsFromString(`--wasm-tiering-budget=${20 * v8WasmTieringBudget}`);
  setFlagsFromString('--semi-space-growth-factor=1');
  // In contexts made from here on, those of threads too.
  setFlagsFromString('--expose-gc');
}

/** Collects once, before anyone asks: what was only needed to start would be carried for hours. About 50 ms, 5 MB. */
function endLeanStart(): void {
  setFlagsFromString('--opt');
  setFlagsFromString('--maglev');
  setFlagsFromString(`--wasm-tiering-budget=${v8WasmTieringBudget}`);
  setFlagsFromString(`--semi-space-growth-factor=${v8GrowthFactor}`);
  const collect = runInNewContext('gc') as (options: object) => void;
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** V8's own. */
const v8GrowthFactor = 2;
const v8WasmTieringBudget = 13_000_000;

async function closeGateway(gateway: RunningGateway, context: CliContext, graceMs: number): Promise<void> {
  const { open } = gateway.status().traffic;
  if (open > 0) {
    const answers = open === 1 ? '1 answer is' : `${open} answers are`;
    context.err(
      `stopping: ${answers} still running and may finish for ${graceMs / 1000} s; interrupt again to stop at once\n`,
    );
  }
  await gateway.close();
  // Something that still holds the process after a full close must not keep a supervisor waiting.
  setTimeout(() => process.exit(), lingerMs).unref();
}

const lingerMs = 2_000;

/** npm passes the terminal's Ctrl-C on to us a second time; what comes this soon, milliseconds, is the same key press. */
const sameSignalMs = 500;

/** First signal: `requested` resolves. Second one: the process ends at once. */
function stopSignals(context: CliContext): { readonly requested: Promise<void>; forget(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      resolve();
      // A start that never ends has nothing to close yet.
      return;
    }
    if (performance.now() - firstAt < sameSignalMs) return;
    context.err('stopped at once; running answers were cut\n');
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    requested: promise,
    forget: () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  };
}
