/**
 * Mixed traffic of all dialects against a gateway: clients that leave, thinkers that fail, questions that repeat. Says
 * what must never be: a request that hangs or breaks without a word, an answer to another question, work that is left
 * behind.
 */
import type { Random } from '../../src/core/random.ts';
import { arrivals } from '../../src/sim/workload.ts';
import { createSoakAsker, soakDialects, type SoakEnd, type SoakQuestion } from './ask.ts';

export interface SoakOptions {
  readonly url: string;
  readonly adminUrl: string;
  readonly random: Random;
  readonly clients: number;
  readonly forMs: number;
  /** Share of clients that leave in the middle. */
  readonly leavingShare: number;
  /** Share of questions to a model that fails. */
  readonly faultShare: number;
  /** Called about once a second. */
  readonly onProgress?: (elapsedMs: number, counts: SoakCounts) => void;
}

export interface SoakCounts {
  asked: number;
  answered: number;
  hits: number;
  refused: number;
  left: number;
  broken: number;
  /** Answers that belong to another question. */
  wrong: number;
}

export interface SoakReport extends SoakCounts {
  readonly problems: readonly string[];
  /** What the gateway says it has still to do, after all clients are gone. */
  readonly leftBehind: { readonly open: number; readonly inFlight: number; readonly waiting: number };
}

const model = 'llama3.2:3b';
const faults = ['fault-500', 'fault-cut-3', 'fault-eof-2', 'fault-reset', 'fault-inband-error-2', 'fault-flap'];
/** Twice the slowest thing a fault does here; nobody waits for a stalled stream, which has a time-out of its own. */
const hungMs = 60_000;
/** Distinct problems that are told. */
const problemsMax = 20;
const settleMs = 15_000;

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { url, adminUrl, random, clients, forMs, leavingShare, faultShare, onProgress } = options;
  const asker = createSoakAsker(url, clients, hungMs);
  const counts: SoakCounts = { asked: 0, answered: 0, hits: 0, refused: 0, left: 0, broken: 0, wrong: 0 };
  const problems = new Set<string>();
  const problem = (words: string): void => void (problems.size < problemsMax && problems.add(words));
  /** Families whose question got this answer from a thinker: a stored one must be of one of them. */
  const familiesOf = new Map<string, Set<string>>();
  const questions = arrivals({ random, requestsPerSecond: 1, count: Number.MAX_SAFE_INTEGER, nearMissShare: 0.2 });
  const startedMs = performance.now();
  let toldMs = startedMs;

  async function client(): Promise<void> {
    while (performance.now() - startedMs < forMs) {
      const { question, family } = questions.next().value!;
      const faulty = random.float() < faultShare;
      const asked: SoakQuestion = {
        dialect: soakDialects[random.int(soakDialects.length)]!,
        stream: random.float() < 0.6,
        model: faulty ? faults[random.int(faults.length)]! : model,
        text: question,
        leaveAfterBytes: random.float() < leavingShare ? random.int(400) : undefined,
        noStore: random.float() < 0.1,
      };
      counts.asked++;
      judge(asked, family, await asker.ask(asked));
      const nowMs = performance.now();
      if (nowMs - toldMs > 1_000) {
        toldMs = nowMs;
        onProgress?.(nowMs - startedMs, counts);
      }
    }
  }

  function judge(asked: SoakQuestion, family: string, end: SoakEnd): void {
    switch (end.kind) {
      case 'answered': {
        counts.answered++;
        if (['exact', 'semantic', 'coalesced'].includes(end.cache)) counts.hits++;
        // Every answer of the simulated thinker speaks of its question: of another family, it is another's.
        const families = familiesOf.get(end.text);
        if (families === undefined) familiesOf.set(end.text, new Set([family]));
        else if (end.cache === 'miss' || end.cache === 'bypass') families.add(family);
        else if (!families.has(family)) {
          counts.wrong++;
          problem(`wrong: "${asked.text}" got a ${end.cache} answer of ${[...families].join(', ')}`);
        }
        return;
      }
      case 'refused':
        counts.refused++;
        if (asked.model === model && end.status !== 503) problem(`refused (${end.status}): ${end.words}`);
        return;
      case 'left':
        counts.left++;
        return;
      default:
        counts.broken++;
        problem(`broken (${asked.dialect}, ${asked.stream ? 'streamed' : 'whole'}, ${asked.model}): ${end.why}`);
    }
  }

  await Promise.all(Array.from({ length: clients }, client));
  await asker.close();
  const leftBehind = await settled(adminUrl);
  if (leftBehind.open + leftBehind.inFlight + leftBehind.waiting > 0)
    problem(`left behind after ${settleMs / 1000} s: ${JSON.stringify(leftBehind)}`);
  return { ...counts, problems: [...problems], leftBehind };
}

/** Waits until the gateway has nothing more to do; returns what is left when it takes too long. */
async function settled(adminUrl: string): Promise<SoakReport['leftBehind']> {
  const endMs = performance.now() + settleMs;
  for (;;) {
    const { traffic } = (await (await fetch(`${adminUrl}/api/status`)).json()) as {
      traffic: SoakReport['leftBehind'];
    };
    const { open, inFlight, waiting } = traffic;
    if (open + inFlight + waiting === 0 || performance.now() > endMs) return { open, inFlight, waiting };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
