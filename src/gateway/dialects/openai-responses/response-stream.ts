/** One answer as the event stream of the Responses API: numbered events around items that open, fill and close. */
import { unreachable } from '../../../core/assert.ts';
import type { ChatEvent, EndEvent, ToolCall, Usage } from '../../../core/chat.ts';
import type { AppError } from '../../../core/errors.ts';
import type { JsonValue } from '../../../core/json.ts';
import type { Reply, StreamEncoder } from '../dialect.ts';
import { tokenLogprobs, type TokenLogprob } from '../openai/encode-shared.ts';
import { openAiErrorBody } from '../openai/errors.ts';
import { argumentsObjectText, callId } from '../shared/tools.ts';
import {
  callItem,
  endStatus,
  itemId,
  messageItem,
  reasoningItem,
  ResponseObject,
  summaryPart,
  textPart,
  type ItemStatus,
  type ResponseEncoding,
  type ResponseStatus,
} from './response-object.ts';
import { tokenText } from '../shared/token-text.ts';

/** The item that deltas are written into. */
interface OpenItem {
  readonly kind: 'message' | 'reasoning';
  readonly id: string;
  /** `"item_id":…,"output_index":…` and the part's index: every event of the item carries them. */
  readonly place: string;
  /** Bytes of a delta event up to its text; made once per item, because tokens come by the thousand. */
  readonly deltaPrefix: string;
  /** The closing events repeat the whole text; its length is bounded by the model's context. */
  text: string;
  readonly logprobs: TokenLogprob[];
}

export class ResponseStream implements StreamEncoder {
  readonly #reply: Reply;
  readonly #object: ResponseObject;
  readonly #sealReasoning: boolean;
  /** JSON texts of the finished items. */
  readonly #output: string[] = [];
  #state: 'new' | 'started' | 'ended' = 'new';
  #item: OpenItem | undefined;
  #sequence = 0;
  #toolCalls = 0;

  constructor(reply: Reply, { echo, sealReasoning }: ResponseEncoding) {
    this.#reply = reply;
    this.#object = new ResponseObject(reply, echo);
    this.#sealReasoning = sealReasoning;
  }

  event(event: ChatEvent): string {
    if (this.#state === 'started') return this.#next(event);
    // Nothing is sent for the start itself: what fails before the first token can still be an error with a status.
    if (this.#state === 'ended' || event.type === 'start') return '';
    this.#state = 'started';
    const opening =
      this.#lifecycle('response.created', 'in_progress') + this.#lifecycle('response.in_progress', 'in_progress');
    return opening + this.#next(event);
  }

  /**
   * `response.failed` is what clients of this API look for; the official ones raise only at `error`, and
   * read its fields either flat or from an inner object, so both are there.
   */
  fail(error: AppError): string {
    if (this.#state === 'ended') return '';
    const opened = this.#state === 'started';
    this.#state = 'ended';
    const failed = !opened ? '' : this.#close('incomplete') + this.#lifecycle('response.failed', 'failed', { error });
    const fields = { code: error.code, message: error.message, param: error.param ?? null };
    const flat = JSON.stringify(fields).slice(1, -1);
    const nested = openAiErrorBody(error).slice(1, -1);
    return failed + this.#event('error', `${flat},${nested}`);
  }

  #next(event: ChatEvent): string {
    switch (event.type) {
      case 'text-delta':
        return this.#textDelta(event.text, event.logprobs);
      case 'thinking-delta':
        return this.#thinkingDelta(event.text);
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

  #textDelta(text: string, logprobs: readonly JsonValue[] | undefined): string {
    if (text === '' && !logprobs?.length) return '';
    let opening = '';
    if (this.#item?.kind !== 'message') opening = this.#close('completed') + this.#openMessage();
    const item = this.#item!;
    item.text += text;
    let tail = '';
    if (logprobs?.length) {
      const tokens = tokenLogprobs(logprobs);
      for (const token of tokens) item.logprobs.push(token);
      tail = JSON.stringify(tokens);
    }
    return `${opening}${item.deltaPrefix}${JSON.stringify(text)},"logprobs":${tail || '[]'},"sequence_number":${this.#sequence++}}\n\n`;
  }

  #thinkingDelta(text: string): string {
    if (text === '') return '';
    let opening = '';
    if (this.#item?.kind !== 'reasoning') opening = this.#close('completed') + this.#openReasoning();
    const item = this.#item!;
    item.text += text;
    return `${opening}${item.deltaPrefix}${tokenText(text)},"sequence_number":${this.#sequence++}}\n\n`;
  }

  #openMessage(): string {
    const id = itemId('msg_', this.#reply, this.#output.length);
    const item = this.#open('message', id, 'content_index', 'response.output_text.delta');
    return (
      this.#itemEvent('response.output_item.added', messageItem(id, 'in_progress')) +
      this.#event('response.content_part.added', `${item.place},"part":${textPart('""', '[]')}`)
    );
  }

  #openReasoning(): string {
    const id = itemId('rs_', this.#reply, this.#output.length);
    const item = this.#open('reasoning', id, 'summary_index', 'response.reasoning_summary_text.delta');
    return (
      this.#itemEvent('response.output_item.added', reasoningItem({ id, status: 'in_progress', seal: false })) +
      this.#event('response.reasoning_summary_part.added', `${item.place},"part":${summaryPart('""')}`)
    );
  }

  #open(kind: OpenItem['kind'], id: string, partIndex: string, deltaType: string): OpenItem {
    const place = `${itemPlace(id, this.#output.length)},"${partIndex}":0`;
    const deltaPrefix = `event: ${deltaType}\ndata: {"type":"${deltaType}",${place},"delta":`;
    this.#item = { kind, id, place, deltaPrefix, text: '', logprobs: [] };
    return this.#item;
  }

  #close(status: ItemStatus): string {
    const item = this.#item;
    if (!item) return '';
    this.#item = undefined;
    const text = JSON.stringify(item.text);
    return item.kind === 'message' ? this.#closeMessage(item, text, status) : this.#closeReasoning(item, text, status);
  }

  #closeMessage({ id, place, logprobs }: OpenItem, text: string, status: ItemStatus): string {
    const logprobsJson = JSON.stringify(logprobs);
    const part = textPart(text, logprobsJson);
    return (
      this.#event('response.output_text.done', `${place},"text":${text},"logprobs":${logprobsJson}`) +
      this.#event('response.content_part.done', `${place},"part":${part}`) +
      this.#finish(messageItem(id, status, part))
    );
  }

  #closeReasoning({ id, place }: OpenItem, text: string, status: ItemStatus): string {
    const part = summaryPart(text);
    return (
      this.#event('response.reasoning_summary_text.done', `${place},"text":${text}`) +
      this.#event('response.reasoning_summary_part.done', `${place},"part":${part}`) +
      this.#finish(reasoningItem({ id, status, part, seal: this.#sealReasoning }))
    );
  }

  #toolCall(call: ToolCall): string {
    const closing = this.#close('completed');
    const position = this.#output.length;
    const id = itemId('fc_', this.#reply, position);
    const item = { id, callId: callId(call, 'call_', this.#reply.idSeed, this.#toolCalls), call };
    this.#toolCalls += 1;
    const argumentsJson = argumentsObjectText(call);
    const text = JSON.stringify(argumentsJson);
    const place = itemPlace(id, position);
    return (
      closing +
      this.#itemEvent('response.output_item.added', callItem({ ...item, status: 'in_progress', argumentsJson: '' })) +
      this.#event('response.function_call_arguments.delta', `${place},"delta":${text}`) +
      this.#event(
        'response.function_call_arguments.done',
        `${place},"name":${JSON.stringify(call.name)},"arguments":${text}`,
      ) +
      this.#finish(callItem({ ...item, status: 'completed', argumentsJson }))
    );
  }

  #end(end: EndEvent): string {
    this.#state = 'ended';
    const status = endStatus(end);
    return this.#close(status) + this.#lifecycle(`response.${status}`, status, { usage: end.usage });
  }

  /** The item's last event; its JSON stays for the final response. */
  #finish(item: string): string {
    const bytes = this.#itemEvent('response.output_item.done', item);
    this.#output.push(item);
    return bytes;
  }

  #itemEvent(type: string, item: string): string {
    return this.#event(type, `"output_index":${this.#output.length},"item":${item}`);
  }

  #lifecycle(type: string, status: ResponseStatus, more: { usage?: Usage; error?: AppError } = {}): string {
    return this.#event(type, `"response":${this.#object.json({ status, output: this.#output, ...more })}`);
  }

  /** @param fields JSON text of the event's fields, without braces. */
  #event(type: string, fields: string): string {
    return `event: ${type}\ndata: {"type":"${type}",${fields},"sequence_number":${this.#sequence++}}\n\n`;
  }
}

const itemPlace = (id: string, outputIndex: number): string => `"item_id":"${id}","output_index":${outputIndex}`;
