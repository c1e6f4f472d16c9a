/** A small line of what a figure did, with its limit. Said in words for those who do not see it. */
export interface SparkProps {
  readonly label: string;
  /** Oldest first; undefined leaves a gap. */
  readonly values: readonly (number | undefined)[];
  readonly limit?: number;
  readonly format: (value: number) => string;
}

const width = 240;
const height = 44;

export function Spark({ label, values, limit, format }: SparkProps) {
  const known = values.filter((value) => value !== undefined);
  if (known.length < 2) return null;
  const top = Math.max(...known) * 1.1 || 1;
  const x = (index: number) => (index / (values.length - 1)) * (width - 4) + 2;
  const y = (value: number) => height - 3 - (value / top) * (height - 6);
  const points = values.flatMap((value, index) =>
    value === undefined ? [] : [`${x(index).toFixed(1)},${y(value).toFixed(1)}`],
  );
  const said = `${label}: from ${format(Math.min(...known))} to ${format(Math.max(...known))}, ${format(known.at(-1)!)} at the end`;
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={said}>
      {limit !== undefined && limit < top && (
        <line class="spark-limit" x1="0" x2={width} y1={y(limit)} y2={y(limit)} vector-effect="non-scaling-stroke" />
      )}
      <polyline class="spark-line" points={points.join(' ')} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
