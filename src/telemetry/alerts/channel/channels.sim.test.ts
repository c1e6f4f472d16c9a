import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { epochMs } from '../../../core/units.ts';
import { startMessageReceiver, type MessageReceiver } from '../../../testing/message-receiver.ts';
import { startSmtpServer, type SmtpServer, type SmtpServerOptions } from '../../../testing/smtp-server.ts';
import { ChannelError, type AlertMessage, type Channel } from '../channel.ts';
import { createDiscordChannel } from './discord.ts';
import { createEmailChannel, type EmailOptions } from './email.ts';
import { createNtfyChannel } from './ntfy.ts';
import { createSlackChannel } from './slack.ts';
import { createWebhookChannel } from './webhook.ts';

const message: AlertMessage = {
  key: 'CacheDown',
  id: 'id-1',
  status: 'firing',
  level: 'page',
  title: 'CacheDown',
  summary: 'Redis <does> not answer & so on — größer.',
  action: 'Check it.',
  runbook: 'docs/runbook.md#cachedown',
  detail: 'Value: 0',
  since: epochMs(1_767_225_600_000),
  at: epochMs(1_767_225_660_000),
  source: 'gateway-1',
};
const signal = new AbortController().signal;
/** A message may be tried for as long as a busy machine needs. */
const timeoutMs = 20_000;

async function withReceiver(use: (receiver: MessageReceiver) => Promise<void>): Promise<void> {
  const receiver = await startMessageReceiver();
  try {
    await use(receiver);
  } finally {
    await receiver.close();
  }
}

async function failure(channel: Channel, options = { signal }): Promise<ChannelError> {
  const error: unknown = await channel.send(message, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ChannelError, String(error));
  return error;
}

describe('webhook', () => {
  it('posts every fact as JSON, signed with the secret', async () =>
    withReceiver(async (receiver) => {
      await createWebhookChannel({ url: `${receiver.url}/hook?a=1`, secret: 'key' }).send(message, { signal });
      const [got] = receiver.received;
      assert.equal(`${got!.method} ${got!.path}`, 'POST /hook?a=1');
      assert.deepEqual(got!.json, { version: 1, ...message });
      assert.equal(got!.headers['idempotency-key'], 'id-1');
      const signature = createHmac('sha256', 'key').update(got!.body).digest('hex');
      assert.equal(got!.headers['x-selfhost-signature'], `sha256=${signature}`);
    }));

  it('says what can be tried again, how long to wait, and never the address', async () =>
    withReceiver(async (receiver) => {
      const channel = createWebhookChannel({ url: `${receiver.url}/secret-path`, secret: undefined });
      receiver.answer(
        { status: 503, body: 'over\nload' },
        { status: 429, headers: { 'retry-after': '7' } },
        { status: 404 },
        { status: 302, headers: { location: '/elsewhere' } },
      );
      const errors = [await failure(channel), await failure(channel), await failure(channel), await failure(channel)];
      assert.deepEqual(
        errors.map(({ retryable, retryAfterMs }) => [retryable, retryAfterMs]),
        [
          [true, undefined],
          [true, 7000],
          [false, undefined],
          [false, undefined],
        ],
      );
      assert.match(errors[0]!.message, /^127\.0\.0\.1:\d+ answered 503: over load$/);
      assert.equal(receiver.received.length, 4, 'no redirect was followed');
      await receiver.close();
      const unreachable = await failure(channel);
      assert.equal(unreachable.retryable, true);
      assert.match(unreachable.message, /ECONNREFUSED|UND_ERR_SOCKET|ECONNRESET/);
      for (const error of [...errors, unreachable]) assert.ok(!error.message.includes('secret-path'), error.message);
    }));

  it('gives up on silence when told to', async () =>
    withReceiver(async (receiver) => {
      receiver.answer('silent');
      const limit = new AbortController();
      const failed = failure(createWebhookChannel({ url: receiver.url, secret: undefined }), { signal: limit.signal });
      while (receiver.received.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      limit.abort();
      assert.match((await failed).message, /no answer in time/);
    }));
});

describe('chats and phones', () => {
  it('writes to Slack in its own marks, with its signs escaped', async () =>
    withReceiver(async (receiver) => {
      await createSlackChannel({ url: `${receiver.url}/services/T/B/x` }).send(message, { signal });
      const text = String(receiver.received[0]!.json['text']);
      assert.ok(text.startsWith('*[page] CacheDown*\nRedis &lt;does&gt; not answer &amp; so on — größer.\n'), text);
      assert.ok(text.includes('What to do: Check it.') && text.includes('Runbook: docs/runbook.md#cachedown'), text);
    }));

  it('writes to Discord in an embed that calls nobody', async () =>
    withReceiver(async (receiver) => {
      const channel = createDiscordChannel({ url: receiver.url });
      await channel.send({ ...message, summary: '@everyone '.repeat(1000) }, { signal });
      await channel.send({ ...message, status: 'resolved' }, { signal });
      const [first, second] = receiver.received.map(
        ({ json }) => json as { allowed_mentions: object; embeds: Embed[] },
      );
      assert.deepEqual(first!.allowed_mentions, { parse: [] });
      assert.equal(first!.embeds[0]!.description.length, 4096);
      assert.equal(second!.embeds[0]!.title, '[resolved] CacheDown');
      assert.notEqual(second!.embeds[0]!.color, first!.embeds[0]!.color);
      assert.ok(!second!.embeds[0]!.description.includes('What to do'));
    }));

  it('writes to ntfy with the urgency of the message and the token', async () =>
    withReceiver(async (receiver) => {
      const channel = createNtfyChannel({ url: `${receiver.url}/`, topic: 'gpu', token: 'tk_1' });
      await channel.send(message, { signal });
      await channel.send({ ...message, level: 'warn' }, { signal });
      const [page, warn] = receiver.received;
      assert.equal(page!.path, '/');
      assert.equal(page!.headers.authorization, 'Bearer tk_1');
      assert.equal(page!.json['topic'], 'gpu');
      assert.deepEqual([page!.json['priority'], warn!.json['priority']], [5, 3]);
      assert.match(String(page!.json['message']), /größer/);
    }));
});

interface Embed {
  readonly title: string;
  readonly description: string;
  readonly color: number;
}

describe('e-mail', () => {
  const account = { user: 'gateway@example.com', password: 'päss word' };

  async function withServer(
    options: SmtpServerOptions,
    over: Partial<EmailOptions>,
    use: (server: SmtpServer, channel: Channel) => Promise<void>,
  ): Promise<void> {
    const server = await startSmtpServer(options);
    const channel = createEmailChannel({
      host: '127.0.0.1',
      port: server.port,
      security: 'starttls',
      user: account.user,
      password: account.password,
      from: 'gateway@example.com',
      to: ['a@example.com', 'b@example.com'],
      timeoutMs,
      ca: server.ca,
      ...over,
    });
    try {
      await use(server, channel);
    } finally {
      channel.close();
      await server.close();
    }
  }

  it('sends over STARTTLS, signed in, to everybody', async () =>
    withServer({ startTls: true, account }, {}, async (server, channel) => {
      await channel.send(message, { signal });
      const [mail] = server.mails;
      assert.equal(mail!.secure, true);
      assert.equal(mail!.user, account.user);
      assert.deepEqual(mail!.to, ['a@example.com', 'b@example.com']);
      assert.match(mail!.source, /^Subject: \[page\] CacheDown$/m);
      assert.match(mail!.source, /^Message-ID: <id-1@llm-self-host>$/m);
      assert.match(mail!.source, /What to do: Check it\./);
    }));

  it('sends nothing, no password either, to a server without STARTTLS', async () =>
    withServer({ account }, {}, async (server, channel) => {
      await failure(channel);
      assert.equal(server.mails.length, 0);
    }));

  it('refuses a certificate that it does not know', async () =>
    withServer({ startTls: true, account }, { ca: '' }, async (server, channel) => {
      await failure(channel);
      assert.equal(server.mails.length, 0);
    }));

  it('does not try a wrong password again, and tells no password', async () =>
    withServer({ startTls: true, account }, { password: 'wrong-one' }, async (_, channel) => {
      const error = await failure(channel);
      assert.equal(error.retryable, false);
      assert.ok(!error.message.includes('wrong-one'));
    }));

  it('tries again what the server puts off, and not what it refuses', async () =>
    withServer({}, { security: 'none', user: undefined }, async (server, channel) => {
      server.refuse('451 later', '550 never');
      assert.equal((await failure(channel)).retryable, true);
      const refused = await failure(channel);
      assert.equal(refused.retryable, false);
      assert.match(refused.message, /answered 550/);
      await channel.send(message, { signal });
      assert.equal(server.mails.length, 1);
    }));
});
