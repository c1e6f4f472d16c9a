/** What goes wrong outside, and when. */
export type FaultName =
  | 'none'
  | 'bad hosts 10 %'
  | 'API down 10 min'
  | 'list returns empty'
  | '429 storm'
  | 'price jump'
  | 'wave of losses';

export interface Faults {
  readonly name: FaultName;
  readonly about: string;
  /** Share of hosts that nearly never start. */
  readonly badHosts: number;
  /** Chance that a call to the provider fails at a second. A failed create may have rented all the same. */
  readonly callFails: (nowS: number) => number;
  readonly listIsEmpty: (nowS: number) => boolean;
  readonly priceFactor: (nowS: number) => number;
  /** Seconds at which half of all machines are lost at once. */
  readonly wavesAtS: readonly number[];
}

/** In the morning rise and at the busiest hour: where it hurts. */
const hoursOf = (...hours: readonly number[]) => hours.map((hour) => hour * 3600);
const within = (starts: readonly number[], lengthS: number) => (nowS: number) =>
  starts.some((from) => nowS >= from && nowS < from + lengthS);

/** One in fifty starts fails anyway, one in five hundred calls, and 4 % of hosts are bad. */
const usual: Faults = {
  name: 'none',
  about: 'no fault besides the usual',
  badHosts: 0.04,
  callFails: () => 0.002,
  listIsEmpty: () => false,
  priceFactor: () => 1,
  wavesAtS: [],
};

const busy = hoursOf(9.5, 14);

export const faults: readonly Faults[] = [
  { ...usual, name: 'bad hosts 10 %', about: 'machines of one host in ten nearly never get ready', badHosts: 0.1 },
  {
    ...usual,
    name: 'API down 10 min',
    about: 'every call fails at 9:30 and at 14:00',
    callFails: chanceWithin(busy, 600, 1),
  },
  {
    ...usual,
    name: 'list returns empty',
    about: 'for ten minutes at 9:30 and at 14:00',
    listIsEmpty: within(busy, 600),
  },
  {
    ...usual,
    name: '429 storm',
    about: 'seven of ten calls fail for twenty minutes at 9:30 and at 14:00',
    callFails: chanceWithin(busy, 1200, 0.7),
  },
  {
    ...usual,
    name: 'price jump',
    about: 'all prices 1.6 times from 9:00 to 13:00',
    priceFactor: (nowS) => (within(hoursOf(9), 4 * 3600)(nowS) ? 1.6 : 1),
  },
  { ...usual, name: 'wave of losses', about: 'half of all machines at once, at 9:30 and at 14:00', wavesAtS: busy },
];

export const noFaults = usual;

function chanceWithin(starts: readonly number[], lengthS: number, chance: number): (nowS: number) => number {
  const isWithin = within(starts, lengthS);
  return (nowS) => (isWithin(nowS) ? chance : 0.002);
}
