/** What machines have done for us: counts and speeds, kept by the reconciler, read by the score. */
export interface HostHistory {
  machine(machineId: string): MachineRecord | undefined;
  host(hostId: string): MachineRecord | undefined;
  /** Mean speed measured on this kind of GPU. */
  gpuTokensPerS(gpuName: string): number | undefined;
}

export interface MachineRecord {
  /** Starts that ended ready, and that did not; those we gave back ourselves are not counted. */
  readonly startsGood: number;
  readonly startsBad: number;
  /** Times it was lost in service, and hours in service. */
  readonly losses: number;
  readonly servedHours: number;
  readonly tokensPerS: number | undefined;
}

export const noHistory: HostHistory = {
  machine: () => undefined,
  host: () => undefined,
  gpuTokensPerS: () => undefined,
};

/** Hours that a bad machine is left alone: longer with each strike, so that it cannot cost us the same hour again and again. */
export function benchHours(strikes: number): number {
  return strikes <= 0 ? 0 : Math.min(7 * 24, 4 ** (strikes - 1));
}

/** Different machines of one host that struck within a day, from which the host itself is benched for a day. */
export const hostStrikesMax = 3;
