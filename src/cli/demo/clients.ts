/** People who ask the demo's gateway, and what they get. */
import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { Arrival, arrivals } from '../../sim/workload.ts';

export type Source = 'thinker' | 'exact' | 'semantic' | 'coalesced';
export const sources: readonly Source[] = ['thinker', 'exact', 'semantic', 'coalesced'];

export interface Tally {
  requests: number;
  answered: number;
  /** Not answered, also not at the second try. */
  failed: number;
  /** A stored answer to another question. */
  wrong: number;
  /** Answers that broke off and came whole at the second try. */
  retried: number;
  readonly hits: { exact: number; semantic: number; coalesced: number };
  /** Of a whole answer, real time. */
  readonly latencyMs: Readonly<Record<Source, number[]>>;
}

export interface ClientsOptions {
  readonly workload: typeof arrivals;
  readonly url: string;
  readonly model: string;
  readonly random: Random;
  readonly clock: Clock;
  /** Per second of the demo's time. */
  readonly requestsPerSecond: number;
  readonly count: number;
  readonly signal: AbortSignal;
  /** Told of what failed or was wrong. */
  readonly onTrouble: (says: string) => void;
}

/** Answers are short, as chat answers mostly are. */
const answerTokens = 100;
const longAnswerTokens = 600;
const triesMax = 2;
/** Share of the questions that are typed a little differently each time. */
const sloppyShare = 0.4;

export interface Clients {
  readonly tally: Tally;
  /** Resolves when all have asked and have been answered. */
  readonly done: Promise<void>;
  /** So many at once that nobody has asked before. @returns the thinker that is the first to begin an answer */
  askLong(count: number): Promise<string>;
  /** One more question, the most popular so far. */
  askPopular(): Promise<Source | undefined>;
}

export function startClients(options: ClientsOptions): Clients {
  const { clock, random, signal, count, requestsPerSecond } = options;
  const tally: Tally = {
    requests: 0,
    answered: 0,
    failed: 0,
    wrong: 0,
    retried: 0,
    hits: { exact: 0, semantic: 0, coalesced: 0 },
    latencyMs: { thinker: [], exact: [], semantic: [], coalesced: [] },
  };
  /** Whose answer a text is: made-up answers differ from question to question. */
  const familyOf = new Map<string, string>();
  const popularity = new Map<string, { asked: number; readonly family: string }>();

  async function ask(
    arrival: Pick<Arrival, 'question' | 'family'>,
    { tokens = answerTokens, onBegin }: AskOptions = {},
  ): Promise<Source | undefined> {
    tally.requests += 1;
    const asks = popularity.get(arrival.question) ?? { asked: 0, family: arrival.family };
    asks.asked += 1;
    popularity.set(arrival.question, asks);
    let says = '';
    for (let tries = 0; tries < triesMax && !signal.aborted; tries++) {
      try {
        const { source, text, ms } = await askOnce(options, arrival.question, { tokens, onBegin });
        const family = familyOf.get(text);
        if (family === undefined) familyOf.set(text, arrival.family);
        else if (source !== 'thinker' && family !== arrival.family) {
          tally.wrong += 1;
          options.onTrouble(`"${arrival.question}" was given the stored answer to another question (${family})`);
        }
        tally.answered += 1;
        if (tries > 0) tally.retried += 1;
        if (source !== 'thinker') tally.hits[source] += 1;
        tally.latencyMs[source].push(ms);
        return source;
      } catch (error) {
        says = (error as Error).message;
      }
    }
    if (signal.aborted) tally.requests -= 1;
    else {
      tally.failed += 1;
      options.onTrouble(`a question was not answered: ${says}`);
    }
    return undefined;
  }

  const asked: Promise<unknown>[] = [];
  const done = (async () => {
    const startedMs = clock.monotonicMs();
    for (const arrival of options.workload({ random, requestsPerSecond, count })) {
      const waitMs = startedMs + arrival.atMs - clock.monotonicMs();
      if (waitMs > 0) await clock.sleep(waitMs, signal).catch(() => undefined);
      if (signal.aborted) break;
      asked.push(ask({ ...arrival, question: sloppily(arrival.question, random) }));
    }
    await Promise.all(asked);
  })();

  return {
    tally,
    done,
    askLong: (stories) =>
      new Promise((resolve) => {
        for (let i = 0; i < stories; i++) {
          const question = `Tell me a long story about island number ${random.int(1e9)}.`;
          asked.push(ask({ question, family: question }, { tokens: longAnswerTokens, onBegin: resolve }));
        }
      }),

    askPopular() {
      const [question, { family }] = [...popularity].sort((a, b) => b[1].asked - a[1].asked)[0]!;
      return ask({ question, family });
    },
  };
}

/** The same words, as hasty people write them. */
function sloppily(question: string, random: Random): string {
  if (random.float() >= sloppyShare) return question;
  const ways = [
    (text: string) => text.toLowerCase(),
    (text: string) => text.replace(/[?.]$/, ''),
    (text: string) => `${text} `,
    (text: string) => `Please: ${text}`,
    (text: string) => text.replace(/\?$/, '??'),
  ];
  return ways[random.int(ways.length)]!(question);
}

interface Answered {
  readonly source: Source;
  readonly text: string;
  readonly ms: number;
}

interface AskOptions {
  readonly tokens?: number | undefined;
  /** Told when the first piece of the answer is there, and whose it is. */
  readonly onBegin?: ((thinker: string) => void) | undefined;
}

async function askOnce(
  { url, model, signal }: ClientsOptions,
  question: string,
  { tokens = answerTokens, onBegin }: AskOptions,
): Promise<Answered> {
  const startedMs = performance.now();
  const response = await fetch(`${url}/api/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      stream: true,
      options: { num_predict: tokens, temperature: 0 },
      messages: [{ role: 'user', content: question }],
    }),
    signal,
  });
  let body = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    if (body === '') onBegin?.(response.headers.get('x-selfhost-thinker') ?? '');
    body += decoder.decode(chunk, { stream: true });
  }
  const source = sourceOf(response.headers.get('x-selfhost-cache'));
  let text = '';
  let done = false;
  for (const line of body.split('\n')) {
    if (line === '') continue;
    const row = JSON.parse(line) as { message?: { content?: string }; done?: boolean; error?: string };
    if (row.error !== undefined) throw new Error(row.error);
    text += row.message?.content ?? '';
    done ||= row.done === true;
  }
  if (!done) throw new Error(`the answer broke off (status ${response.status})`);
  return { source, text, ms: performance.now() - startedMs };
}

const sourceOf = (header: string | null): Source =>
  header === 'exact' || header === 'semantic' || header === 'coalesced' ? header : 'thinker';
