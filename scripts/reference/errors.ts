/** docs/reference/errors.md: what each error means and what to do about it. */
import { errorTable, type ErrorCode } from '../../src/core/errors.ts';

interface ErrorText {
  readonly meaning: string;
  /** What whoever meets it does now: an option, a command, or another request. */
  readonly remedy: string;
}

/** The compiler asks for a line here for every new code. */
export const errorTexts: Readonly<Record<ErrorCode, ErrorText>> = {
  bad_request: {
    meaning: 'The request is malformed; the message names the field.',
    remedy: 'Correct that field; [api.md](../api.md) has what each dialect takes.',
  },
  unsupported: {
    meaning: 'Understood, and not offered.',
    remedy: 'Leave the field out, or use what the message names in its place.',
  },
  unauthorized: {
    meaning: 'No key, or one that is not known.',
    remedy:
      'Send `Authorization: Bearer KEY` or `x-api-key: KEY`. `llm-self-host keys list` shows what is active, `keys create` makes one.',
  },
  operator_only: {
    meaning: 'A management route; use the operator port. Rented thinkers are not managed by hand.',
    remedy: 'Send it to the operator port (`OLLAMA_HOST=http://127.0.0.1:11436`), to a thinker of your own.',
  },
  forbidden: {
    meaning: 'A foreign page, a Host that is not this machine, or something that this key may not do.',
    remedy:
      'Add the page to `gateway.corsOrigins`; make API keys to be reached under other names; or use a key that may: the message says which it is.',
  },
  route_not_found: {
    meaning: 'No such route on this port.',
    remedy:
      'Look the path up in [api.md](../api.md). Models are asked on the gateway port, the rest is on the operator port.',
  },
  model_not_found: {
    meaning: 'No thinker has this model.',
    remedy: 'Pull it (`POST /api/pull` on the operator port), or name one of `GET /v1/models`.',
  },
  entry_not_found: {
    meaning: 'No such stored answer; it may have expired.',
    remedy: '`llm-self-host cache list` shows what is stored now.',
  },
  key_not_found: {
    meaning: 'There is no API key with that id.',
    remedy: '`llm-self-host keys list` shows the ids.',
  },
  request_not_found: {
    meaning: 'No such request among the last ones, or not yours.',
    remedy:
      'Ask soon after the answer: the last 1,000 requests are kept, until a restart. The ledger has the older ones, without texts.',
  },
  method_not_allowed: {
    meaning: 'The route does not take this method; `Allow` lists what it takes.',
    remedy: 'Send one of those.',
  },
  request_timeout: {
    meaning: 'The request body did not arrive in time (`gateway.bodyTimeoutMs`).',
    remedy: 'Look at the network between client and gateway, or raise `gateway.bodyTimeoutMs`.',
  },
  not_a_hit: {
    meaning: 'The answer did not come from the cache, so there is nothing to say about it.',
    remedy: 'Give feedback on answers whose `x-selfhost-cache` is `exact`, `semantic` or `coalesced`.',
  },
  body_too_large: {
    meaning: 'The body is larger than the route reads (`gateway.bodyBytesMax`).',
    remedy: 'Send less (smaller images, fewer turns), or raise `gateway.bodyBytesMax`.',
  },
  rate_limited: {
    meaning:
      'Too many requests of this tenant in flight (`admission.inFlightPerTenantMax`), the pace of its key is used up, or a second word on one stored answer within an hour.',
    remedy:
      'Wait for `Retry-After`. If it comes often, raise `admission.inFlightPerTenantMax`, or make a key with a higher limit.',
  },
  aborted: {
    meaning: 'The client left.',
    remedy: 'Nothing, unless your clients time out too early: give them more than the longest answer takes.',
  },
  internal: {
    meaning: 'A fault of ours; the log has the details.',
    remedy: 'Find the request id in the log, and report it with `llm-self-host doctor`.',
  },
  not_implemented: {
    meaning: 'Not offered: a route of Ollama’s such as cloud accounts, or a part that is not configured.',
    remedy: 'The message names the option that turns it on, if there is one.',
  },
  upstream_rejected: {
    meaning: 'The thinker refused the request itself; its status and words are kept.',
    remedy: 'Correct what those words name; it is the same when you ask that Ollama directly.',
  },
  upstream_failed: {
    meaning: 'The thinker could not be reached, or broke the connection.',
    remedy: 'Try again. If it lasts: `llm-self-host status`, and look whether that Ollama still runs.',
  },
  wrong_thinker_key: {
    meaning: 'Somebody else answers at the address of a rented thinker. Nothing is sent there.',
    remedy:
      'Nothing at once: the fleet gives that machine back. If it repeats, `llm-self-host fleet block` the machine.',
  },
  upstream_broken_stream: {
    meaning: 'The answer ended early or was malformed.',
    remedy:
      'Ask again; what came so far is not stored. If one thinker does it often, look into its log: its memory is the usual cause.',
  },
  upstream_busy: {
    meaning: 'The thinker’s own queue is full.',
    remedy: 'Set `maxConcurrency` of that entry of `thinkers` to what it really serves at once, or add a thinker.',
  },
  queue_full: {
    meaning: 'Our queue is full (`admission.queueMax`).',
    remedy:
      'Wait for `Retry-After`; add a thinker or raise `fleet.thinkersMax`. A longer `admission.queueMax` only makes waits longer.',
  },
  no_thinker_ready: {
    meaning: 'No thinker is ready for this model.',
    remedy:
      'Wait for `Retry-After` while one starts; else start your Ollama, or the fleet: `llm-self-host fleet start`. Stored answers go on.',
  },
  shutting_down: {
    meaning: 'The gateway is stopping.',
    remedy: 'Try again in a moment, or ask another gateway.',
  },
  timeout_connect: {
    meaning: 'No connection to the thinker in time (`timeouts.connectMs`).',
    remedy: 'Look whether its address in `thinkers` is right and its firewall open: `llm-self-host doctor`.',
  },
  timeout_first_token: {
    meaning: 'No first token in time (`timeouts.firstTokenWarmMs`, `timeouts.firstTokenColdMs`).',
    remedy:
      'Keep the model loaded (`keep_alive`), use a smaller one, or raise `timeouts.firstTokenColdMs` for large models.',
  },
  timeout_stall: {
    meaning: 'A silence inside the answer (`timeouts.stallMs`).',
    remedy: 'Ask again. If one thinker does it often, it is overloaded or dying: look at its GPU and its log.',
  },
  timeout_total: {
    meaning: 'The whole answer took too long (`timeouts.totalMs`).',
    remedy: 'Limit the output (`max_tokens`), or raise `timeouts.totalMs`.',
  },
  timeout_queue: {
    meaning: 'Waited too long for a thinker with room (`admission.queueWaitMaxMs`).',
    remedy: 'Wait for `Retry-After`; add a thinker or raise `fleet.thinkersMax`.',
  },
  cache_unavailable: {
    meaning: 'The store of answers has trouble; requests go on without it.',
    remedy: '`llm-self-host doctor` looks at disk and Redis. Try again once it is well.',
  },
  ledger_unavailable: {
    meaning: 'The ledger could not be read; requests go on, and what they cost is written when it can be.',
    remedy: 'Look at room and rights of the data folder (`dataDir`): `llm-self-host doctor`.',
  },
  embedding_failed: {
    meaning: 'The embedder has trouble; semantic lookups count as misses.',
    remedy:
      '`llm-self-host embedder check` for MiniLM; with `embedding.kind: endpoint`, look at that server. Exact hits go on.',
  },
  redis_unavailable: {
    meaning: 'Redis did not answer in time or cannot be reached; requests go on without it.',
    remedy: '`llm-self-host redis check` says what is wrong. Nothing needs a restart: it is tried again by itself.',
  },
  budget_exhausted: {
    meaning:
      'The cap on spending is reached. Cached answers go on; new questions wait for the next period or a higher cap.',
    remedy:
      'Wait for the next day or month, or raise the cap that the message names: `fleet.caps` for rented machines, `--usd-per-day` of a key.',
  },
  provider_unavailable: {
    meaning: 'The GPU market does not answer, or not in a way that can be trusted. Nothing is rented meanwhile.',
    remedy:
      'Wait: it is asked again by itself. Machines that run go on. `llm-self-host fleet status` shows since when.',
  },
  provider_refused: {
    meaning: 'The GPU market refuses: its key, the credit there, or what was asked for.',
    remedy:
      'Look at the key (`fleet.vast.keyFile`, its permissions) and the credit on the market’s own page, then `llm-self-host doctor`.',
  },
  offer_gone: {
    meaning: 'Somebody else has rented that machine.',
    remedy: 'Nothing: the next best offer is taken.',
  },
  config_invalid: {
    meaning: 'The configuration is refused at start; the message names the option.',
    remedy: 'Correct that option; [config.md](config.md) has what each takes, `config.example.yaml` its default.',
  },
};

export function errorsReference(): string {
  return [
    '# Errors',
    '',
    'One table behind every error. Each dialect words it in its own shape; the operator port sends',
    '`{"error":{"code","message"}}`, its management routes `{"error":"message","code"}`.',
    'Retry says whether the same request may succeed later. Outcome is the label in `selfhost_requests_total`.',
    '',
    '| code | status | retry | outcome | meaning | what to do |',
    '|---|---|---|---|---|---|',
    ...Object.entries(errorTable).map(([code, { status, retryable, outcome }]) => {
      const { meaning, remedy } = errorTexts[code as ErrorCode];
      return `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${outcome} | ${meaning} | ${remedy} |`;
    }),
    '',
  ].join('\n');
}
