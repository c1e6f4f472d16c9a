/** What an operator may do to the fleet: each asks first, and says what it costs. */
import type {
  FleetBlockRequest,
  FleetMachine,
  FleetReport,
  FleetStartRequest,
  FleetStopRequest,
} from '../../../admin/admin-types.ts';
import { dateTime, usd, whole } from '../../model/format.ts';
import { stillBilling } from '../../model/rentals.ts';
import { call, isOperator } from '../api.ts';
import { Card } from '../ui/card.tsx';
import { ask } from '../ui/confirm.tsx';
import { Table } from '../ui/table.tsx';
import type { Held } from '../live.ts';

export function FleetButtons({ fleet }: { readonly fleet: FleetReport }) {
  if (!isOperator()) return null;
  return (
    <div class="row">
      <button type="button" onClick={() => askToStart(fleet)}>
        {fleet.state === 'stopped' ? 'Start again' : 'Keep machines ready'}
      </button>
      <button type="button" onClick={() => askToDrain(fleet)}>
        Drain and stop
      </button>
      <button type="button" class="danger" onClick={() => askToKill(fleet)}>
        Stop everything now
      </button>
    </div>
  );
}

function askToStart(fleet: FleetReport): void {
  const draft = { workers: fleet.state === 'stopped' ? '0' : '1', hours: '1' };
  const price = fleet.nextPricePerHourUsd;
  ask({
    title: fleet.state === 'stopped' ? 'Start the fleet again?' : 'Keep machines ready?',
    effect: (
      <>
        <p>
          So many machines are kept for so long, whether or not anybody asks; 0 only ends a stop.{' '}
          {price === undefined
            ? 'The market has not been asked for a price yet.'
            : `A machine costs about ${usd(price * 1e6)} an hour now: one for an hour is that, two for four hours ${usd(price * 8e6)}.`}
        </p>
        <p>Caps hold: {capWords(fleet)}.</p>
        <div class="fields">
          <label>
            Machines
            <input
              type="number"
              min={0}
              max={100}
              step={1}
              defaultValue={draft.workers}
              onInput={({ currentTarget }) => (draft.workers = currentTarget.value)}
            />
          </label>
          <label>
            Hours
            <input
              type="number"
              min={0.01}
              max={720}
              step="any"
              defaultValue={draft.hours}
              onInput={({ currentTarget }) => (draft.hours = currentTarget.value)}
            />
          </label>
        </div>
      </>
    ),
    action: 'Start',
    run: async () => {
      const body: FleetStartRequest = { workers: Number(draft.workers), hours: Number(draft.hours) };
      await call('/api/fleet/start', { method: 'POST', body });
      return `The fleet keeps ${whole(body.workers)} machine${body.workers === 1 ? '' : 's'} for ${body.hours} h.`;
    },
  });
}

const capWords = ({ spend: { caps } }: FleetReport): string =>
  [
    [caps.perHourUsd, 'an hour'],
    [caps.perDayUsd, 'a day'],
    [caps.perMonthUsd, 'a month'],
  ]
    .flatMap(([cap, what]) => (typeof cap === 'number' ? [`${usd(cap * 1e6)} ${what}`] : []))
    .join(', ') || 'none is set';

const savingWords = (fleet: FleetReport): string => {
  const { machines, perHourUsd } = stillBilling(fleet);
  return machines === 0
    ? 'No machine is billed now.'
    : `${machines} machine${machines === 1 ? ' is' : 's are'} given back, which ends ${usd(perHourUsd * 1e6)} an hour.`;
};

function askToDrain(fleet: FleetReport): void {
  ask({
    title: 'Drain and stop?',
    effect: (
      <>
        <p>Running answers end first. {savingWords(fleet)}</p>
        <p>Nothing is rented until it is started again; stored answers go on, other questions are refused.</p>
      </>
    ),
    action: 'Drain and stop',
    run: () => stop('drain'),
  });
}

function askToKill(fleet: FleetReport): void {
  const running = fleet.machines.reduce((sum, { inFlight }) => sum + inFlight, 0);
  ask({
    title: 'Stop everything now?',
    effect: (
      <>
        <p>
          {savingWords(fleet)}{' '}
          {running === 0
            ? 'No answer is running.'
            : `${running} running answer${running === 1 ? ' is' : 's are'} cut off.`}
        </p>
        <p>
          Machines are destroyed with what is on them, until the market's list has none of them. Nothing is rented until
          it is started again.
        </p>
      </>
    ),
    action: 'Stop everything',
    tone: 'danger',
    typed: 'stop',
    run: () => stop('now'),
  });
}

async function stop(how: FleetStopRequest['how']): Promise<string> {
  const body: FleetStopRequest = { how };
  await call('/api/fleet/stop', { method: 'POST', body });
  return how === 'now' ? 'Every machine is being destroyed.' : 'Machines are given back when their answers have ended.';
}

export function askToBlock({ machineId, hostId, gpu, pricePerHourUsd }: FleetMachine): void {
  const draft: { kind: FleetBlockRequest['kind'] } = { kind: 'machine' };
  ask({
    title: 'Never rent this again?',
    effect: (
      <>
        <p>
          The {gpu} at {usd(pricePerHourUsd * 1e6)} an hour, machine {machineId} of host {hostId}, is not rented any
          more until it is unblocked. What runs there now goes on. The next best offer may cost more.
        </p>
        <div class="fields">
          <label>
            Block
            <select
              onChange={({ currentTarget }) => (draft.kind = currentTarget.value === 'host' ? 'host' : 'machine')}
            >
              <option value="machine">this machine</option>
              <option value="host">all machines of this host</option>
            </select>
          </label>
        </div>
      </>
    ),
    action: 'Block',
    run: async () => {
      const body: FleetBlockRequest = {
        kind: draft.kind,
        id: draft.kind === 'host' ? hostId : machineId,
        reason: 'blocked by an operator',
      };
      await call('/api/fleet/block', { method: 'POST', body });
      return `Blocked: ${draft.kind} ${body.id}.`;
    },
  });
}

export function Benched({ fleet }: { readonly fleet: Held<FleetReport> }) {
  const { benched } = fleet.value;
  if (benched.length === 0) return null;
  return (
    <Card id="benched" title="Not rented again" of={fleet} size="wide">
      <Table
        label="Not rented again"
        rows={benched}
        keyOf={({ kind, id }) => `${kind} ${id}`}
        columns={[
          { name: 'What', cell: ({ kind, id }) => `${kind} ${id}` },
          { name: 'Why', cell: ({ reason }) => <span class="text">{reason}</span> },
          { name: 'Strikes', kind: 'number', cell: ({ strikes }) => whole(strikes) },
          {
            name: 'Until',
            cell: ({ until }) => (until === undefined ? 'unblocked' : <span class="name">{dateTime(until)}</span>),
          },
          ...(isOperator()
            ? [
                {
                  name: 'Change',
                  cell: ({ kind, id }: FleetReport['benched'][number]) => (
                    <button
                      type="button"
                      aria-label={`Unblock ${kind} ${id}`}
                      onClick={() =>
                        ask({
                          title: `Unblock ${kind} ${id}?`,
                          effect: <p>It may be rented again, if it is the best offer then.</p>,
                          action: 'Unblock',
                          run: async () => {
                            const body: FleetBlockRequest = { kind, id };
                            await call('/api/fleet/unblock', { method: 'POST', body });
                            return 'It is unblocked.';
                          },
                        })
                      }
                    >
                      Unblock
                    </button>
                  ),
                },
              ]
            : []),
        ]}
      />
    </Card>
  );
}
