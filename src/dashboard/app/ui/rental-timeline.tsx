import { formatDuration } from '../../../core/format.ts';
import { dateTime, dash, usd } from '../../model/format.ts';
import type { RentalSpan } from '../../model/rentals.ts';
import { linearScale } from '../../model/scale.ts';
import { Chart } from './chart.tsx';
import { Table } from './table.tsx';

const rowHeight = 26;
const top = 4;
const bottom = 24;
const hourMs = 3_600_000;

export interface RentalTimelineProps {
  readonly spans: readonly RentalSpan[];
  readonly from: number;
  readonly to: number;
}

/** Each machine as a line of time: hatched while it started, filled while it served. */
export function RentalTimeline({ spans, from, to }: RentalTimelineProps) {
  const ready = spans.filter(({ readyAt }) => readyAt !== undefined).length;
  const running = spans.filter(({ isOver }) => !isOver).length;
  return (
    <Chart
      label="Machines over time"
      summary={`${spans.length} ${spans.length === 1 ? 'machine' : 'machines'} in ${formatDuration((to - from) / 1000)}: ${ready} became ready, ${running} ${running === 1 ? 'is' : 'are'} there now.`}
      height={top + spans.length * rowHeight + bottom}
      legend={[
        { name: 'starting', kind: 'fill-miss' },
        { name: 'ready', kind: 'fill-hit' },
      ]}
      draw={(width) => {
        const x = linearScale([from, to], [4, width - 8]);
        const marks = timeMarks(from, to, Math.max(2, Math.floor(width / 130)));
        return (
          <>
            <g class="axis">
              {marks.map(({ at, name }) => (
                <g key={at}>
                  <line x1={x(at)} x2={x(at)} y1={top} y2={top + spans.length * rowHeight} />
                  <text x={x(at)} y={top + spans.length * rowHeight + 16} text-anchor="middle">
                    {name}
                  </text>
                </g>
              ))}
            </g>
            {spans.map(({ name, from: begin, readyAt, to: end }, index) => {
              const y = top + index * rowHeight + 4;
              const readyX = x(readyAt ?? end);
              return (
                <g key={name}>
                  <rect
                    class="fill-miss"
                    x={x(begin)}
                    y={y}
                    width={Math.max(2, readyX - x(begin))}
                    height={rowHeight - 10}
                  />
                  {readyAt !== undefined && (
                    <rect
                      class="fill-hit"
                      x={readyX}
                      y={y}
                      width={Math.max(2, x(end) - readyX)}
                      height={rowHeight - 10}
                    />
                  )}
                </g>
              );
            })}
          </>
        );
      }}
      table={
        <Table
          label="Machines over time"
          rows={spans}
          keyOf={({ name }) => name}
          columns={[
            { name: 'Machine', cell: ({ name }) => name },
            { name: 'GPU', cell: ({ gpu }) => gpu },
            { name: 'From', cell: ({ from: begin }) => <span class="name">{dateTime(begin)}</span> },
            {
              name: 'Ready',
              cell: ({ readyAt }) => (readyAt === undefined ? dash : <span class="name">{dateTime(readyAt)}</span>),
            },
            {
              name: 'Until',
              cell: ({ to: end, isOver }) => (isOver ? <span class="name">{dateTime(end)}</span> : 'now'),
            },
            { name: 'Came to', cell: ({ outcome }) => <span class="text">{outcome}</span> },
            { name: 'Spent', kind: 'number', cell: ({ spentUsd }) => usd(spentUsd * 1e6) },
          ]}
        />
      }
    />
  );
}

/** Round times of day, in the reader's zone. */
function timeMarks(from: number, to: number, most: number): { readonly at: number; readonly name: string }[] {
  const steps = [hourMs / 12, hourMs / 4, hourMs, 3 * hourMs, 6 * hourMs, 24 * hourMs];
  const step = steps.find((each) => (to - from) / each <= most) ?? steps.at(-1)!;
  const marks = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step)
    marks.push({ at, name: dateTime(at).slice(step >= 24 * hourMs ? 5 : 11, step >= 24 * hourMs ? 10 : 16) });
  return marks;
}
