/** What every chart has: its own width, a sentence of what it shows, and a table of the same numbers. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export interface ChartProps {
  readonly label: string;
  /** What it shows, in a sentence. */
  readonly summary: string;
  readonly height: number;
  readonly legend?: readonly { readonly name: string; readonly kind: string }[];
  readonly draw: (width: number) => ComponentChildren;
  /** The same numbers as a table. */
  readonly table: ComponentChildren;
}

const narrowest = 220;

export function Chart({ label, summary, height, legend, draw, table }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      width.value = Math.max(narrowest, Math.floor(entry!.contentRect.width));
    });
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  return (
    <figure class="chart">
      <figcaption>{summary}</figcaption>
      {legend !== undefined && (
        <ul class="legend" aria-hidden="true">
          {legend.map(({ name, kind }) => (
            <li key={name}>
              <svg width="14" height="14">
                <rect class={kind} width="14" height="14" />
              </svg>{' '}
              {name}
            </li>
          ))}
        </ul>
      )}
      <div ref={box} style={{ height: `${height}px` }}>
        {width.value > 0 && (
          <svg width={width.value} height={height} role="img" aria-label={`${label}: ${summary}`}>
            <Hatches />
            {draw(width.value)}
          </svg>
        )}
      </div>
      <details>
        <summary>The numbers as a table</summary>
        {table}
      </details>
    </figure>
  );
}

/** Series differ by pattern as well as by colour. */
function Hatches() {
  return (
    <defs>
      <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect class="hatch-ground" width="6" height="6" />
        <rect class="hatch-line" width="3" height="6" />
      </pattern>
    </defs>
  );
}

export interface AxisProps {
  readonly ticks: readonly number[];
  readonly at: (value: number) => number;
  readonly format: (value: number) => string;
}

/** Numbers under the drawing. */
export function BottomAxis({ ticks, at, format, y }: AxisProps & { readonly y: number }) {
  return (
    <g class="axis">
      {ticks.map((tick) => (
        <text key={tick} x={at(tick)} y={y + 16} text-anchor="middle">
          {format(tick)}
        </text>
      ))}
    </g>
  );
}

/** Lines across the drawing, with their numbers at the left. */
export function LeftAxis({ ticks, at, format, from, to }: AxisProps & { readonly from: number; readonly to: number }) {
  return (
    <g class="axis">
      {ticks.map((tick) => (
        <g key={tick}>
          <line x1={from} x2={to} y1={at(tick)} y2={at(tick)} />
          <text x={from - 6} y={at(tick) + 4} text-anchor="end">
            {format(tick)}
          </text>
        </g>
      ))}
    </g>
  );
}
