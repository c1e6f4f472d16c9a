/**
 * Sends a file of queries through a running gateway and says what its cache did with them.
 *
 *   npm run replay -- FILE.jsonl[.gz] [--url http://127.0.0.1:11435] [--admin-url http://127.0.0.1:11436]
 *                     [--start] [--concurrency 4] [--limit N] [--model NAME] [--dialect ollama|openai]
 *                     [--no-cache] [--show-wrong N] [--json FILE|-]
 *
 * A row has its question in `text`, `prompt` or `query`, and may have a `group`: rows of one group have
 * the same right answer. Plain text lines are questions too. `--start` starts a gateway of its own in
 * front of an instant simulated thinker, with an empty cache in a temporary folder.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startChild } from '../bench/gateway/processes.ts';
import { startProgress } from '../bench/lib/progress.ts';
import { saveRows } from '../bench/lib/rows.ts';
import { spawnSimulatedThinker } from '../src/sim/spawn-thinker.ts';
import { createAsker, type AskDialect } from './replay/ask.ts';
import { readOrigins, type EntryFacts } from './replay/origins.ts';
import { readQueries, queriesMax, type Query } from './replay/read-rows.ts';
import { reportLines, reportRows, wrongLines } from './replay/report.ts';
import { judge, type Outcome } from './replay/score.ts';

const usage = `usage: npm run replay -- FILE.jsonl[.gz] [--url URL] [--admin-url URL] [--start] [--concurrency 4]
       [--limit N] [--model NAME] [--dialect ollama|openai] [--no-cache] [--show-wrong N] [--json FILE|-]`;

/** Distinct failures that are told; a wrong model name would fail thousands of times in the same way. */
const failuresMax = 5;
/** After this many failures with no success in between the rest would fail too. */
const failuresInRowMax = 50;

const closers: (() => Promise<unknown> | void)[] = [];
/** Aborted by Ctrl-C: what has been answered by then is reported. */
const interrupt = new AbortController();
try {
  await replay();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  for (const close of closers.toReversed()) await close();
}

async function replay(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string', default: process.env['SELFHOST_URL'] ?? 'http://127.0.0.1:11435' },
      'admin-url': { type: 'string', default: process.env['SELFHOST_ADMIN_URL'] ?? 'http://127.0.0.1:11436' },
      start: { type: 'boolean', default: false },
      // Fewer reorder less: a rewording that arrives beside the first question cannot hit its answer.
      concurrency: { type: 'string', default: '4' },
      limit: { type: 'string', default: String(queriesMax) },
      model: { type: 'string' },
      dialect: { type: 'string', default: 'ollama' },
      'no-cache': { type: 'boolean', default: false },
      'show-wrong': { type: 'string', default: '0' },
      json: { type: 'string' },
    },
  });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new Error(`give one file of queries\n${usage}`);
  const { dialect } = values;
  if (dialect !== 'ollama' && dialect !== 'openai')
    throw new Error(`--dialect is "${dialect}"; expected ollama or openai`);
  const queries = await readFile(file, whole('limit', values.limit, 1));
  const concurrency = whole('concurrency', values.concurrency, 1);
  const showWrong = whole('show-wrong', values['show-wrong'], 0);

  const gateway = values.start ? await startGateway() : { url: values.url, adminUrl: values['admin-url'] };
  const { models, url } = await findGateway(gateway.url);
  const model = values.model ?? models[0];
  if (model === undefined) throw new Error(`${url} has no model; give its thinker one, or name one with --model`);
  const run = { file, dialect, model, concurrency, noCache: values['no-cache'], started: values.start } as const;

  const began = performance.now();
  const { outcomes, asked, failures } = await askAll(queries, { ...run, url });
  const seconds = (performance.now() - began) / 1000;
  const entries = await readOrigins(gateway.adminUrl, outcomes, process.env['SELFHOST_ADMIN_KEY']);
  const origins = new Map([...entries.facts].map(([id, facts]: [string, EntryFacts]) => [id, facts.origin]));
  const verdicts = judge(outcomes, origins);

  if (values.json !== '-') {
    const about = {
      ...run,
      seconds,
      stopped: interrupt.signal.aborted && asked.length < queries.length,
      of: queries.length,
    };
    for (const line of reportLines(outcomes, verdicts, about)) console.log(line);
    if (entries.problem !== undefined) console.log(entries.problem);
    for (const [failure, count] of failures) console.log(`error ×${count}: ${failure}`);
    for (const line of wrongLines({ outcomes, verdicts, asked, facts: entries.facts }, showWrong)) console.log(line);
  }
  saveRows(reportRows(outcomes, verdicts, { ...run, seconds }), values.json);
  if (outcomes.every(({ kind }) => kind === 'error')) process.exitCode = 1;
}

async function readFile(path: string, limit: number): Promise<Query[]> {
  try {
    const queries = await readQueries(path, limit);
    if (queries.length === 0) throw new Error(`${path} has no queries`);
    return queries;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`there is no file ${path}; give a file with one question a line, as JSON or as plain text`, {
      cause: error,
    });
  }
}

/** A gateway with an empty cache in front of an instant simulated thinker, gone when we end. */
async function startGateway(): Promise<{ url: string; adminUrl: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-replay-'));
  closers.push(() => rm(dataDir, { recursive: true, force: true }));
  const thinker = await spawnSimulatedThinker({ profile: 'instant' });
  closers.push(() => thinker.close());
  const gateway = await startChild('gateway-server.ts', { thinkerUrl: thinker.url, dataDir });
  closers.push(() => gateway.close());
  return { url: gateway.url, adminUrl: gateway.adminUrl! };
}

async function findGateway(url: string): Promise<{ models: string[]; url: string }> {
  let response: Response;
  try {
    response = await fetch(new URL('/v1/models', url), {
      headers: apiKey() === undefined ? {} : { authorization: `Bearer ${apiKey()}` },
    });
  } catch (error) {
    throw new Error(
      `no gateway answers at ${url} (${reasonOf(error)}); start one with \`npm start\`, name another with --url, or add --start`,
      { cause: error },
    );
  }
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${(await response.text()).slice(0, 300)}`);
  const { data } = (await response.json()) as { data?: { id: string }[] };
  return { models: (data ?? []).map(({ id }) => id), url };
}

function apiKey(): string | undefined {
  return process.env['SELFHOST_API_KEY'];
}

async function askAll(
  queries: readonly Query[],
  options: { url: string; dialect: AskDialect; model: string; concurrency: number; noCache: boolean },
): Promise<{ outcomes: Outcome[]; asked: Query[]; failures: Map<string, number> }> {
  const asker = createAsker({ ...options, apiKey: apiKey() });
  const outcomes: Outcome[] = [];
  const asked: Query[] = [];
  const failures = new Map<string, number>();
  const progress = startProgress('replay', queries.length);
  let next = 0;
  let failedInRow = 0;
  const onSignal = () => {
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
  };
  process.on('SIGINT', onSignal);
  const worker = async () => {
    while (!interrupt.signal.aborted && next < queries.length && failedInRow < failuresInRowMax) {
      const query = queries[next++]!;
      const { outcome, failure } = await asker.ask(query);
      // What fails after Ctrl-C fails because of it.
      if (failure !== undefined && interrupt.signal.aborted) return;
      failedInRow = failure === undefined ? 0 : failedInRow + 1;
      if (failure !== undefined && (failures.has(failure) || failures.size < failuresMax))
        failures.set(failure, (failures.get(failure) ?? 0) + 1);
      outcomes.push(outcome);
      asked.push(query);
      progress.update(outcomes.length);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  progress.end();
  process.off('SIGINT', onSignal);
  await asker.close();
  return { outcomes, asked, failures };
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`--${name} is "${text}"; expected a whole number of at least ${least}`);
  return value;
}

/** `fetch` says little itself and puts the reason into the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
