import type { AlertMessage, Channel } from '../channel.ts';
import { bodyOf, titleOf } from '../message-text.ts';
import { post } from './post.ts';

/** Discord takes no longer ones. */
const [titleMax, descriptionMax] = [256, 4096];
const colours = { warn: 0xd9a400, ticket: 0xd97a00, page: 0xc62828, calm: 0x2e7d32 } as const;

/** A webhook of a channel there, whose URL is the secret. */
export function createDiscordChannel({ url }: { readonly url: string }): Channel {
  return {
    kind: 'discord',
    async send(message, { signal }) {
      const body = {
        // Nobody is called by what a message happens to quote.
        allowed_mentions: { parse: [] },
        embeds: [
          {
            title: titleOf(message).slice(0, titleMax),
            description: bodyOf(message).slice(0, descriptionMax),
            color: colourOf(message),
            timestamp: new Date(message.at).toISOString(),
          },
        ],
      };
      await post(url, JSON.stringify(body), { signal, headers: { 'content-type': 'application/json' } });
    },
    close: () => {},
  };
}

const colourOf = ({ status, level }: AlertMessage): number => (status === 'firing' ? colours[level] : colours.calm);
