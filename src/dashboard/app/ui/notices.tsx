/** What came of an action, said once and read out. */
import { signal } from '@preact/signals';
import type { Tone } from './state.tsx';
import { State } from './state.tsx';

interface Notice {
  readonly id: number;
  readonly tone: Tone;
  readonly text: string;
}

const shownMax = 3;
const shownMs = 8_000;
const notices = signal<readonly Notice[]>([]);
let next = 0;

export function say(tone: Tone, text: string): void {
  const id = (next += 1);
  notices.value = [...notices.value, { id, tone, text }].slice(-shownMax);
  window.setTimeout(() => forget(id), shownMs);
}

const forget = (id: number): void => void (notices.value = notices.value.filter((each) => each.id !== id));

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, tone, text }) => (
        <p key={id} class="notice">
          <State tone={tone}>{text}</State>
          <button type="button" aria-label="Dismiss" onClick={() => forget(id)}>
            ×
          </button>
        </p>
      ))}
    </div>
  );
}
