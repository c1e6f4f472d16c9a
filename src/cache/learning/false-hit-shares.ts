/** The wrong share of randomly audited hits, by model, for metrics. */
import { wilsonInterval } from '../decision/breaker.ts';
import { otherModel } from '../../telemetry/model-labels.ts';

/** Newest audits of a model in view, as many as the breaker looks at. */
const windowMax = 400;
/** Clients can ask for any name; models beyond these are counted together. */
const modelsMax = 32;

export interface FalseHitShare {
  readonly model: string;
  readonly audited: number;
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

export class FalseHitShares {
  readonly #windows = new Map<string, boolean[]>();

  audited(model: string, right: boolean): void {
    const name = this.#windows.has(model) || this.#windows.size < modelsMax ? model : otherModel;
    const window = this.#windows.get(name) ?? [];
    window.push(right);
    if (window.length > windowMax) window.shift();
    this.#windows.set(name, window);
  }

  shares(): readonly FalseHitShare[] {
    return Array.from(this.#windows, ([model, window]) => {
      const wrong = window.filter((right) => !right).length;
      return {
        model,
        audited: window.length,
        estimate: wrong / window.length,
        ...wilsonInterval(wrong, window.length),
      };
    });
  }

  export(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      Array.from(this.#windows, ([model, window]) => [model, window.map((right) => (right ? '1' : '0')).join('')]),
    );
  }

  /** Takes what `export` gave; anything else is left out. */
  import(state: unknown): void {
    if (typeof state !== 'object' || state === null) return;
    for (const [model, window] of Object.entries(state)) {
      if (typeof window !== 'string' || !/^[01]+$/.test(window)) continue;
      for (const each of window.slice(-windowMax)) this.audited(model, each === '1');
    }
  }
}
