/** Five questions, and what came in a moment ago. */
import type { StatusReport } from '../../../admin/admin-types.ts';
import { formatDuration, formatMs } from '../../../core/format.ts';
import { share, whole } from '../../model/format.ts';
import { firstTokenPace, hitPace, type Pace } from '../../model/latency.ts';
import { servingState } from '../../model/serving.ts';
import { requests, useTopic, type Held } from '../live.ts';
import { Card, Figure, Waiting } from '../ui/card.tsx';
import { RequestTable } from '../ui/request-table.tsx';
import { Spark } from '../ui/spark.tsx';
import { State } from '../ui/state.tsx';

const tapeLength = 12;

export function NowPage() {
  const status = useTopic<StatusReport>('status');
  return (
    <>
      <h1 tabIndex={-1}>Now</h1>
      <div class="cards">
        <IsItUp status={status} />
        <IsItFast />
        <IsItSaving status={status} />
        <Tape />
      </div>
    </>
  );
}

interface OfStatus {
  readonly status: Held<StatusReport> | undefined;
}

function IsItUp({ status }: OfStatus) {
  if (status === undefined) return <Waiting id="up" title="Is it up?" />;
  const { value } = status;
  const state = servingState(value);
  const { traffic } = value;
  return (
    <Card id="up" title="Is it up?" of={status}>
      <p class="verdict">
        <State tone={state.tone}>{state.word}</State>
      </p>
      <p class="soft">{state.why}</p>
      <dl class="figures">
        <Figure label="Running since" value={formatDuration(value.uptimeS)} basis={`version ${value.version}`} />
        <Figure
          label="Failed"
          value={whole(traffic.errors)}
          basis={`of ${whole(traffic.requests)} requests since start`}
        />
        <Figure
          label="Right now"
          value={`${whole(traffic.inFlight)} running`}
          basis={`${whole(traffic.waiting)} waiting for a thinker`}
        />
      </dl>
    </Card>
  );
}

/** What the product promises. */
const hitMsMax = 100;
const firstTokenMsMax = 5_000;

function IsItFast() {
  const known = requests.value;
  if (known === undefined) return <Waiting id="fast" title="Is it fast?" />;
  return (
    <Card id="fast" title="Is it fast?" of={known}>
      <dl class="figures">
        <PaceFigure label="Hits, p95" pace={hitPace(known.value)} limitMs={hitMsMax} what="hits" />
        <PaceFigure
          label="First token of a thinker, p95"
          pace={firstTokenPace(known.value)}
          limitMs={firstTokenMsMax}
          what="answers"
        />
      </dl>
    </Card>
  );
}

interface PaceFigureProps {
  readonly label: string;
  readonly pace: Pace;
  readonly limitMs: number;
  readonly what: string;
}

function PaceFigure({ label, pace, limitMs, what }: PaceFigureProps) {
  const { p95Ms, n, parts } = pace;
  const isKept = p95Ms !== undefined && p95Ms < limitMs;
  return (
    <Figure
      label={label}
      value={p95Ms === undefined ? undefined : formatMs(p95Ms)}
      basis={
        n === 0 ? `no ${what} among the last 1,000 requests` : `of ${whole(n)} ${what} among the last 1,000 requests`
      }
    >
      {p95Ms !== undefined && (
        <State tone={isKept ? 'good' : 'bad'}>
          {isKept ? 'within' : 'over'} {formatMs(limitMs)}
        </State>
      )}
      <Spark label={label} values={parts} limit={limitMs} format={formatMs} />
    </Figure>
  );
}

function IsItSaving({ status }: OfStatus) {
  if (status === undefined) return <Waiting id="saving" title="Is it saving?" />;
  const { traffic, cache } = status.value;
  const { exact, semantic, coalesced } = traffic.hits;
  const hits = exact + semantic + coalesced;
  const wrong = cache.semantic?.falseHitShare;
  return (
    <Card id="saving" title="Is it saving?" of={status}>
      <dl class="figures">
        <Figure
          label="Answered without a thinker"
          value={traffic.hitShare === undefined ? undefined : share(traffic.hitShare)}
          basis={`${whole(hits)} of ${whole(hits + traffic.misses)} that could be, since start: ${whole(exact)} exact, ${whole(semantic)} semantic, ${whole(coalesced)} shared`}
        />
        <Figure
          label="Wrong semantic hits"
          value={wrong?.estimate === undefined ? undefined : `at most ${share(wrong.high)}`}
          basis={
            wrong?.estimate === undefined
              ? 'not measured: no hit was audited'
              : `${whole(wrong.wrong)} wrong of ${whole(wrong.audited)} audited; 95 %: ${share(wrong.low)} to ${share(wrong.high)}`
          }
        />
        <Figure label="Tokens not made again" value={whole(traffic.tokensSaved)} basis="since start" />
      </dl>
    </Card>
  );
}

function Tape() {
  const known = requests.value;
  if (known === undefined) return <Waiting id="tape" title="Requests as they finish" />;
  return (
    <Card id="tape" title="Requests as they finish" of={known} size="wide">
      <RequestTable
        label="Last requests"
        records={known.value.slice(0, tapeLength)}
        empty="None yet. Ask it something, twice: the second answer comes from the cache."
      />
      <p>
        <a href="/requests">All requests, with filters</a>
      </p>
    </Card>
  );
}
