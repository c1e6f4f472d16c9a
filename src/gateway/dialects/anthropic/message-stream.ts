/** One answer as Anthropic's event stream: a message of numbered blocks, each opened, filled and closed. */
import { unreachable } from '../../../core/assert.ts';
import type { ChatEvent, EndEvent, ToolCall } from '../../../core/chat.ts';
import type { AppError } from '../../../core/errors.ts';
import type { Reply, StreamEncoder } from '../dialect.ts';
import { sseEvent } from '../shared/sse.ts';
import { argumentsObjectText } from '../shared/tools.ts';
import {
  messageHead,
  messageUsage,
  stopReason,
  thinkingSignature,
  toolUse,
  type MessageEncoding,
} from './encode-message.ts';
import { anthropicErrorJson } from './errors.ts';
import { tokenText } from '../shared/token-text.ts';

type OpenBlock = 'none' | 'text' | 'thinking';

const messageStop = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';

export class MessageStream implements StreamEncoder {
  readonly #reply: Reply;
  readonly #showThinking: boolean;
  #state: 'new' | 'started' | 'ended' = 'new';
  #open: OpenBlock = 'none';
  /** Index of the open block, or of the next one. */
  #index = 0;
  #toolCalls = 0;
  /** Bytes of a delta event up to its text; made once per block, because tokens come by the thousand. */
  #deltaPrefix = '';

  constructor(reply: Reply, { showThinking }: MessageEncoding) {
    this.#reply = reply;
    this.#showThinking = showThinking;
  }

  event(event: ChatEvent): string {
    if (this.#state === 'started') return this.#next(event);
    // Nothing is sent for the start itself: what fails before the first token can still be an error with a status.
    if (this.#state === 'ended' || event.type === 'start') return '';
    this.#state = 'started';
    return this.#start() + this.#next(event);
  }

  fail(error: AppError): string {
    if (this.#state === 'ended') return '';
    this.#state = 'ended';
    return sseEvent('error', anthropicErrorJson(error, this.#reply.requestId));
  }

  #next(event: ChatEvent): string {
    switch (event.type) {
      case 'text-delta':
        return event.text === '' ? '' : this.#delta('text', event.text);
      case 'thinking-delta':
        return event.text === '' || !this.#showThinking ? '' : this.#delta('thinking', event.text);
      case 'tool-call':
        return this.#toolCall(event.call);
      case 'end':
        return this.#end(event);
      case 'start':
        return '';
      default:
        return unreachable(event);
    }
  }

  #start(): string {
    return typedEvent('message_start', {
      message: {
        ...messageHead(this.#reply),
        content: [],
        stop_reason: null,
        stop_sequence: null,
        stop_details: null,
        // The thinker counts the prompt at the end; `message_delta` carries both counts.
        usage: messageUsage({ promptTokens: 0, completionTokens: 0 }),
      },
    });
  }

  #delta(kind: 'text' | 'thinking', text: string): string {
    const opening = this.#open === kind ? '' : this.#close() + this.#openBlock(kind);
    return `${opening}${this.#deltaPrefix}${tokenText(text)}}}\n\n`;
  }

  #openBlock(kind: 'text' | 'thinking'): string {
    this.#open = kind;
    this.#deltaPrefix = blockDeltaPrefix(this.#index, `${kind}_delta`, kind);
    return typedEvent('content_block_start', {
      index: this.#index,
      content_block:
        kind === 'text'
          ? { type: 'text', text: '', citations: null }
          : { type: 'thinking', thinking: '', signature: '' },
    });
  }

  #close(): string {
    if (this.#open === 'none') return '';
    const signature =
      this.#open === 'thinking'
        ? `${blockDeltaPrefix(this.#index, 'signature_delta', 'signature')}${JSON.stringify(thinkingSignature)}}}\n\n`
        : '';
    this.#open = 'none';
    return signature + this.#blockStop();
  }

  #blockStop(): string {
    const index = this.#index;
    this.#index += 1;
    return `event: content_block_stop\ndata: {"type":"content_block_stop","index":${index}}\n\n`;
  }

  #toolCall(call: ToolCall): string {
    const closing = this.#close();
    const start = typedEvent('content_block_start', {
      index: this.#index,
      content_block: { ...toolUse(call, this.#reply, this.#toolCalls), input: {} },
    });
    this.#toolCalls += 1;
    const json = JSON.stringify(argumentsObjectText(call));
    const delta = `${blockDeltaPrefix(this.#index, 'input_json_delta', 'partial_json')}${json}}}\n\n`;
    return closing + start + delta + this.#blockStop();
  }

  #end(end: EndEvent): string {
    this.#state = 'ended';
    const delta = typedEvent('message_delta', {
      delta: {
        stop_reason: stopReason(end, this.#toolCalls > 0),
        stop_sequence: null,
        stop_details: null,
        container: null,
      },
      usage: messageUsage(end.usage),
    });
    return this.#close() + delta + messageStop;
  }
}

function typedEvent(type: string, fields: Record<string, unknown>): string {
  return sseEvent(type, JSON.stringify({ type, ...fields }));
}

function blockDeltaPrefix(index: number, deltaType: string, field: string): string {
  return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${deltaType}","${field}":`;
}
