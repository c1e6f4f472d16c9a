/** Ollama's native routes. */
import type { AnswerRequest } from '../../../core/chat.ts';
import type { JsonValue } from '../../../core/json.ts';
import type { AnswerCodec, EmbedCodec } from '../dialect.ts';
import {
  decodeOllamaChat,
  decodeOllamaEmbed,
  decodeOllamaEmbeddings,
  decodeOllamaGenerate,
  type Decoded,
} from './decode.ts';
import {
  encodeOllamaAnswer,
  encodeOllamaEmbed,
  encodeOllamaEmbeddings,
  encodeOllamaLines,
  type OllamaShape,
} from './encode.ts';

/** `POST /api/chat` */
export const ollamaChatCodec: AnswerCodec = answerCodec('chat', decodeOllamaChat);

/** `POST /api/generate` */
export const ollamaGenerateCodec: AnswerCodec = answerCodec('generate', decodeOllamaGenerate);

/** `POST /api/embed` */
export const ollamaEmbedCodec: EmbedCodec = {
  dialect: 'ollama',
  decode(body) {
    const { request, model } = decodeOllamaEmbed(body);
    return { request, model, encode: (answer) => encodeOllamaEmbed(answer, model) };
  },
};

/** `POST /api/embeddings` */
export const ollamaEmbeddingsCodec: EmbedCodec = {
  dialect: 'ollama',
  decode(body) {
    return { ...decodeOllamaEmbeddings(body), encode: encodeOllamaEmbeddings };
  },
};

function answerCodec(shape: OllamaShape, decode: (body: JsonValue) => Decoded<AnswerRequest>): AnswerCodec {
  return {
    dialect: 'ollama',
    streamContentType: 'application/x-ndjson',
    // NDJSON has no comment form, and some clients fail on an empty line.
    heartbeat: undefined,
    decode(body) {
      return {
        ...decode(body),
        notices: [],
        encodeAnswer: (answer, reply) => encodeOllamaAnswer(shape, answer, reply),
        openStream: (reply) => encodeOllamaLines(shape, reply),
      };
    },
  };
}
