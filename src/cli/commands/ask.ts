import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { chooseModel } from '../../core/choose-model.ts';
import { formatMs } from '../../core/format.ts';
import { call, gatewayTarget, getJson, type Target } from '../client.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';

interface AskOptions extends GlobalOptions {
  readonly model?: string;
  /** false with `--no-cache`. */
  readonly cache: boolean;
}

export function addAsk(program: Command, context: CliContext): void {
  program
    .command('ask')
    .argument('[prompt]', 'the question; read from standard input when it is not given')
    .description('Ask a question through the gateway, and see where the answer came from.')
    .option('--model <name>', 'model to ask (default: the first one listed that can chat)')
    .option('--no-cache', 'ask afresh, and replace what the cache has')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host ask "Why is the sky blue?"', 'the answer, then how it was made'],
        ['llm-self-host ask --model qwen3:8b < question.txt', 'a longer question'],
        ['llm-self-host ask --json "2+2?" | jq -r .answer', 'for scripts'],
      ]),
    )
    .action(async (prompt: string | undefined, _: unknown, command: Command) => {
      await ask(prompt, command.optsWithGlobals<AskOptions>(), context);
    });
}

/** Also what `--json` prints. */
interface Asked {
  readonly answer: string;
  readonly model: string;
  readonly cache: string | null;
  readonly similarity: number | null;
  readonly thinker: string | null;
  readonly entryId: string | null;
  readonly requestId: string | null;
  readonly ttftMs: number | null;
  readonly totalMs: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

async function ask(given: string | undefined, options: AskOptions, context: CliContext): Promise<void> {
  const target = gatewayTarget(context, options);
  const prompt = given ?? (await promptFromInput(context));
  const model = options.model ?? (await firstModel(target));
  const startedAt = performance.now();
  const response = await call(target, {
    method: 'POST',
    path: '/api/chat',
    body: { model, messages: [{ role: 'user', content: prompt }], stream: true },
    headers: options.cache ? {} : { 'cache-control': 'no-cache' },
  });
  const show = options.json ? undefined : (piece: string) => context.out(piece);
  const heard = await listen(target, response, startedAt, show);
  const header = (name: string) => response.headers.get(`x-selfhost-${name}`);
  const similarity = header('similarity');
  const asked: Asked = {
    answer: heard.answer,
    model,
    cache: header('cache'),
    similarity: similarity === null ? null : Number(similarity),
    thinker: header('thinker'),
    entryId: header('entry'),
    requestId: header('request-id'),
    ttftMs: heard.ttftMs,
    totalMs: Math.round((performance.now() - startedAt) * 10) / 10,
    promptTokens: heard.promptTokens,
    completionTokens: heard.completionTokens,
  };
  if (options.json) printJson(context, asked);
  else context.out(`\n\n${describeOrigin(asked)}\n`);
}

async function promptFromInput(context: CliContext): Promise<string> {
  if (context.stdin.isTTY) {
    throw new CliError(
      'nothing to ask: give a prompt, as in `llm-self-host ask "Why is the sky blue?"`, or pipe one in',
    );
  }
  const prompt = (await readAll(context.stdin)).trim();
  if (prompt === '') throw new CliError('nothing to ask: standard input was empty');
  return prompt;
}

async function firstModel(target: Target): Promise<string> {
  const { models } = await getJson<{ models?: { name: string }[] }>(target, { path: '/api/tags' });
  const model = chooseModel((models ?? []).map(({ name }) => name));
  if (model === undefined) {
    throw new CliError(
      `the gateway at ${target.url} has no models; fetch one through its operator port, or name one with --model`,
    );
  }
  return model;
}

interface Heard {
  answer: string;
  ttftMs: number | null;
  promptTokens: number;
  completionTokens: number;
}

/** One line of Ollama's chat stream, as far as it is used here. */
interface ChatLine {
  readonly message?: { readonly content?: string };
  readonly done?: boolean;
  readonly error?: string;
  readonly prompt_eval_count?: number;
  readonly eval_count?: number;
}

async function listen(
  target: Target,
  response: Response,
  startedAt: number,
  show: ((piece: string) => void) | undefined,
): Promise<Heard> {
  const heard: Heard = { answer: '', ttftMs: null, promptTokens: 0, completionTokens: 0 };
  let done = false;
  const onLine = (text: string) => {
    if (text.trim() === '') return;
    const line = parseLine(target, text);
    if (line.error !== undefined) throw new CliError(`the answer broke off: ${line.error}`);
    const piece = line.message?.content ?? '';
    if (piece !== '') {
      heard.ttftMs ??= Math.round((performance.now() - startedAt) * 10) / 10;
      heard.answer += piece;
      show?.(piece);
    }
    if (line.done) {
      done = true;
      heard.promptTokens = line.prompt_eval_count ?? 0;
      heard.completionTokens = line.eval_count ?? 0;
    }
  };
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of response.body ?? []) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop()!;
      lines.forEach(onLine);
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`the answer broke off: the gateway closed the connection`, { cause: error });
  }
  onLine(rest);
  if (!done)
    throw new CliError('the answer broke off: it ended without its last line; the log of the gateway has the reason');
  return heard;
}

function parseLine(target: Target, text: string): ChatLine {
  try {
    return JSON.parse(text) as ChatLine;
  } catch {
    throw new CliError(`${target.url}/api/chat sent a line that is not JSON: \`${text.slice(0, 60)}\``);
  }
}

export function describeOrigin(asked: Omit<Asked, 'answer'>): string {
  const parts = [asked.cache ?? 'no cache status'];
  if (asked.similarity !== null && asked.cache === 'semantic') parts.push(`similarity ${asked.similarity.toFixed(3)}`);
  if (asked.thinker !== null) parts.push(`thinker ${asked.thinker}`);
  parts.push(asked.model, formatMs(asked.totalMs));
  if (asked.completionTokens > 0) parts.push(`${asked.completionTokens} tokens`);
  // What `why` and `feedback` take.
  if (asked.requestId !== null) parts.push(asked.requestId);
  return `[${parts.join(' · ')}]`;
}
