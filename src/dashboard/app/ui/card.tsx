/** One question and its answer, with the time at which it held. */
import type { ComponentChildren } from 'preact';
import { isStale, tick, type Held } from '../live.ts';
import { clockTime } from '../../model/format.ts';

export interface CardProps {
  readonly id: string;
  readonly title: string;
  /** What the card shows is of this; none for what does not change. */
  readonly of?: Held<unknown> | undefined;
  /** `wide`: the whole row; `broad`: two columns where there are some. */
  readonly size?: 'wide' | 'broad';
  readonly children: ComponentChildren;
}

export function Card({ id, title, of, size, children }: CardProps) {
  const stale = isStale(of);
  return (
    <section class={size === undefined ? 'card' : `card ${size}`} aria-labelledby={`${id}-title`} data-stale={stale}>
      <div class="card-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {of !== undefined && <AsOf of={of} isOld={stale} />}
      </div>
      <div id={id} class="card-body">
        {of?.trouble !== undefined && <p class="bad-text">▲ {of.trouble}</p>}
        {children}
      </div>
    </section>
  );
}

function AsOf({ of, isOld }: { readonly of: Held<unknown>; readonly isOld: boolean }) {
  const time = <time dateTime={new Date(of.at).toISOString()}>{clockTime(of.at)}</time>;
  if (!isOld) return <p class="as-of">as of {time}</p>;
  return (
    <p class="as-of warn-text">
      ▲ stale: as of {time}, {Math.round((tick.value - of.heardAtMs) / 1000)} s ago
    </p>
  );
}

/** A figure never stands alone: what it is, of how many, over which time. */
export interface FigureProps {
  readonly label: string;
  /** undefined: there is no data, shown as a dash. */
  readonly value: ComponentChildren | undefined;
  readonly basis?: ComponentChildren;
  readonly children?: ComponentChildren;
}

export function Figure({ label, value, basis, children }: FigureProps) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        <span class="value">{value ?? <span title="no data">–</span>}</span>
        {children}
        {basis !== undefined && <span class="basis">{basis}</span>}
      </dd>
    </div>
  );
}

/** Before the first facts. */
export function Waiting({ id, title, size }: Pick<CardProps, 'id' | 'title' | 'size'>) {
  return (
    <Card id={id} title={title} {...(size && { size })}>
      <p class="soft">waiting for the first facts …</p>
    </Card>
  );
}
