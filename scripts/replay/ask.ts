/** One query to a running gateway, as a client would ask it. */
import { hash } from 'node:crypto';
import { Pool } from 'undici';
import type { Query } from './read-rows.ts';
import { kinds, type Kind, type Outcome } from './score.ts';

export type AskDialect = 'ollama' | 'openai';

export interface AskOptions {
  readonly url: string;
  readonly dialect: AskDialect;
  readonly model: string;
  readonly concurrency: number;
  /** Every query goes to a thinker, and no answer is kept. */
  readonly noCache: boolean;
  readonly apiKey: string | undefined;
}

export interface Asker {
  /** Never rejects: a failure is an outcome, with what went wrong in `failure`. */
  ask(query: Query): Promise<{ readonly outcome: Outcome; readonly failure: string | undefined }>;
  close(): Promise<void>;
}

/** As long as the gateway gives a thinker for a whole answer. */
const answerTimeoutMs = 1_800_000;

const paths = { ollama: '/api/chat', openai: '/v1/chat/completions' } as const;

export function createAsker(options: AskOptions): Asker {
  const { url, dialect, model, concurrency } = options;
  const pool = new Pool(url, {
    connections: concurrency,
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
  });
  const headers = {
    'content-type': 'application/json',
    ...(options.noCache && { 'cache-control': 'no-store' }),
    ...(options.apiKey !== undefined && { authorization: `Bearer ${options.apiKey}` }),
  };
  return {
    async ask({ text, group }) {
      const body = JSON.stringify({ model, messages: [{ role: 'user', content: text }], stream: false });
      const startedMs = performance.now();
      const failed = (failure: string) => ({
        failure,
        outcome: {
          kind: 'error' as const,
          group,
          ms: performance.now() - startedMs,
          requestId: undefined,
          entryId: undefined,
          similarity: undefined,
          answerHash: undefined,
          tokens: 0,
        },
      });
      try {
        const response = await pool.request({ method: 'POST', path: paths[dialect], headers, body });
        const reply = await response.body.text();
        const ms = performance.now() - startedMs;
        if (response.statusCode !== 200) return failed(`status ${response.statusCode}: ${reply.slice(0, 300)}`);
        const header = (name: string) => response.headers[name] as string | undefined;
        const { text: answer, tokens } = readReply(dialect, reply);
        const similarity = header('x-selfhost-similarity');
        return {
          failure: undefined,
          outcome: {
            kind: kindOf(header('x-selfhost-cache')),
            group,
            ms,
            requestId: header('x-selfhost-request-id'),
            entryId: header('x-selfhost-entry'),
            similarity: similarity === undefined ? undefined : Number(similarity),
            answerHash: hash('sha256', answer, 'base64url'),
            tokens,
          },
        };
      } catch (error) {
        return failed((error as Error).message);
      }
    },
    close: () => pool.close(),
  };
}

function kindOf(header: string | undefined): Kind {
  const kind = kinds.find((name) => name === header);
  if (kind === undefined)
    throw new Error(`x-selfhost-cache is \`${header}\`; is this the gateway and not the thinker behind it?`);
  return kind;
}

interface OllamaReply {
  readonly message?: { readonly content?: string };
  readonly prompt_eval_count?: number;
  readonly eval_count?: number;
}

interface OpenAiReply {
  readonly choices?: readonly { readonly message?: { readonly content?: string } }[];
  readonly usage?: { readonly total_tokens?: number };
}

/** Text and prompt + completion tokens of a whole reply. */
export function readReply(dialect: AskDialect, body: string): { readonly text: string; readonly tokens: number } {
  if (dialect === 'ollama') {
    const reply = JSON.parse(body) as OllamaReply;
    return { text: reply.message?.content ?? '', tokens: (reply.prompt_eval_count ?? 0) + (reply.eval_count ?? 0) };
  }
  const reply = JSON.parse(body) as OpenAiReply;
  return { text: reply.choices?.[0]?.message?.content ?? '', tokens: reply.usage?.total_tokens ?? 0 };
}
