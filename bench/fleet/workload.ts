/** Days and weeks of requests, made of an hour that was recorded: the synthesis that every figure of this bench rests on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { seededRandom } from '../../src/core/random.ts';

/** Parallel arrays, in order of arrival. */
export interface Requests {
  readonly count: number;
  /** Seconds from the start. */
  readonly atS: Float64Array;
  readonly promptTokens: Uint16Array;
  readonly completionTokens: Uint16Array;
}

export interface Synthesis {
  readonly days: number;
  /** Share of the recorded rate at the busiest hour. */
  readonly scale: number;
  /** Weekends have this share of a weekday. Day 0 is a Monday. */
  readonly weekendShare: number;
  /** Share of the busiest hour's rate that is left at night. */
  readonly nightShare: number;
  readonly spikes: readonly Spike[];
  /** Chance that the cache answers a request: it never reaches the fleet. */
  readonly hitRate: number;
  readonly seed: number;
}

/** Requests on top, drawn from the same record. */
export interface Spike {
  readonly fromS: number;
  readonly lengthS: number;
  readonly perS: number;
}

export const plainDay: Synthesis = {
  days: 1,
  scale: 1,
  weekendShare: 0.4,
  nightShare: 0.05,
  spikes: [],
  hitRate: 0,
  seed: 1,
};

export const dayS = 86_400;
/** Local hour of the most requests; the day curve is the fourth power of a cosine around it. */
const busiestHour = 14;
/** Each stretch of the record is this long, and starts at a random place of it: no hour is the same as the next. */
const stretchS = 1800;

/** @param folder with azure-llm-2023-{conv,code}.csv.gz */
export function readTrace(folder: string, name: 'conv' | 'code'): Requests {
  const path = join(folder, `azure-llm-2023-${name}.csv.gz`);
  const lines = gunzipSync(readFileSync(path)).toString('latin1').trimEnd().split('\n').slice(1);
  const at = new Float64Array(lines.length);
  const prompts = new Uint16Array(lines.length);
  const completions = new Uint16Array(lines.length);
  for (const [i, line] of lines.entries()) {
    const [stamp, prompt, completion] = line.split(',');
    // Ten-millionths of a second are more digits than dates read.
    at[i] = Date.parse(`${stamp!.slice(0, 23).replace(' ', 'T')}Z`) / 1000;
    prompts[i] = Number(prompt);
    completions[i] = Number(completion);
    if (!Number.isFinite(at[i])) throw new Error(`${path}:${i + 2} has no time: ${line}`);
  }
  const first = at[0]!;
  return {
    count: lines.length,
    atS: at.map((each) => each - first),
    promptTokens: prompts,
    completionTokens: completions,
  };
}

/** Share of the busiest rate at a second of the synthesis. */
export function curveAt(
  second: number,
  { nightShare, weekendShare }: Pick<Synthesis, 'nightShare' | 'weekendShare'>,
): number {
  const day = Math.floor(second / dayS);
  const hour = (second % dayS) / 3600;
  const share = nightShare + (1 - nightShare) * Math.cos((Math.PI * (hour - busiestHour)) / 24) ** 4;
  return day % 7 >= 5 ? share * weekendShare : share;
}

/** The same seed gives the same requests. */
export function synthesize(trace: Requests, synthesis: Synthesis): Requests {
  const random = seededRandom(synthesis.seed * 7919 + 17);
  const lengthS = trace.atS[trace.count - 1]!;
  const out: { at: number; i: number }[] = [];
  const totalS = synthesis.days * dayS;
  const keepAll = 1 - synthesis.hitRate;
  for (let from = 0; from < totalS; from += stretchS) {
    const offset = random.float() * lengthS;
    let i = firstAtOrAfter(trace.atS, offset);
    let turn = 0;
    for (;;) {
      const at = from + trace.atS[i]! + turn * lengthS - offset;
      if (at >= from + stretchS) break;
      if (random.float() < curveAt(at, synthesis) * synthesis.scale * keepAll) out.push({ at, i });
      i += 1;
      if (i === trace.count) [i, turn] = [0, turn + 1];
    }
  }
  for (const { fromS, lengthS: spikeS, perS } of synthesis.spikes) {
    for (
      let at = fromS + expovariate(random.float(), perS);
      at < fromS + spikeS;
      at += expovariate(random.float(), perS)
    ) {
      const i = random.int(trace.count);
      if (random.float() < keepAll) out.push({ at, i });
    }
  }
  out.sort((a, b) => a.at - b.at);
  return {
    count: out.length,
    atS: Float64Array.from(out, ({ at }) => at),
    promptTokens: Uint16Array.from(out, ({ i }) => trace.promptTokens[i]!),
    completionTokens: Uint16Array.from(out, ({ i }) => trace.completionTokens[i]!),
  };
}

export const expovariate = (uniform: number, rate: number): number => -Math.log(1 - uniform) / rate;

function firstAtOrAfter(at: Float64Array, second: number): number {
  let low = 0;
  let high = at.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at[middle]! < second) low = middle + 1;
    else high = middle;
  }
  return low;
}
