/** `--up`: starts what was written, rents the first machine where one is to be rented, and asks twice. */
import { spawn } from 'node:child_process';
import { text as readAll } from 'node:stream/consumers';
import { chooseModel } from '../../core/choose-model.ts';
import { formatMs } from '../../core/format.ts';
import { call, getJson } from '../client.ts';
import { CliError, type CliContext } from '../context.ts';
import { readRuntime, type RuntimeFacts } from '../runtime-file.ts';
import { modelOf } from './finish.ts';
import type { Setup } from './setup.ts';
import { SetupCancelled } from './ui.ts';

const question = 'Why is the sky blue?';

/**
 * A Ctrl-C gives back what was rented and stops the gateway before it ends.
 * @throws SetupCancelled then, CliError
 */
export async function startAndAsk(
  setup: Setup,
  { config, apiKey }: { readonly config: string; readonly apiKey: string | undefined },
  context: CliContext,
): Promise<RuntimeFacts & { readonly model: string }> {
  await refuseRunning(config, context);
  let stopped = false;
  let running: OwnCommand | undefined;
  const stop = Promise.withResolvers<never>();
  // Nobody may be waiting for it at that moment.
  stop.promise.catch(() => {});
  const onSignal = () => {
    if (!stopped) context.err('\nstopping: what was rented is given back …\n');
    stopped = true;
    running?.signal('SIGTERM');
    stop.reject(new SetupCancelled());
  };
  // It has a session of its own, so that a terminal's signals reach it by us alone.
  const onResize = () => running?.signal('SIGWINCH');
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGWINCH', onResize);
  try {
    // Not to be cut in the middle: what it starts goes on without it.
    const facts = JSON.parse(
      await ownCommand(['up', '--config', config, '--json'], context, false).ended,
    ) as RuntimeFacts;
    if (stopped) throw new SetupCancelled();
    context.out(`the gateway runs (pid ${facts.pid}) at ${facts.gatewayUrl}; dashboard ${facts.adminUrl}\n`);
    if (setup.source.kind === 'vast') {
      const rental = ['fleet', 'start', '--workers', '1', '--for', '1h', '--yes', '--admin-url', facts.adminUrl];
      running = ownCommand(rental, context, true);
      await Promise.race([running.ended, stop.promise]);
    }
    const model = setup.source.kind === 'demo' ? await firstModel(facts.gatewayUrl, apiKey) : modelOf(setup);
    await Promise.race([askTwice(facts.gatewayUrl, model, apiKey, context), stop.promise]);
    return { ...facts, model };
  } catch (error) {
    if (!stopped) throw runsOn(error, config);
    await giveBack(setup, config, context);
    throw new SetupCancelled();
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGWINCH', onResize);
  }
}

/** `up` would show the one that runs, with the configuration that it was started with. */
async function refuseRunning(config: string, context: CliContext): Promise<void> {
  const { loadConfig } = await import('../../config/load.ts');
  const { dataDir } = await loadConfig(context.environment, { config });
  const facts = readRuntime(dataDir);
  if (facts === undefined) return;
  throw new CliError(
    `${config} was written, and a gateway runs already on ${dataDir} (pid ${facts.pid}) with what it was started with; \`llm-self-host down --config ${config}\`, then \`llm-self-host up --config ${config}\``,
  );
}

const runsOn = (error: unknown, config: string): unknown =>
  error instanceof CliError
    ? new CliError(
        `${error.message}\nIf the gateway runs, it goes on and may rent within its caps; \`llm-self-host down --config ${config}\` stops it and gives back what is rented`,
        { cause: error },
      )
    : error;

async function giveBack(setup: Setup, config: string, context: CliContext): Promise<void> {
  // The gateway gives all back when it stops; the market is asked afterwards whether it is so.
  await ownCommand(['down', '--config', config], context, true).ended;
  if (setup.source.kind === 'vast')
    await ownCommand(['fleet', 'stop', '--now', '--config', config, '--admin-url', nobody], context, true).ended;
}

/** Where no gateway listens: the market itself is to be asked. */
const nobody = 'http://127.0.0.1:9';

interface OwnCommand {
  /** What it printed, where that is not shown. @throws CliError */
  readonly ended: Promise<string>;
  signal(name: 'SIGTERM' | 'SIGWINCH'): void;
}

function ownCommand(words: readonly string[], context: CliContext, show: boolean): OwnCommand {
  const inherit = show && context.outIsTerminal;
  const child = spawn(process.execPath, [process.argv[1]!, ...words], {
    // A Ctrl-C of the terminal is for this process alone, which then decides.
    detached: true,
    stdio: ['ignore', inherit ? 'inherit' : 'pipe', inherit ? 'inherit' : 'pipe'],
    env: context.environment,
  });
  if (show) {
    child.stdout?.setEncoding('utf8').on('data', (piece: string) => context.out(piece));
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => context.err(piece));
  }
  const said = show ? Promise.resolve(['', '']) : Promise.all([readAll(child.stdout!), readAll(child.stderr!)]);
  const code = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  return {
    signal: (name) => void child.kill(name),
    ended: Promise.all([said, code]).then(([[out, err], exit]) => {
      if (exit === 0) return out!;
      const why = err!.trim().replace(/^llm-self-host: /, '');
      throw new CliError(why === '' ? `\`llm-self-host ${words.join(' ')}\` ended with ${exit}` : why);
    }),
  };
}

/** The demo answers with an Ollama of this computer where there is one, whatever models that has. */
async function firstModel(url: string, bearer: string | undefined): Promise<string> {
  const { models } = await getJson<{ models: { name: string }[] }>(
    { url, bearer, what: 'gateway' },
    { path: '/api/tags' },
  );
  const model = chooseModel(models.map(({ name }) => name));
  if (model === undefined)
    throw new CliError('the Ollama of this computer has no models; `ollama pull llama3.2` first');
  return model;
}

async function askTwice(url: string, model: string, apiKey: string | undefined, context: CliContext): Promise<void> {
  context.out(`asking ${model} twice: ${question}\n`);
  for (const nth of ['first', 'second']) {
    const startedMs = performance.now();
    const response = await call(
      { url, bearer: apiKey, what: 'gateway' },
      {
        method: 'POST',
        path: '/api/chat',
        body: { model, messages: [{ role: 'user', content: question }], stream: true },
      },
    );
    const reader = response.body!.getReader();
    await reader.read();
    const firstTokenMs = performance.now() - startedMs;
    while (!(await reader.read()).done);
    const cache = response.headers.get('x-selfhost-cache') ?? 'unknown';
    const from = cache === 'miss' ? `miss, answered by ${response.headers.get('x-selfhost-thinker') ?? '?'}` : cache;
    context.out(
      `  ${nth.padEnd(6)}  ${from}; first token after ${formatMs(firstTokenMs)}, all after ${formatMs(performance.now() - startedMs)}\n`,
    );
  }
}
