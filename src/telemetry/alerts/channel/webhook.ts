import { createHmac } from 'node:crypto';
import type { Channel } from '../channel.ts';
import { post } from './post.ts';

/** A program of yours: JSON, signed when there is a secret. */
export function createWebhookChannel({
  url,
  secret,
}: {
  readonly url: string;
  readonly secret: string | undefined;
}): Channel {
  return {
    kind: 'webhook',
    async send(message, { signal }) {
      const body = JSON.stringify({ version: 1, ...message });
      const signature = secret === undefined ? undefined : createHmac('sha256', secret).update(body).digest('hex');
      await post(url, body, {
        signal,
        headers: {
          'content-type': 'application/json',
          'idempotency-key': message.id,
          ...(signature !== undefined && { 'x-selfhost-signature': `sha256=${signature}` }),
        },
      });
    },
    close: () => {},
  };
}
