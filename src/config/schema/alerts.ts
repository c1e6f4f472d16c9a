import { z } from 'zod';

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day such as 22:00');
const timeZone = z.string().refine((name) => {
  try {
    Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}, 'expected a time zone such as UTC or Europe/Berlin');

/** What each kind cannot do without. */
const needed = {
  webhook: ['url'],
  slack: [],
  discord: [],
  ntfy: ['topic'],
  email: ['host', 'from', 'to'],
} as const;
/** Their secret is the URL they post to. */
const secretKinds: readonly string[] = ['slack', 'discord'];

const channel = z
  .strictObject({
    kind: z
      .enum(['webhook', 'slack', 'discord', 'ntfy', 'email'])
      .describe('Where messages go: a program of yours, a chat, a phone, a mailbox.'),
    name: z.string().min(1).max(64).optional().describe('For people; default: the kind.'),
    levelMin: z
      .enum(['warn', 'ticket', 'page'])
      .default('warn')
      .describe('The least urgent messages it gets: `warn` before the fact, `ticket` for the morning, `page` at once.'),
    secretFile: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File with its secret: the URL of the webhook for `slack` and `discord`, the access token for `ntfy`, the password for `email`, the key that signs for `webhook`.',
      ),
    secretEnv: z.string().min(1).optional().describe('Environment variable with that secret, in place of the file.'),
    url: z
      .url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' })
      .optional()
      .describe('`webhook`: where to post. `ntfy`: your own server, else https://ntfy.sh.'),
    topic: z
      .string()
      .regex(/^[\w-]{1,64}$/, 'expected letters, digits, _ and -')
      .optional()
      .describe('`ntfy`: topic; whoever knows the name of an open one can read it.'),
    host: z.string().min(1).optional().describe('`email`: SMTP server.'),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('`email`: default 465 for `tls`, 587 for `starttls`, else 25.'),
    security: z
      .enum(['tls', 'starttls', 'none'])
      .default('starttls')
      .describe('`email`: `none` only for a relay that you trust the way to.'),
    user: z.string().min(1).optional().describe('`email`: who signs in; none for a relay that asks nobody.'),
    from: z.string().min(3).optional().describe('`email`: sender.'),
    to: z.array(z.string().min(3)).max(20).optional().describe('`email`: receivers.'),
  })
  .superRefine((value, context) => {
    const missing = needed[value.kind].filter((field) => value[field] === undefined);
    for (const field of missing) {
      context.addIssue({ code: 'custom', path: [field], message: `a channel of kind ${value.kind} needs it` });
    }
    if (secretKinds.includes(value.kind) && value.secretFile === undefined && value.secretEnv === undefined) {
      const message = `a channel of kind ${value.kind} needs the URL of its webhook, in secretFile or secretEnv`;
      context.addIssue({ code: 'custom', path: ['secretFile'], message });
    }
  });

/** Who is told when something needs a person. */
export const alertsSection = z
  .strictObject({
    channels: z
      .array(channel)
      .max(16)
      .default([])
      .describe('Who is told. Without one, alerts show on the operator port.'),
    intervalMs: z.int().min(5_000).max(300_000).default(30_000).describe('Between two looks at the metrics.'),
    renotifyMs: z
      .int()
      .min(60_000)
      .max(7 * 86_400_000)
      .default(4 * 3_600_000)
      .describe('An alert that goes on is told again after this long.'),
    settleMs: z
      .int()
      .min(0)
      .max(3_600_000)
      .default(120_000)
      .describe('An alert that comes back within this time has never been away.'),
    quietHours: z
      .strictObject({
        from: clockTime.describe('Start, time of day.'),
        to: clockTime.describe('End; before `from`: on the next day.'),
        timeZone: timeZone.default('UTC').describe('Of both.'),
        pages: z.enum(['through', 'wait']).default('through').describe('Whether pages wait for the end of it, too.'),
      })
      .optional()
      .describe('Messages wait for the end of these hours, if they are still true then.'),
  })
  .prefault({});
