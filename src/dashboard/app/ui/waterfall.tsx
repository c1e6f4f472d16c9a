import { usd } from '../../model/format.ts';
import { linearScale, ticksOf } from '../../model/scale.ts';
import type { WaterfallStep } from '../../model/waterfall.ts';
import { Chart, LeftAxis } from './chart.tsx';
import { State } from './state.tsx';
import { Table } from './table.tsx';

const height = 260;
const left = 56;
const bottom = 40;
const top = 22;

const dollars = (value: number): string => usd(value * 1e6);

/** Levels stand on the ground; changes hang between the level before and the one after. */
export function Waterfall({ steps }: { readonly steps: readonly WaterfallStep[] }) {
  let sum = 0;
  const placed = steps.map((step) => {
    const from = step.kind === 'level' ? 0 : sum;
    sum = step.kind === 'level' ? step.usd : sum + step.usd;
    return { ...step, low: Math.min(from, sum), high: Math.max(from, sum) };
  });
  const ticks = ticksOf(Math.min(0, ...placed.map(({ low }) => low)), Math.max(...placed.map(({ high }) => high)), 4);
  const [first, last] = [steps[0]!, steps.at(-1)!];
  return (
    <Chart
      label="From a cloud to what was paid"
      summary={`From ${dollars(first.usd)} for the same answers on a cloud's GPUs to ${dollars(last.usd)} that were paid.`}
      height={height}
      draw={(width) => {
        const y = linearScale([ticks[0]!, ticks.at(-1)!], [height - bottom, top]);
        const step = (width - left - 8) / placed.length;
        const isNarrow = step < 96;
        return (
          <>
            <LeftAxis ticks={ticks} at={y} format={dollars} from={left} to={width - 8} />
            {placed.map(({ name, kind, usd: amount, low, high }, index) => {
              const x = left + index * step;
              const fill = kind === 'level' ? 'level' : amount < 0 ? 'saving' : 'adding';
              return (
                <g key={name}>
                  <rect
                    class={fill}
                    x={x + step * 0.12}
                    width={step * 0.76}
                    y={y(high)}
                    height={Math.max(1, y(low) - y(high))}
                  />
                  <text class="bar-value" x={x + step / 2} y={y(high) - 5} text-anchor="middle">
                    {step < 62 ? '' : `${kind === 'change' && amount > 0 ? '+' : ''}${dollars(amount)}`}
                  </text>
                  <text
                    class="bar-name"
                    x={x + step / 2}
                    y={height - bottom + (isNarrow && index % 2 === 1 ? 32 : 16)}
                    text-anchor="middle"
                  >
                    {isNarrow ? name.split(',')[0] : name}
                  </text>
                </g>
              );
            })}
          </>
        );
      }}
      table={
        <Table
          label="From a cloud to what was paid"
          rows={steps}
          keyOf={({ name }) => name}
          columns={[
            { name: 'Step', cell: ({ name }) => name },
            {
              name: 'Amount',
              kind: 'number',
              cell: ({ kind, usd: amount }) =>
                kind === 'level' ? (
                  dollars(amount)
                ) : (
                  <State tone={amount < 0 ? 'good' : 'warn'}>
                    {amount > 0 ? '+' : ''}
                    {dollars(amount)}
                  </State>
                ),
            },
            { name: 'What', cell: ({ says }) => says },
          ]}
        />
      }
    />
  );
}
