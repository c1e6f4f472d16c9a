/** One sum in its parts, side by side; the list under it has the same in words. */
export interface SplitBarProps {
  readonly label: string;
  readonly parts: readonly { readonly name: string; readonly value: number }[];
  readonly format: (value: number) => string;
}

export function SplitBar({ label, parts, format }: SplitBarProps) {
  const sum = parts.reduce((total, { value }) => total + value, 0);
  const shown = parts.map((part, index) => ({ ...part, series: index + 1 })).filter(({ value }) => value > 0);
  if (sum <= 0) return null;
  return (
    <div class="split">
      <div class="split-bar" aria-hidden="true">
        {shown.map(({ name, value, series }) => (
          <span key={name} class={`back-${series}`} style={{ width: `${(value / sum) * 100}%` }} />
        ))}
      </div>
      <ul class="legend" aria-label={label}>
        {shown.map(({ name, value, series }) => (
          <li key={name}>
            <span class={`swatch back-${series}`} aria-hidden="true" /> {name} {format(value)} (
            {Math.round((value / sum) * 100)} %)
          </li>
        ))}
      </ul>
    </div>
  );
}
