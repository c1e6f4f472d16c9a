/** OpenAI's routes, apart from `/v1/responses`. */
import type { AnswerCodec, EmbedCodec } from '../dialect.ts';
import { sseContentType, sseHeartbeat } from '../shared/sse.ts';
import { decodeOpenAiChat } from './decode-chat.ts';
import { decodeOpenAiCompletions, decodeOpenAiEmbeddings } from './decode-completions.ts';
import { encodeOpenAiChat, openOpenAiChatStream } from './encode-chat.ts';
import { encodeOpenAiCompletion, encodeOpenAiEmbeddings, openOpenAiCompletionStream } from './encode-completions.ts';

/** `POST /v1/chat/completions` */
export const openaiChatCodec: AnswerCodec = {
  dialect: 'openai',
  streamContentType: sseContentType,
  heartbeat: sseHeartbeat,
  decode(body) {
    const { request, model, stream, includeUsage, notices } = decodeOpenAiChat(body);
    return {
      request,
      model,
      stream,
      notices,
      encodeAnswer: encodeOpenAiChat,
      openStream: (reply) => openOpenAiChatStream(reply, { includeUsage }),
    };
  },
};

/** `POST /v1/completions` */
export const openaiCompletionsCodec: AnswerCodec = {
  dialect: 'openai',
  streamContentType: sseContentType,
  heartbeat: sseHeartbeat,
  decode(body) {
    const { request, model, stream, includeUsage, notices } = decodeOpenAiCompletions(body);
    return {
      request,
      model,
      stream,
      notices,
      encodeAnswer: encodeOpenAiCompletion,
      openStream: (reply) => openOpenAiCompletionStream(reply, { includeUsage }),
    };
  },
};

/** `POST /v1/embeddings` */
export const openaiEmbeddingsCodec: EmbedCodec = {
  dialect: 'openai',
  decode(body) {
    const { request, model, encoding } = decodeOpenAiEmbeddings(body);
    return { request, model, encode: (answer) => encodeOpenAiEmbeddings(answer, model, encoding) };
  },
};
