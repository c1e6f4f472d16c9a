/** A gateway whose traces go to a real OTLP/HTTP receiver on loopback. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startRig } from '../../test/journeys/harness.ts';
import { httpCall } from '../testing/http-call.ts';
import { startMessageReceiver, type MessageReceiver } from '../testing/message-receiver.ts';

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly events?: readonly { readonly name: string }[];
  readonly status: { readonly code?: number };
}

const model = 'llama3.2:3b';
const secretText = 'the colour of my secret door';
const body = (content: string) => ({ model, stream: false, messages: [{ role: 'user', content }] });

/** Asks, closes the gateway so that all spans are sent, and gives them back. */
async function traceOf(
  receiver: MessageReceiver,
  otlp: Readonly<Record<string, unknown>>,
  ask: (url: string) => Promise<void>,
): Promise<readonly OtlpSpan[]> {
  const from = receiver.received.length;
  const rig = await startRig({ config: { telemetry: { logLevel: 'silent', otlp: { url: receiver.url, ...otlp } } } });
  try {
    await ask(rig.url);
  } finally {
    await rig.close();
  }
  return receiver.received.slice(from).flatMap(({ path, json }) => {
    assert.equal(path, '/v1/traces');
    const { resourceSpans } = json as { resourceSpans: { scopeSpans: { schemaUrl: string; spans: OtlpSpan[] }[] }[] };
    return resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans, schemaUrl }) => {
        assert.equal(schemaUrl, 'https://opentelemetry.io/schemas/1.37.0');
        return spans;
      }),
    );
  });
}

const attribute = ({ attributes }: OtlpSpan, key: string): unknown => {
  const value = attributes.find((each) => each.key === key)?.value;
  return value === undefined ? undefined : Object.values(value)[0];
};

describe('traces', () => {
  let receiver: MessageReceiver;
  let folder: string;
  before(async () => {
    receiver = await startMessageReceiver();
    folder = await mkdtemp(join(tmpdir(), 'selfhost-otlp-'));
  });
  after(async () => {
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('has a span for the request and for each step, one after the other, and no word of its text', async () => {
    writeFileSync(join(folder, 'headers'), '# of the collector\nauthorization: Bearer collector-token\n');
    const spans = await traceOf(receiver, { headersFile: join(folder, 'headers') }, async (url) => {
      for (const _ of ['miss', 'hit']) {
        const reply = await httpCall(`${url}/api/chat`, { body: body(`What is ${secretText}?`) });
        assert.equal(reply.status, 200);
      }
    });
    assert.equal(receiver.received.at(-1)!.headers.authorization, 'Bearer collector-token');
    const roots = spans.filter(({ parentSpanId }) => !parentSpanId);
    assert.deepEqual(
      roots.map(({ name, kind }) => [name, kind]),
      [
        [`chat ${model}`, 2],
        [`chat ${model}`, 2],
      ],
    );
    const [miss, hit] = roots as [OtlpSpan, OtlpSpan];
    const below = (root: OtlpSpan) => spans.filter(({ parentSpanId }) => parentSpanId === root.spanId);
    assert.deepEqual(
      below(miss).map(({ name }) => name),
      ['cache.lookup', 'queue', 'thinker.call'],
    );
    assert.deepEqual(
      below(hit).map(({ name }) => name),
      ['cache.lookup'],
    );
    const [lookup, queue, call] = below(miss) as [OtlpSpan, OtlpSpan, OtlpSpan];
    assert.ok(spans.some(({ name, parentSpanId }) => name === 'cache.embed' && parentSpanId === lookup.spanId));
    const times = [miss, lookup, queue, call].map(({ startTimeUnixNano }) => BigInt(startTimeUnixNano));
    assert.deepEqual(
      times,
      times.toSorted((a, b) => Number(a - b)),
    );
    assert.equal(call.endTimeUnixNano, miss.endTimeUnixNano);
    assert.equal(attribute(call, 'gen_ai.provider.name'), 'ollama');
    assert.equal(attribute(call, 'gen_ai.request.model'), model);
    assert.ok(Number(attribute(call, 'gen_ai.usage.output_tokens')) > 0);
    assert.equal(attribute(call, 'gen_ai.response.finish_reasons'), '["stop"]');
    assert.equal(attribute(miss, 'selfhost.cache.result'), 'miss');
    assert.equal(attribute(hit, 'selfhost.cache.result'), 'exact');
    assert.equal(attribute(hit, 'gen_ai.usage.output_tokens'), undefined, 'no model worked for a hit');
    const sent = receiver.received.map((each) => each.body).join('');
    for (const word of [secretText, 'secret door', 'gen_ai.usage.cache_read', 'gen_ai.input.messages']) {
      assert.ok(!sent.includes(word), word);
    }
  });

  it('hangs under the span of a caller that traces itself, and follows its choice', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const spans = await traceOf(receiver, { sampleShare: 0 }, async (url) => {
      for (const traceparent of [
        `00-${traceId}-b7ad6b7169203331-01`,
        `00-${traceId}-b7ad6b7169203331-00`,
        'nonsense',
      ]) {
        await httpCall(`${url}/api/chat`, { body: body(`Hello ${traceparent}`), headers: { traceparent } });
      }
    });
    const roots = spans.filter(({ name }) => name === `chat ${model}`);
    assert.deepEqual(
      roots.map((root) => [root.traceId, root.parentSpanId]),
      [[traceId, 'b7ad6b7169203331']],
    );
  });

  it('marks what failed with the code of the failure', async () => {
    const spans = await traceOf(receiver, {}, async (url) => {
      const reply = await httpCall(`${url}/api/chat`, { body: { ...body('Hello'), model: 'not-here' } });
      assert.equal(reply.status, 404);
    });
    const root = spans.find(({ parentSpanId }) => !parentSpanId);
    assert.equal(root!.status.code, 2);
    assert.equal(attribute(root!, 'error.type'), 'model_not_found');
    assert.equal(attribute(root!, 'http.response.status_code'), 404);
  });

  it('costs no request and no stop when the collector is gone', async () => {
    const gone = await startMessageReceiver();
    await gone.close();
    const rig = await startRig({ config: { telemetry: { logLevel: 'silent', otlp: { url: gone.url } } } });
    try {
      assert.equal((await httpCall(`${rig.url}/api/chat`, { body: body('Hello') })).status, 200);
    } finally {
      await rig.close();
    }
  });
});

it('loads nothing of it when no traces are wanted', async () => {
  const { spawnSync } = await import('node:child_process');
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ resolve(specifier, context, next) { loaded.push(specifier); return next(specifier, context); } });
    const { startGateway } = await import('./src/main.ts');
    const { resolveConfig } = await import('./src/config/load.ts');
    const { silentLogger } = await import('./src/telemetry/logger.ts');
    const gateway = await startGateway(
      resolveConfig({ cache: { persist: false }, discovery: 'auto' },
        { SELFHOST_PORT: '0', SELFHOST_ADMIN_PORT: '0', SELFHOST_DATA_DIR: process.argv[1], OLLAMA_HOST: '127.0.0.1:1' }),
      { logger: silentLogger });
    await gateway.close({ graceMs: 0 });
    console.log(loaded.filter((name) => /opentelemetry|nodemailer/.test(name)).length, loaded.length > 100);
    process.exit(0);`;
  const folder = await mkdtemp(join(tmpdir(), 'selfhost-lazy-'));
  try {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program, folder], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.equal(stdout.trim(), '0 true', stderr);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
