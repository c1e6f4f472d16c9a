/** The codec of `POST /v1/messages`. */
import type { AnswerCodec } from '../dialect.ts';
import { sseContentType } from '../shared/sse.ts';
import { decodeMessagesRequest } from './decode-request.ts';
import { encodeMessage } from './encode-message.ts';
import { MessageStream } from './message-stream.ts';

export const anthropicMessagesCodec: AnswerCodec = {
  dialect: 'anthropic',
  streamContentType: sseContentType,
  // Anthropic has an event for it, and its clients expect that rather than a comment.
  heartbeat: 'event: ping\ndata: {"type":"ping"}\n\n',
  decode(body) {
    const { showThinking, ...decoded } = decodeMessagesRequest(body, 'required');
    return {
      ...decoded,
      encodeAnswer: (answer, reply) => encodeMessage(answer, reply, { showThinking }),
      openStream: (reply) => new MessageStream(reply, { showThinking }),
    };
  },
};
