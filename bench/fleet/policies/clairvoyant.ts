/** A reference, not a rival: it knows every request one lead time ahead, and what it will cost; failures it does not know. */
import { leadTimeS } from '../../../src/fleet/plan/launches.ts';
import { tickS } from '../time.ts';
import { towards, type Scaler } from '../scaler.ts';
import { promptWeight } from '../workers.ts';
import type { Requests } from '../workload.ts';

export interface ClairvoyantOptions {
  readonly requests: Requests;
  readonly days: number;
  /** The wait that it allows, of the 10 s of the objective. */
  readonly waitS: number;
  /** A machine that is needed again within this time is kept: starting one costs as much as keeping one so long. */
  readonly breakEvenS: number;
}

const windows = [1, 2, 3, 6, 12, 24, 48] as const;
const meanSpeed = 350;

export function clairvoyant({ requests, days, waitS, breakEvenS }: ClairvoyantOptions): Scaler {
  const needed = neededSpeed(requests, days, waitS);
  return {
    decide({ nowS, workers, demand, plane, launches }) {
      if (workers === undefined) return towards(0, [], { cancelsBooting: false });
      const at = Math.floor(nowS / tickS);
      const lead = Math.ceil(leadTimeS(launches.slice(-60), { leadTimePriorS: 240, tickS }) / tickS);
      const most = (buckets: number) => {
        let best = demand.queuedWork / 30;
        for (let k = at; k <= at + buckets && k < needed.length; k++) if (needed[k]! > best) best = needed[k]!;
        return best;
      };
      const ready = plane.workers.filter(({ phase }) => phase === 'ready');
      const speed =
        ready.length === 0 ? meanSpeed : ready.reduce((sum, { machine }) => sum + machine.tokensPerS, 0) / ready.length;
      const up = Math.ceil(most(lead) / speed - 0.02);
      const down = Math.ceil(most(lead + Math.ceil(breakEvenS / tickS)) / speed - 0.02);
      const active = workers.filter(({ phase }) => phase === 'ready' || phase === 'launching').length;
      return towards(active < up ? up : Math.min(active, down), workers, { cancelsBooting: true });
    },
  };
}

/** Tokens per second that must be there from each ten seconds on, so that what arrives in any window after it is begun in time. */
function neededSpeed(requests: Requests, days: number, waitS: number): Float64Array {
  const count = (days * 86_400) / tickS;
  const sums = new Float64Array(count + 1);
  for (let i = 0; i < requests.count; i++)
    sums[Math.floor(requests.atS[i]! / tickS) + 1]! +=
      requests.completionTokens[i]! + promptWeight * requests.promptTokens[i]!;
  for (let k = 1; k <= count; k++) sums[k]! += sums[k - 1]!;
  return Float64Array.from({ length: count }, (_, k) =>
    Math.max(...windows.map((w) => (sums[Math.min(count, k + w)]! - sums[k]!) / (w * tickS + waitS))),
  );
}
