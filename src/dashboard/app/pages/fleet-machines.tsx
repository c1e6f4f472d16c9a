/** Every machine that is there: what it is, what it costs, what it does, and how it came to that. */
import type { FleetMachine, FleetReport } from '../../../admin/admin-types.ts';
import { formatBytes, formatDuration } from '../../../core/format.ts';
import { clockTime, dash, share, usd, whole } from '../../model/format.ts';
import { isOperator } from '../api.ts';
import type { Held } from '../live.ts';
import { Card } from '../ui/card.tsx';
import { State, type Tone } from '../ui/state.tsx';
import { askToBlock } from './fleet-commands.tsx';

export function Machines({ fleet }: { readonly fleet: Held<FleetReport> }) {
  const { machines } = fleet.value;
  return (
    <Card id="machines" title="Machines" of={fleet} size="wide">
      {machines.length === 0 ? (
        <p class="soft">None is there, and none is billed.</p>
      ) : (
        <div class="machines">
          {machines.map((machine) => (
            <Machine key={machine.label} machine={machine} />
          ))}
        </div>
      )}
    </Card>
  );
}

function memoryOf({ vramUsedBytes, vramBytes }: FleetMachine): string {
  const used = vramUsedBytes === undefined ? dash : formatBytes(vramUsedBytes);
  return vramBytes === undefined ? used : `${used} of ${formatBytes(vramBytes)}`;
}

const billingTones: Readonly<Record<FleetMachine['billing'], Tone>> = { nothing: 'good', storage: 'warn', gpu: 'warn' };
const billingWords: Readonly<Record<FleetMachine['billing'], string>> = {
  nothing: 'not billed',
  storage: 'still billing: its disk',
  gpu: 'still billing: GPU',
};

function Machine({ machine }: { readonly machine: FleetMachine }) {
  const {
    instanceId,
    label,
    gpu,
    country,
    phase,
    phaseS,
    billing,
    pricePerHourUsd,
    billsPerHourUsd,
    spentUsd,
    inFlight,
    slots,
    tokensPerS,
    gpuUtilizationRatio,
  } = machine;
  return (
    <section class="machine" aria-label={`Machine ${instanceId ?? label}`}>
      <h3>
        {gpu} <span class="soft">{instanceId ?? label}</span>
      </h3>
      <p>
        <State tone={phase === 'ready' ? 'good' : 'warn'}>{phase}</State>{' '}
        <span class="soft">for {formatDuration(phaseS)}</span>
      </p>
      <p>
        <State tone={billingTones[billing]}>{billingWords[billing]}</State>
      </p>
      <dl class="facts">
        <dt>An hour</dt>
        <dd>
          {usd(billsPerHourUsd * 1e6)} now, {usd(pricePerHourUsd * 1e6)} running
        </dd>
        <dt>Spent</dt>
        <dd>
          {usd(spentUsd * 1e6)} in {formatDuration(machine.ageS)}
        </dd>
        <dt>Busy</dt>
        <dd>
          {inFlight} of {slots} slots
        </dd>
        <dt>Speed</dt>
        <dd>{tokensPerS === undefined ? dash : `${whole(tokensPerS)} tokens/s of a full batch`}</dd>
        <dt>GPU</dt>
        <dd>
          {share(gpuUtilizationRatio)} computing, {memoryOf(machine)} in use, as the market says
        </dd>
        <dt>Where</dt>
        <dd>
          {country || dash}, machine {machine.machineId}, host {machine.hostId}
        </dd>
        <dt>Why</dt>
        <dd>
          {machine.endReason === undefined ? machine.reason : `${machine.reason}; given back: ${machine.endReason}`}
        </dd>
      </dl>
      <details>
        <summary>How it came to this</summary>
        <ol class="timeline">
          {machine.timeline.map(({ at, phase: step, says }) => (
            <li key={`${at} ${step}`}>
              <time dateTime={new Date(at).toISOString()}>{clockTime(at)}</time> <strong>{step}</strong> {says}
            </li>
          ))}
        </ol>
      </details>
      {isOperator() && (
        <button type="button" onClick={() => askToBlock(machine)}>
          Never rent this again
        </button>
      )}
    </section>
  );
}
