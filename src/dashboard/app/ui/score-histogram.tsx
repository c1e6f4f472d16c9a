import { share, whole } from '../../model/format.ts';
import { binsOf, lowerEnd, type Bin, type Scored } from '../../model/histogram.ts';
import { linearScale, ticksOf } from '../../model/scale.ts';
import { BottomAxis, Chart, LeftAxis } from './chart.tsx';
import { Table } from './table.tsx';

export interface ScoreHistogramProps {
  readonly scored: readonly Scored[];
  /** What the values are. */
  readonly of: 'similarity' | 'probability';
  /** Smallest value that is served, where it is of these values. */
  readonly cut: number | undefined;
}

const height = 220;
const left = 40;
const top = 22;
const bottom = 24;
const binCount = 20;

/** Hits beside misses by their score, with the line between them. */
export function ScoreHistogram({ scored, of, cut }: ScoreHistogramProps) {
  const from = of === 'probability' ? 0 : lowerEnd(scored);
  const bins = binsOf(scored, { from, count: binCount });
  const hits = scored.filter(({ hit }) => hit).length;
  const most = Math.max(1, ...bins.map((bin) => bin.hits + bin.misses));
  const counts = ticksOf(0, most, 4).filter(Number.isInteger);
  const summary = `${whole(hits)} hits and ${whole(scored.length - hits)} misses by the ${of} of the closest stored question${
    cut === undefined ? '' : `; served from ${cut.toFixed(3)}`
  }.`;
  return (
    <Chart
      label="Scores"
      summary={summary}
      height={height}
      legend={[
        { name: 'hits', kind: 'fill-hit' },
        { name: 'misses', kind: 'fill-miss' },
      ]}
      draw={(width) => {
        const x = linearScale([from, 1], [left, width - 18]);
        const y = linearScale([0, counts.at(-1)!], [height - bottom, top]);
        return (
          <>
            <LeftAxis ticks={counts} at={y} format={whole} from={left} to={width - 18} />
            {bins.map((bin) => (
              <BinBars key={bin.from} bin={bin} x={x} y={y} />
            ))}
            <BottomAxis
              ticks={ticksOf(from, 1, width < 400 ? 3 : 5).filter((tick) => tick >= from)}
              at={x}
              format={(value) => value.toFixed(2)}
              y={height - bottom}
            />
            {cut !== undefined && (
              <g class="cut">
                <line x1={x(cut)} x2={x(cut)} y1={top - 4} y2={height - bottom} />
                <text x={x(cut)} y={12} text-anchor={x(cut) > width / 2 ? 'end' : 'start'}>
                  served from {cut.toFixed(3)}
                </text>
              </g>
            )}
          </>
        );
      }}
      table={
        <Table
          label="Scores"
          rows={bins.filter((bin) => bin.hits + bin.misses > 0)}
          keyOf={(bin) => String(bin.from)}
          empty="Nothing to count yet."
          columns={[
            {
              name: of === 'probability' ? 'Probability' : 'Similarity',
              cell: (bin) => `${bin.from.toFixed(3)} to ${bin.to.toFixed(3)}`,
            },
            { name: 'Hits', kind: 'number', cell: (bin) => whole(bin.hits) },
            { name: 'Misses', kind: 'number', cell: (bin) => whole(bin.misses) },
            { name: 'Share of hits', kind: 'number', cell: (bin) => share(bin.hits / (bin.hits + bin.misses)) },
          ]}
        />
      }
    />
  );
}

interface BinBarsProps {
  readonly bin: Bin;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

function BinBars({ bin, x, y }: BinBarsProps) {
  const width = Math.max(1, x(bin.to) - x(bin.from) - 2);
  const middle = y(bin.misses);
  return (
    <g>
      <rect class="fill-miss" x={x(bin.from) + 1} width={width} y={middle} height={y(0) - middle} />
      <rect
        class="fill-hit"
        x={x(bin.from) + 1}
        width={width}
        y={y(bin.misses + bin.hits)}
        height={middle - y(bin.misses + bin.hits)}
      />
    </g>
  );
}
