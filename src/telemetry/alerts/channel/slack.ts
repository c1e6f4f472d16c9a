import type { Channel } from '../channel.ts';
import { bodyOf, titleOf } from '../message-text.ts';
import { post } from './post.ts';

/** Slack, and what speaks its language (Mattermost, Rocket.Chat): an incoming webhook, whose URL is the secret. */
export function createSlackChannel({ url }: { readonly url: string }): Channel {
  return {
    kind: 'slack',
    async send(message, { signal }) {
      const text = `*${escape(titleOf(message))}*\n${escape(bodyOf(message))}`;
      await post(url, JSON.stringify({ text }), { signal, headers: { 'content-type': 'application/json' } });
    },
    close: () => {},
  };
}

/** The three signs that Slack reads as its own. */
const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
