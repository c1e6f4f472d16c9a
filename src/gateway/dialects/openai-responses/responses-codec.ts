/** The codec of `POST /v1/responses`. */
import type { AnswerCodec } from '../dialect.ts';
import { sseContentType, sseHeartbeat } from '../shared/sse.ts';
import { decodeResponsesRequest } from './decode-request.ts';
import { encodeResponse } from './encode-response.ts';
import { ResponseStream } from './response-stream.ts';

export const openaiResponsesCodec: AnswerCodec = {
  dialect: 'openai',
  streamContentType: sseContentType,
  heartbeat: sseHeartbeat,
  decode(body) {
    const { echo, sealReasoning, ...decoded } = decodeResponsesRequest(body);
    const encoding = { echo, sealReasoning };
    return {
      ...decoded,
      encodeAnswer: (answer, reply) => encodeResponse(answer, reply, encoding),
      openStream: (reply) => new ResponseStream(reply, encoding),
    };
  },
};
