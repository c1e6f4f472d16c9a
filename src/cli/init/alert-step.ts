import { checkUrl, type AlertKind, type Given } from './given.ts';
import type { ChannelOptions } from './outside.ts';
import type { AlertPlan } from './setup.ts';
import { secretIn, untilGood, type StepDeps } from './checked.ts';
import type { Ui } from './ui.ts';

/** One channel, and a message through it: a channel that nobody has seen work is none. */
export async function alertStep(given: Given, { ui, outside }: StepDeps): Promise<AlertPlan | undefined> {
  return untilGood(ui, given.alert !== undefined, async () => {
    const kind = given.alert ?? (await askKind(ui));
    if (kind === 'none') return undefined;
    const { channel, secret } = await channelOf(kind, given, ui);
    await outside.sendTestMessage(channel, secret);
    ui.say(`a test message was sent by ${kind}; look whether it is there`);
    return { kind, channel, secret };
  });
}

const askKind = (ui: Ui): Promise<AlertKind> =>
  ui.select<AlertKind>({
    message: 'Who is told when something needs a person?',
    options: [
      { value: 'none', label: 'Nobody yet', hint: 'alerts show on the operator page' },
      { value: 'slack', label: 'Slack', hint: 'URL of an incoming webhook' },
      { value: 'discord', label: 'Discord', hint: 'URL of a webhook' },
      { value: 'ntfy', label: 'ntfy', hint: 'a phone, by the name of a topic' },
      { value: 'webhook', label: 'A program of mine', hint: 'JSON to a URL' },
      { value: 'email', label: 'Email', hint: 'an SMTP server' },
    ],
    initial: 'none',
  });

async function channelOf(
  kind: Exclude<AlertKind, 'none'>,
  given: Given,
  ui: Ui,
): Promise<{ readonly channel: ChannelOptions; readonly secret: string | undefined }> {
  const secret = given.alertSecretFile && secretIn('--alert-secret-file', given.alertSecretFile);
  const needed = (
    value: string | undefined,
    message: string,
    example: string,
    check?: (text: string) => string | undefined,
  ) => (value === undefined ? ui.text({ message, example, ...(check && { check }) }) : Promise.resolve(value));
  switch (kind) {
    case 'slack':
    case 'discord':
      return {
        channel: { kind },
        secret: secret ?? (await ui.secret({ message: `URL of the ${kind} webhook`, check: checkUrl })),
      };
    case 'webhook':
      return {
        channel: { kind, url: await needed(given.alertUrl, 'URL to post to', 'https://ops.example/hook', checkUrl) },
        secret,
      };
    case 'ntfy': {
      const topic = await needed(given.alertTopic, 'Topic', 'my-gateway-8fj2', (text) =>
        /^[\w-]{1,64}$/.test(text) ? undefined : 'expected letters, digits, _ and -',
      );
      return { channel: { kind, topic, ...(given.alertUrl !== undefined && { url: given.alertUrl }) }, secret };
    }
    case 'email': {
      const host = await needed(given.smtpHost, 'SMTP server', 'smtp.example.com');
      const from = await needed(given.alertFrom, 'Sender', 'gateway@example.com');
      const to = await needed(given.alertTo, 'Receiver', 'you@example.com');
      const user =
        given.smtpUser ??
        (await ui.text({ message: 'User of the SMTP server (a relay that asks nobody: -)', initial: '-' }));
      const password = secret ?? (user === '-' ? undefined : await ui.secret({ message: `Password of ${user}` }));
      return {
        channel: { kind, host, from, to: [to], ...(user === '-' ? { security: 'none' } : { user }) },
        secret: password,
      };
    }
  }
}
