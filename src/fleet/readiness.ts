/** Whether a rented machine is what it was rented for: our key, the model, on its GPU, at a fair pace, and sane. */
import type { AnswerRequest, CallOptions, EndEvent } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, toAppError, type ErrorCode } from '../core/errors.ts';
import { modelName, type ModelName } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { LoadedModel, ModelInfo, Thinker, ThinkerReport } from '../thinkers/thinker.ts';

export type Readiness =
  | {
      readonly kind: 'ready';
      readonly model: ModelInfo;
      readonly version: string;
      /** Of one answer alone on the machine. */
      readonly tokensPerS: number;
    }
  /** Look again later; the deadline of the phase is the caller's. */
  | { readonly kind: 'not-yet'; readonly code: NotYetCode; readonly reason: string }
  /** It will never serve. `permanent`: the machine lies about what it is or what it says. */
  | {
      readonly kind: 'unfit';
      readonly code: UnfitCode;
      readonly reason: string;
      readonly bench: 'strike' | 'permanent';
    };

export type NotYetCode = 'unreachable' | 'model-missing' | 'busy' | 'no-answer' | 'left';
export type UnfitCode = 'wrong-key' | 'wrong-model' | 'wrong-answer' | 'on-cpu' | 'part-on-cpu' | 'slow';

export interface ReadinessOptions {
  readonly thinker: Thinker;
  readonly model: ModelName;
  readonly clock: Clock;
  readonly random: Random;
  /** Least pace of one answer alone on the machine. */
  readonly tokensPerSMin: number;
  /** Digest of the model elsewhere; '' when not known. */
  readonly digest?: string;
  /**
   * Whether any machine has ever been found sane with this model; assumed when absent. Without that a strange
   * answer may be the model's own, and no machine is condemned for it.
   */
  readonly modelProven?: boolean;
  /** Loading into VRAM is part of the first answer. */
  readonly loadMs?: number;
}

const loadDefaultMs = 120_000;
const stallMs = 20_000;
/** After the load: a machine that takes longer for the few tokens is too slow in any case. */
const answerMs = 30_000;
const tokensTimed = 48;
/** Fewer say nothing about the pace. */
const tokensTimedMin = 8;
/** A model that thinks first needs room before it comes to the word. */
const canaryTokens = 96;
/** A machine is not condemned for one odd answer. */
const canaryTries = 2;
/** Rounding of the runner's own accounts. */
const vramShareMin = 0.98;

/** Words that no model says by chance. */
const canaryWords = [
  'marzipan',
  'obsidian',
  'lighthouse',
  'trombone',
  'saffron',
  'glacier',
  'pelican',
  'juniper',
  'cobalt',
  'harpsichord',
  'walnut',
  'meridian',
] as const;

/** One look; never throws for what the machine does. Several seconds when all is well, mostly the load of the model. */
export async function checkReadiness(options: ReadinessOptions, call: CallOptions): Promise<Readiness> {
  try {
    return await look(options, call);
  } catch (error) {
    return explain(toAppError(error), call);
  }
}

async function look(options: ReadinessOptions, call: CallOptions): Promise<Readiness> {
  const { thinker, tokensPerSMin } = options;
  const report = await thinker.probe(call);
  const model = report.models.find(({ name }) => name === options.model);
  if (report.version === '' || model === undefined)
    return notYet('model-missing', `it does not have ${options.model} yet, and has ${listed(report)}`);
  const digest = options.digest ?? '';
  if (digest !== '' && model.digest !== '' && model.digest !== digest)
    return unfit('wrong-model', 'permanent', `its ${options.model} has another digest: ${model.digest.slice(0, 12)}`);

  const strange = await wrongAnswer(options, call);
  if (strange !== undefined)
    return options.modelProven === false
      ? unfit('wrong-answer', 'strike', `${strange}; if every machine does, the model cannot follow instructions`)
      : unfit('wrong-answer', 'permanent', strange);

  const residence = judgeResidence((await thinker.probe(call)).loaded, options.model);
  if (residence !== undefined) return residence;

  const tokensPerS = await timeAnswer(options, call);
  if (tokensPerS === undefined) return notYet('no-answer', 'its answer was too short to time');
  if (tokensPerS < tokensPerSMin)
    return unfit('slow', 'strike', `it makes ${tokensPerS.toFixed(1)} tokens a second; the least is ${tokensPerSMin}`);
  return { kind: 'ready', model, version: report.version, tokensPerS };
}

/** @returns what is strange about its answers; undefined when nothing is */
async function wrongAnswer(options: ReadinessOptions, call: CallOptions): Promise<string | undefined> {
  let strange = '';
  for (let tries = 0; tries < canaryTries; tries++) {
    const word = canaryWords[options.random.int(canaryWords.length)]!;
    const { text } = await ask(options, `Repeat this word and nothing else: ${word}`, canaryTokens, call);
    if (text.toLowerCase().includes(word)) return undefined;
    strange = `asked to repeat \`${word}\`, it said \`${text.slice(0, 60)}\``;
  }
  return strange;
}

function judgeResidence(loaded: readonly LoadedModel[], model: ModelName): Readiness | undefined {
  const row = loaded.find(({ name }) => name === model)?.raw;
  const [size, vram] = [row?.['size'], row?.['size_vram']];
  if (typeof size !== 'number' || typeof vram !== 'number' || size <= 0)
    return notYet('no-answer', `it does not say where ${model} is loaded`);
  const share = vram / size;
  if (share === 0) return unfit('on-cpu', 'permanent', 'the model runs on its CPU: the GPU is not there');
  if (share >= vramShareMin) return undefined;
  return unfit('part-on-cpu', 'strike', `only ${Math.round(share * 100)} % of the model is on its GPU`);
}

/** The slower of what the machine says and what we see: it may not be honest, and we may see several tokens at once. */
async function timeAnswer(options: ReadinessOptions, call: CallOptions): Promise<number | undefined> {
  const heard = await ask(options, 'Count from one to fifty, in words.', tokensTimed, call);
  const tokens = heard.end.usage.completionTokens;
  if (tokens < tokensTimedMin) return undefined;
  const seenMs = heard.endedMs - heard.startedMs;
  const saidMs = heard.end.timings.evalNs / 1e6;
  const slowerMs = Math.max(seenMs, saidMs, Number.EPSILON);
  return Math.min(99_999, (tokens / slowerMs) * 1_000);
}

interface Heard {
  readonly text: string;
  readonly end: EndEvent;
  /** Monotonic: first piece of the answer, and its end. */
  readonly startedMs: number;
  readonly endedMs: number;
}

function ask(
  { thinker, model, clock, loadMs = loadDefaultMs }: ReadinessOptions,
  question: string,
  tokens: number,
  { signal }: CallOptions,
): Promise<Heard> {
  const request: AnswerRequest = {
    kind: 'chat',
    model: modelName(model),
    messages: [{ role: 'user', content: question }],
    options: { temperature: 0, seed: 1 },
    outputLimit: tokens,
    // Loads the model for good, whatever the server's own habit is.
    keepAlive: -1,
  };
  return new Promise((resolve, reject) => {
    let text = '';
    let startedMs: number | undefined;
    const leave = (): void => {
      flow.cancel();
      reject(new AppError('aborted', 'the caller left'));
    };
    const done = (act: () => void): void => {
      signal.removeEventListener('abort', leave);
      act();
    };
    const flow = thinker.answer(
      request,
      {
        event(event) {
          if (event.type === 'start' || event.type === 'tool-call') return;
          const nowMs = clock.monotonicMs();
          startedMs ??= nowMs;
          if (event.type === 'end')
            done(() => resolve({ text, end: event, startedMs: startedMs ?? nowMs, endedMs: nowMs }));
          else text += event.text;
        },
        fail: (error) => done(() => reject(error)),
      },
      { firstTokenMs: loadMs, stallMs, totalMs: loadMs + answerMs },
    );
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
}

const notYetCodes: Partial<Record<ErrorCode, NotYetCode>> = {
  aborted: 'left',
  upstream_busy: 'busy',
  model_not_found: 'model-missing',
  upstream_broken_stream: 'no-answer',
  timeout_first_token: 'no-answer',
  timeout_stall: 'no-answer',
  timeout_total: 'no-answer',
};

function explain(error: AppError, { signal }: CallOptions): Readiness {
  // Not the machine's lie for certain, but nothing that we would talk to.
  if (error.code === 'wrong_thinker_key') return unfit('wrong-key', 'strike', error.message);
  const code = signal.aborted ? 'left' : (notYetCodes[error.code] ?? 'unreachable');
  return notYet(code, error.message);
}

const notYet = (code: NotYetCode, reason: string): Readiness => ({ kind: 'not-yet', code, reason });
const unfit = (code: UnfitCode, bench: 'strike' | 'permanent', reason: string): Readiness => ({
  kind: 'unfit',
  code,
  bench,
  reason,
});

const listed = ({ models }: ThinkerReport): string =>
  models.length === 0 ? 'none' : models.map(({ name }) => name).join(', ');
