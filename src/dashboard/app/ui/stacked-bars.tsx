/** Sums over time, each bar in its parts. */
import { linearScale, ticksOf } from '../../model/scale.ts';
import { Chart, LeftAxis } from './chart.tsx';
import { Table } from './table.tsx';

export interface StackedBar {
  /** Under the bar, where there is room. */
  readonly name: string;
  readonly parts: readonly number[];
}

export interface StackedBarsProps {
  readonly label: string;
  readonly summary: string;
  /** What the first column of the table is. */
  readonly of: string;
  readonly series: readonly string[];
  readonly bars: readonly StackedBar[];
  readonly format: (value: number) => string;
}

const height = 220;
const left = 56;
const bottom = 24;
const top = 8;

export function StackedBars({ label, summary, of, series, bars, format }: StackedBarsProps) {
  const sums = bars.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0));
  const ticks = ticksOf(0, Math.max(...sums, 0), 4);
  // Series without a value anywhere are no part of the picture.
  const shown = series.flatMap((name, index) => (bars.some(({ parts }) => parts[index]! > 0) ? [{ name, index }] : []));
  return (
    <Chart
      label={label}
      summary={summary}
      height={height}
      legend={shown.map(({ name, index }) => ({ name, kind: `series-${index + 1}` }))}
      draw={(width) => {
        const y = linearScale([0, ticks.at(-1)!], [height - bottom, top]);
        const step = (width - left - 8) / Math.max(1, bars.length);
        const every = Math.ceil(56 / step);
        return (
          <>
            <LeftAxis ticks={ticks} at={y} format={format} from={left} to={width - 8} />
            {bars.map(({ name, parts }, index) => {
              let sum = 0;
              const x = left + index * step + step * 0.1;
              return (
                <g key={name}>
                  {parts.map((part, series) => {
                    sum += part;
                    return part > 0 ? (
                      <rect
                        key={series}
                        class={`series-${series + 1}`}
                        x={x}
                        width={Math.max(1, step * 0.8)}
                        y={y(sum)}
                        height={Math.max(0, y(sum - part) - y(sum))}
                      />
                    ) : null;
                  })}
                  {index % every === 0 && (
                    <text class="bar-name" x={x + step * 0.4} y={height - 6} text-anchor="middle">
                      {name}
                    </text>
                  )}
                </g>
              );
            })}
          </>
        );
      }}
      table={
        <Table
          label={label}
          rows={bars.map((bar, index) => ({ ...bar, sum: sums[index]! }))}
          keyOf={({ name }) => name}
          empty="Nothing yet."
          columns={[
            { name: of, cell: ({ name }) => name },
            ...shown.map(({ name, index }) => ({
              name,
              kind: 'number' as const,
              cell: ({ parts }: StackedBar) => format(parts[index]!),
            })),
            { name: 'Sum', kind: 'number' as const, cell: ({ sum }) => format(sum) },
          ]}
        />
      }
    />
  );
}
