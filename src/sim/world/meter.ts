/** What an instance has cost. Kept as milliseconds and bytes at a rate, so that reading it often changes nothing. */

export type BillType = 'gpu' | 'disk' | 'bwd' | 'bwu';

export interface BillItem {
  readonly type: BillType;
  /** First instant of the UTC day, epoch ms. */
  readonly dayAt: number;
  /** 1e-9 USD, whole. */
  readonly nanoUsd: number;
}

interface Line {
  readonly type: BillType;
  readonly dayAt: number;
  readonly usdPerUnit: number;
  quantity: number;
}

export const dayMs = 86_400_000;
const hourMs = 3_600_000;
const bytesPerGb = 1e9;

export class Meter {
  readonly #lines = new Map<string, Line>();

  /** Time in [fromAt, toAt), split at midnight. */
  addTime(type: 'gpu' | 'disk', fromAt: number, toAt: number, usdPerHour: number): void {
    for (let at = fromAt; at < toAt;) {
      const dayAt = Math.floor(at / dayMs) * dayMs;
      const until = Math.min(toAt, dayAt + dayMs);
      this.#add(type, dayAt, usdPerHour / hourMs, until - at);
      at = until;
    }
  }

  addBytes(type: 'bwd' | 'bwu', at: number, bytes: number, usdPerGb: number): void {
    this.#add(type, Math.floor(at / dayMs) * dayMs, usdPerGb / bytesPerGb, bytes);
  }

  items(): BillItem[] {
    const items = new Map<string, { type: BillType; dayAt: number; nanoUsd: number }>();
    for (const { type, dayAt, usdPerUnit, quantity } of this.#lines.values()) {
      const key = `${dayAt} ${type}`;
      const item = items.get(key) ?? { type, dayAt, nanoUsd: 0 };
      item.nanoUsd += Math.round(quantity * usdPerUnit * 1e9);
      items.set(key, item);
    }
    return [...items.values()].filter(({ nanoUsd }) => nanoUsd > 0);
  }

  get nanoUsd(): number {
    return this.items().reduce((sum, item) => sum + item.nanoUsd, 0);
  }

  #add(type: BillType, dayAt: number, usdPerUnit: number, quantity: number): void {
    const key = `${dayAt} ${type} ${usdPerUnit}`;
    const line = this.#lines.get(key);
    if (line) line.quantity += quantity;
    else this.#lines.set(key, { type, dayAt, usdPerUnit, quantity });
  }
}
