import { share, usd } from '../../model/format.ts';
import { linearScale, ticksOf } from '../../model/scale.ts';
import { BottomAxis, Chart, LeftAxis } from './chart.tsx';
import { Table } from './table.tsx';

export interface BreakEvenProps {
  readonly queriesPerMonth: number;
  readonly cachePerMonthUsd: number;
  readonly worthOfHitUsd: number;
  /** Share of hits at which it pays; undefined where none does. */
  readonly at: number | undefined;
  /** Where it is now. */
  readonly hitShare: number | undefined;
}

const height = 240;
const left = 60;
const bottom = 40;
const top = 24;
const dollars = (value: number): string => usd(value * 1e6);

/** What the cache brings a month by its share of hits: a line that crosses nothing where it pays. */
export function BreakEven({ queriesPerMonth, cachePerMonthUsd, worthOfHitUsd, at, hitShare }: BreakEvenProps) {
  const net = (hits: number) => queriesPerMonth * hits * worthOfHitUsd - cachePerMonthUsd;
  const ticks = ticksOf(Math.min(net(0), net(1), 0), Math.max(net(0), net(1), 0), 4);
  const summary = `${
    at === undefined || at > 1
      ? 'At no share of hits the cache pays for itself'
      : `From ${share(at)} hits on the cache pays for itself`
  }${hitShare === undefined ? '' : `; you are at ${share(hitShare)}, which is ${dollars(net(hitShare))} a month`}.`;
  const points = [0, 0.1, 0.25, 0.5, 0.75, 1];
  return (
    <Chart
      label="Break-even"
      summary={summary}
      height={height}
      draw={(width) => {
        const x = linearScale([0, 1], [left, width - 24]);
        const y = linearScale([ticks[0]!, ticks.at(-1)!], [height - bottom, top]);
        return (
          <>
            <LeftAxis ticks={ticks} at={y} format={dollars} from={left} to={width - 24} />
            <line class="zero" x1={left} x2={width - 24} y1={y(0)} y2={y(0)} />
            <line class="curve" x1={x(0)} y1={y(net(0))} x2={x(1)} y2={y(net(1))} />
            {at !== undefined && at <= 1 && (
              <g class="cut">
                <line x1={x(at)} x2={x(at)} y1={top} y2={height - bottom} />
                <text x={x(at)} y={14} text-anchor={at > 0.6 ? 'end' : 'start'}>
                  pays from {share(at)}
                </text>
              </g>
            )}
            {hitShare !== undefined && (
              <g class="here">
                <circle cx={x(hitShare)} cy={y(net(hitShare))} r="6" />
                <text
                  x={x(hitShare) + (hitShare > 0.6 ? -10 : 10)}
                  y={y(net(hitShare)) + 16}
                  text-anchor={hitShare > 0.6 ? 'end' : 'start'}
                >
                  you are here
                </text>
              </g>
            )}
            <BottomAxis ticks={[0, 0.25, 0.5, 0.75, 1]} at={x} format={share} y={height - bottom} />
            <text class="bar-name" x={(left + width - 24) / 2} y={height - 6} text-anchor="middle">
              share of questions answered from the cache
            </text>
          </>
        );
      }}
      table={
        <Table
          label="Break-even"
          rows={[...points, ...(hitShare === undefined ? [] : [hitShare])].toSorted((a, b) => a - b)}
          keyOf={String}
          columns={[
            { name: 'Hits', cell: (hits) => (hits === hitShare ? `${share(hits)} (you)` : share(hits)) },
            { name: 'A month', kind: 'number', cell: (hits) => dollars(net(hits)) },
          ]}
        />
      }
    />
  );
}
