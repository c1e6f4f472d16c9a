/** D11 to D14, D17: whether it does its work, and for whom. */
import type { CallOptions } from '../../core/chat.ts';
import { fail, ok, skipped, warn, type Check, type Finding } from '../check.ts';

export interface ThinkerLook {
  readonly name: string;
  readonly kind: 'static' | 'simulated' | 'rented';
  readonly url: string;
  readonly slots: number;
  /** undefined: it answers. */
  readonly unreachable: string | undefined;
  readonly models: number;
  /** Answers a request without the bearer that it should ask for; undefined where none is configured. */
  readonly answersStrangers: boolean | undefined;
  /** By an address that others reach. */
  readonly exposedAt: string | undefined;
}

/** @param renting machines come when somebody asks */
export function checkThinkers(
  renting: boolean,
  look: (options: CallOptions) => Promise<readonly ThinkerLook[]>,
): Check {
  return {
    id: 'D11',
    look: async (options) => {
      const thinkers = await look(options);
      if (thinkers.length === 0)
        return renting
          ? ok('none now; machines are rented when somebody asks')
          : warn(
              'no Ollama answers here: answers would be simulated',
              'start an Ollama on this machine, list yours under `thinkers`, or rent GPUs: llm-self-host init',
            );
      const faults: { status: 'fail' | 'warn'; text: string; fix: string }[] = thinkers.flatMap((thinker) =>
        faultsOf(thinker),
      );
      const evidence = thinkers
        .map(({ name, models, slots }) => `${name} (${models} models, ${slots} at a time)`)
        .join(', ');
      if (faults.length === 0) return ok(evidence);
      const worst = faults.some(({ status }) => status === 'fail') ? fail : warn;
      return worst(faults.map(({ text }) => text).join('; '), faults.map(({ fix }) => fix).join('; '));
    },
  };
}

function faultsOf(thinker: ThinkerLook): { status: 'fail' | 'warn'; text: string; fix: string }[] {
  const { name, kind, url, slots, unreachable, models, answersStrangers, exposedAt } = thinker;
  if (unreachable !== undefined)
    return [
      {
        status: 'fail',
        text: `${name} at ${url} does not answer: ${unreachable}`,
        fix: `start Ollama there, or correct its url`,
      },
    ];
  const faults: { status: 'fail' | 'warn'; text: string; fix: string }[] = [];
  if (kind === 'simulated')
    faults.push({
      status: 'warn',
      text: 'answers are simulated',
      fix: 'start an Ollama here, list yours under `thinkers`, or rent: docs/setup.md',
    });
  if (models === 0)
    faults.push({
      status: 'fail',
      text: `${name} has no model`,
      fix: `llm-self-host needs one there: \`ollama pull llama3.2\` on the operator port`,
    });
  if (answersStrangers === true)
    faults.push({
      status: 'fail',
      text: `${name} answers without its bearer token`,
      fix: 'let its proxy ask for the token, or anyone uses your GPU',
    });
  if (exposedAt !== undefined)
    faults.push({
      status: 'fail',
      text: `the Ollama of this machine also answers at ${exposedAt}, to anyone who reaches it`,
      fix: 'start it with OLLAMA_HOST=127.0.0.1:11434',
    });
  if (slots === 1)
    faults.push({
      status: 'warn',
      text: `${name} is given one request at a time`,
      fix: 'raise its maxConcurrency, and OLLAMA_NUM_PARALLEL there, to 4 or more: a GPU answers several for little more than one',
    });
  return faults;
}

export interface AskedTwice {
  readonly model: string;
  readonly first: { readonly cache: string; readonly ms: number };
  readonly second: { readonly cache: string; readonly ms: number };
}

/** Hits are promised within this. */
const hitMaxMs = 100;

/** @param ask a new question, twice; undefined where no gateway runs */
export function checkAnswers(ask: ((options: CallOptions) => Promise<AskedTwice | string>) | undefined): Check {
  return {
    id: 'D12',
    look: async (options) => {
      if (ask === undefined) return skipped('no gateway runs on this data folder; start it: llm-self-host up');
      const asked = await ask(options);
      if (typeof asked === 'string') return skipped(asked);
      const { model, first, second } = asked;
      const evidence = `${model}: ${first.cache} in ${first.ms.toFixed(0)} ms, then ${second.cache} in ${second.ms.toFixed(1)} ms`;
      if (second.cache !== 'exact')
        return fail(evidence, 'the second should be `exact`: see cache.mode, and `llm-self-host why` for the reason');
      return second.ms > hitMaxMs
        ? warn(evidence, 'a stored answer should take less than 100 ms: is the machine busy?')
        : ok(evidence);
    },
  };
}

/** More is refused by the gateway's own bounds; it means that one of them is broken. */
const seriesMax = 2_000;

export function checkMetrics(scrape: ((options: CallOptions) => Promise<string>) | undefined): Check {
  return {
    id: 'D13',
    look: async (options) => {
      if (scrape === undefined) return skipped('no gateway runs on this data folder');
      const series = (await scrape(options)).split('\n').filter((line) => /^selfhost_\w+[{ ]/.test(line)).length;
      const evidence = `${series} series of at most ${seriesMax}`;
      if (series === 0) return fail(evidence, '/metrics on the operator port gives none; see its log');
      return series > seriesMax ? warn(evidence, 'tell us: labels should be bounded') : ok(evidence);
    },
  };
}

export interface AlertChannelLook {
  readonly name: string;
  readonly lastError: string | undefined;
}

export function checkAlerts(
  channels: ((options: CallOptions) => Promise<readonly AlertChannelLook[]>) | undefined,
  configured: number,
  test: ((options: CallOptions) => Promise<string>) | undefined,
): Check {
  return {
    id: 'D14',
    look: async (options): Promise<Finding> => {
      if (configured === 0)
        return warn(
          'nobody is told when something is wrong',
          'set alerts.channels: a webhook, Slack, Discord, ntfy or e-mail',
        );
      if (channels === undefined) return skipped(`${configured} configured; no gateway runs that could tell them`);
      const found = await channels(options);
      const broken = found.filter(({ lastError }) => lastError !== undefined);
      const evidence = found.map(({ name, lastError }) => `${name}: ${lastError ?? 'well'}`).join(', ');
      if (broken.length > 0) return fail(evidence, 'correct the channel, then: llm-self-host alerts test', test);
      return ok(evidence);
    },
  };
}

export interface Doors {
  readonly gatewayHost: string;
  readonly gatewayOpen: boolean;
  readonly gatewayKeyed: boolean;
  readonly adminHost: string;
  readonly adminOpen: boolean;
  readonly adminKeyed: boolean;
  readonly corsAny: boolean;
}

export function checkDoors(doors: Doors): Check {
  return {
    id: 'D17',
    look: async () => {
      const { gatewayHost, gatewayOpen, gatewayKeyed, adminHost, adminOpen, adminKeyed, corsAny } = doors;
      const evidence = `gateway on ${gatewayHost}${gatewayKeyed ? ', with keys' : ''}; operator port on ${adminHost}${adminKeyed ? ', with a key' : ''}`;
      if (gatewayOpen && !gatewayKeyed)
        return fail(
          evidence,
          'others reach the gateway without a key: llm-self-host keys create, or gateway.host 127.0.0.1',
        );
      if (adminOpen && !adminKeyed)
        return fail(evidence, 'others reach the operator port without a key: set SELFHOST_ADMIN_KEY');
      if (corsAny && !gatewayKeyed)
        return fail(
          `${evidence}; any web page may ask (gateway.corsOrigins is *)`,
          'name the pages in gateway.corsOrigins, or ask for keys',
        );
      if (adminOpen)
        return warn(
          `${evidence}, which others reach`,
          'keep it on 127.0.0.1 and use a tunnel, or put TLS in front: the key is sent in clear',
        );
      if (gatewayOpen)
        return warn(
          `${evidence}, which others reach`,
          'put TLS in front of it before it leaves a network that you trust',
        );
      return ok(evidence);
    },
  };
}
