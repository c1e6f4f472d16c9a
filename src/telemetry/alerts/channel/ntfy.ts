import type { AlertMessage, Channel } from '../channel.ts';
import { bodyOf, titleOf } from '../message-text.ts';
import { post } from './post.ts';

/** Its default limit for a message that stays a message, bytes. */
const messageBytesMax = 4096;
/** 1 to 5; 5 gets through a silenced phone. */
const priorities = { warn: 3, ticket: 3, page: 5 } as const;

/** A topic on ntfy.sh or on a server of yours; the token is for topics that ask for one. */
export function createNtfyChannel({
  url,
  topic,
  token,
}: {
  readonly url: string;
  readonly topic: string;
  readonly token: string | undefined;
}): Channel {
  return {
    kind: 'ntfy',
    async send(message, { signal }) {
      // As JSON to the root: header fields could not carry every letter of a title.
      const body = {
        topic,
        title: titleOf(message),
        message: Buffer.from(bodyOf(message)).subarray(0, messageBytesMax).toString('utf8'),
        priority: message.status === 'firing' ? priorities[message.level] : 3,
        tags: [tagOf(message)],
      };
      await post(`${url.replace(/\/+$/, '')}/`, JSON.stringify(body), {
        signal,
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
      });
    },
    close: () => {},
  };
}

const tagOf = ({ status, level }: AlertMessage): string => {
  if (status !== 'firing') return 'white_check_mark';
  return level === 'page' ? 'rotating_light' : 'warning';
};
