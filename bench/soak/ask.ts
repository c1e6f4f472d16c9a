/** One question in one dialect, streamed or not, with a client that may leave. Never rejects. */
import { Pool } from 'undici';

export const soakDialects = ['ollama', 'openai', 'anthropic'] as const;
export type SoakDialect = (typeof soakDialects)[number];

export interface SoakQuestion {
  readonly dialect: SoakDialect;
  readonly stream: boolean;
  readonly model: string;
  readonly text: string;
  /** Leaves after this many bytes of the answer; undefined: stays. */
  readonly leaveAfterBytes: number | undefined;
  readonly noStore: boolean;
}

export type SoakEnd =
  /** The whole answer. */
  | { readonly kind: 'answered'; readonly text: string; readonly cache: string }
  /** An error that says so, with a status or inside the stream. */
  | { readonly kind: 'refused'; readonly status: number; readonly words: string }
  | { readonly kind: 'left' }
  /** Neither: the connection broke, the stream ended early without a word, or nothing came. */
  | { readonly kind: 'broken'; readonly why: string };

const paths = { ollama: '/api/chat', openai: '/v1/chat/completions', anthropic: '/v1/messages' } as const;

export interface SoakAsker {
  ask(question: SoakQuestion): Promise<SoakEnd>;
  close(): Promise<void>;
}

/** @param hungMs an answer of which nothing comes for this long has hung */
export function createSoakAsker(url: string, clients: number, hungMs: number): SoakAsker {
  const pool = new Pool(url, { connections: clients, headersTimeout: hungMs, bodyTimeout: hungMs });
  return {
    async ask(question) {
      const { dialect, stream, model, text, leaveAfterBytes, noStore } = question;
      const messages = [{ role: 'user', content: text }];
      const leave = new AbortController();
      try {
        const response = await pool.request({
          method: 'POST',
          path: paths[dialect],
          headers: { 'content-type': 'application/json', ...(noStore && { 'cache-control': 'no-store' }) },
          body: JSON.stringify({ model, messages, stream, ...(dialect === 'anthropic' && { max_tokens: 2048 }) }),
          signal: leave.signal,
        });
        let body = '';
        for await (const chunk of response.body) {
          body += (chunk as Buffer).toString('utf8');
          if (leaveAfterBytes !== undefined && body.length >= leaveAfterBytes) leave.abort();
        }
        if (response.statusCode !== 200) return refusal(response.statusCode, body);
        return read(dialect, stream, body, String(response.headers['x-selfhost-cache']));
      } catch (error) {
        if (leave.signal.aborted) return { kind: 'left' };
        return { kind: 'broken', why: `${(error as Error).name}: ${(error as Error).message}` };
      }
    },
    close: () => pool.destroy(),
  };
}

function refusal(status: number, body: string): SoakEnd {
  const words = wordsOf(body);
  return words === undefined
    ? { kind: 'broken', why: `status ${status} without words: ${body.slice(0, 200)}` }
    : { kind: 'refused', status, words };
}

function wordsOf(body: string): string | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: string | { message?: string } };
    return typeof error === 'string' ? error : error?.message;
  } catch {
    return undefined;
  }
}

interface Piece {
  readonly text?: string;
  readonly error?: string;
  readonly end?: boolean;
}

function read(dialect: SoakDialect, stream: boolean, body: string, cache: string): SoakEnd {
  try {
    const pieces = stream ? streamed(dialect, body) : [whole(dialect, JSON.parse(body))];
    const error = pieces.find((piece) => piece.error !== undefined)?.error;
    if (error !== undefined) return { kind: 'refused', status: 200, words: error };
    if (!pieces.some(({ end }) => end)) return { kind: 'broken', why: `no end: …${body.slice(-200)}` };
    return { kind: 'answered', text: pieces.map(({ text = '' }) => text).join(''), cache };
  } catch (error) {
    return { kind: 'broken', why: `${(error as Error).message}: …${body.slice(-200)}` };
  }
}

/* eslint-disable-next-line typescript/no-explicit-any -- bodies of three wire formats, read by name */
type Wire = any;

function whole(dialect: SoakDialect, body: Wire): Piece {
  switch (dialect) {
    case 'ollama':
      return { text: body.message.content, end: body.done };
    case 'openai':
      return { text: body.choices[0].message.content, end: body.choices[0].finish_reason !== null };
    default:
      return { text: body.content.map((block: Wire) => block.text ?? '').join(''), end: body.stop_reason !== null };
  }
}

function streamed(dialect: SoakDialect, body: string): Piece[] {
  const lines = body.split('\n').filter((line) => line !== '');
  if (dialect === 'ollama')
    return lines.map((line) => {
      const row: Wire = JSON.parse(line);
      return row.error === undefined ? { text: row.message?.content, end: row.done } : { error: row.error };
    });
  return lines.flatMap((line): Piece[] => {
    if (!line.startsWith('data: ')) return [];
    if (line === 'data: [DONE]') return [{ end: true }];
    const row: Wire = JSON.parse(line.slice(6));
    if (row.error !== undefined) return [{ error: row.error.message }];
    if (dialect === 'openai') return [{ text: row.choices[0]?.delta?.content }];
    if (row.type === 'content_block_delta') return [{ text: row.delta.text }];
    return row.type === 'message_stop' ? [{ end: true }] : [];
  });
}
