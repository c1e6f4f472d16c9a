/** The knobs of the law. Each option's meaning for operators is in docs/autoscaling.md. */
export interface FleetPolicy {
  readonly workersMin: number;
  readonly workersMax: number;
  readonly schedule: readonly ScheduleFloor[];
  /** Of the minutes in `schedule`, east of UTC. */
  readonly utcOffsetMinutes: number;
  /** Until a machine has been measured: decode tokens per second of a full batch, and its slots. */
  readonly classTokensPerS: number;
  readonly classSlots: number;
  /** Share of the fleet's speed that the worst burst of the last ten minutes may take. */
  readonly utilisationMax: number;
  /** A burst may be worked off this long after its end. */
  readonly burstWaitS: number;
  /**
   * From this many machines on, the rest must carry the steady demand while one that was lost is replaced.
   * Below it, a loss makes everybody wait for a start. Infinity = never a spare.
   */
  readonly spareFrom: number;
  /** A backlog shall be gone this long after there is capacity for it. */
  readonly backlogDrainS: number;
  /** The oldest waiting request may be this old before the law takes the last 30 s alone for the demand. */
  readonly waitTargetS: number;
  /**
   * A need is kept this long after it was last felt, and it is felt for as long as its burst is among the last ten
   * minutes; together never less than two lead times.
   */
  readonly holdS: number;
  /** Times as long, at most, where the worst burst is that many times the mean. */
  readonly holdBurstMax: number;
  /** Of machines in a minute: this many, or this share of them if that is more. */
  readonly drainsPerMinuteMax: number;
  readonly drainShareMax: number;
  /** A draining machine may finish its answers for this long. */
  readonly drainS: number;
  /** Before launches have been seen. */
  readonly leadTimePriorS: number;
  readonly tickS: number;
  readonly idle: IdleRule;
  /** Stopped machines kept at most, with their disks, to be started again. 0 = what is not needed is given back. */
  readonly sparesMax: number;
  /** Machines, running and stopped, that are held for each that is needed: from `spareFrom` on. */
  readonly spareFactor: number;
  /** What counts for machines that run, times as long as the break-even of one: stopped too early, more wait than the two it counts. */
  readonly spareLookBack: number;
  /** Of a machine that is lost: what those that run must carry, where a stopped one takes its place within a minute. */
  readonly spareLossShare: number;
  /** The longest that a machine stays stopped, whatever it would save. */
  readonly spareKeepMaxS: number;
  /** Worst burst by mean: up to `from`, machines that are not needed are stopped soon; from `to` on, as late as they would be given back. */
  readonly spareBurst: { readonly from: number; readonly to: number };
  /** From a stopped machine to one that serves, before it has been seen. */
  readonly restartPriorS: number;
  /** More machines than needed are started where starts fail: for every start, for urgent ones, or never. */
  readonly hedging: 'always' | 'urgent' | 'off';
  readonly launchesPerMinuteMax: number;
  readonly launchesPerHourMax: number;
  /** Failed starts in a row that stop further ones for `breakerBaseS`, doubled with each further failure. */
  readonly breakerFailures: number;
  readonly breakerBaseS: number;
  readonly breakerMaxS: number;
}

/** When an idle fleet gives its last machine back. */
export type IdleRule =
  | { readonly kind: 'never' }
  | { readonly kind: 'after'; readonly idleS: number }
  /** Idle time that costs as much as starting again does (ski rental: at most twice the best in hindsight). */
  | {
      readonly kind: 'break-even';
      /** What a second of a waiting request is worth, and how many are expected to wait for a cold start. */
      readonly waitUsdPerS: number;
      readonly waitingRequests: number;
      /** Traffic of one start. */
      readonly launchGb: number;
      readonly usdPerGb: number;
    };

export interface ScheduleFloor {
  /** 0 = Sunday. */
  readonly days: readonly number[];
  /** Minutes since local midnight; `to` may be less than `from`, then it ends on the next day. */
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly workersMin: number;
}

export const idleDefault = {
  kind: 'break-even',
  waitUsdPerS: 0.000_083,
  waitingRequests: 2,
  launchGb: 6.25,
  usdPerGb: 0.005,
} as const satisfies IdleRule;

export const fleetPolicyDefaults: FleetPolicy = {
  workersMin: 0,
  workersMax: 8,
  schedule: [],
  utcOffsetMinutes: 0,
  classTokensPerS: 400,
  classSlots: 8,
  utilisationMax: 0.9,
  burstWaitS: 5,
  spareFrom: 2,
  backlogDrainS: 60,
  waitTargetS: 8,
  holdS: 240,
  holdBurstMax: 2.5,
  drainsPerMinuteMax: 1,
  drainShareMax: 0.2,
  drainS: 120,
  leadTimePriorS: 240,
  tickS: 10,
  idle: idleDefault,
  sparesMax: 0,
  spareFactor: 1.25,
  spareLookBack: 1.4,
  spareLossShare: 0.5,
  spareKeepMaxS: 12 * 3600,
  spareBurst: { from: 2, to: 4 },
  restartPriorS: 60,
  hedging: 'urgent',
  launchesPerMinuteMax: 3,
  launchesPerHourMax: 20,
  breakerFailures: 5,
  breakerBaseS: 60,
  breakerMaxS: 3600,
};
