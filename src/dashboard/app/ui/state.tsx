import type { ComponentChildren } from 'preact';

export type Tone = 'good' | 'warn' | 'bad' | 'calm';

/** Shapes differ as well as colours. */
const marks: Readonly<Record<Tone, string>> = { good: '●', warn: '▲', bad: '■', calm: '○' };

export function State({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <span class={`state ${tone}`}>
      <span aria-hidden="true">{marks[tone]}</span> {children}
    </span>
  );
}
