import { usd } from '../../model/format.ts';
import { State } from './state.tsx';

export interface MeterProps {
  readonly label: string;
  /** USD. */
  readonly value: number;
  /** undefined: no cap. */
  readonly max: number | undefined;
}

const nearly = 0.8;

/** How much of a cap is used, in a bar and in words. */
export function Meter({ label, value, max }: MeterProps) {
  const part = max === undefined || max === 0 ? undefined : value / max;
  const tone = part === undefined || part < nearly ? 'good' : part < 1 ? 'warn' : 'bad';
  return (
    <div class="meter">
      <p>
        {label}: <strong>{usd(value * 1e6)}</strong>{' '}
        {part === undefined ? (
          <span class="soft">no cap</span>
        ) : (
          <State tone={tone}>
            {Math.round(part * 100)} % of {usd(max! * 1e6)}
          </State>
        )}
      </p>
      {part !== undefined && (
        <span class="bar" aria-hidden="true">
          <span class={`meter-${tone}`} style={{ width: `${Math.min(100, part * 100)}%` }} />
        </span>
      )}
    </div>
  );
}
