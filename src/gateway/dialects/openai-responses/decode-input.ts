/** The `input` and `instructions` of the Responses API as neutral messages. */
import type { Message, ToolCall } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts';
import { fieldError, objectAt, optionalString, pathOf, requiredString } from '../shared/fields.ts';
import { imageFromDataUri } from '../shared/images.ts';
import { messagesMax, partsMax } from '../shared/limits.ts';
import { addNotice } from '../shared/notices.ts';
import { textPartSeparator } from '../shared/options.ts';
import { argumentsFromText } from '../shared/tools.ts';

/** A message that later items may still add to. */
type Draft = { -readonly [Key in keyof Message]: Message[Key] };

interface Conversation {
  readonly messages: Draft[];
  /** `call_id` → function name: an output names only the id, thinkers want the name. */
  readonly toolNames: Map<string, string>;
  /** Reasoning waits here for the message or call it led to. */
  reasoning: string;
  readonly notices: string[];
}

export function decodeInput(body: JsonObject, notices: string[]): Message[] {
  const conversation: Conversation = { messages: [], toolNames: new Map(), reasoning: '', notices };
  const instructions = optionalString(body, 'instructions', '');
  if (instructions) conversation.messages.push({ role: 'system', content: instructions });
  const input = body['input'];
  if (typeof input === 'string') {
    conversation.messages.push({ role: 'user', content: input });
    return conversation.messages;
  }
  if (!Array.isArray(input) || input.length === 0) {
    throw fieldError('input', input, 'a string, or an array of at least one item');
  }
  if (input.length > messagesMax) throw fieldError('input', input, `at most ${messagesMax} items`);
  for (let i = 0; i < input.length; i++) decodeItem(objectAt(input, i, 'input'), `input[${i}]`, conversation);
  if (conversation.reasoning !== '') {
    conversation.messages.push({ role: 'assistant', content: '', thinking: conversation.reasoning });
  }
  // Only reasoning without words was sent; an empty list would mean "load the model" to a thinker.
  if (conversation.messages.length === 0) throw fieldError('input', input, 'at least one message');
  return conversation.messages;
}

function decodeItem(item: JsonObject, at: string, conversation: Conversation): void {
  const type = optionalString(item, 'type', at) ?? (item['role'] === undefined ? undefined : 'message');
  switch (type) {
    case 'message':
      decodeMessage(item, at, conversation);
      return;
    case 'function_call':
      decodeFunctionCall(item, at, conversation);
      return;
    case 'function_call_output':
      conversation.messages.push(decodeFunctionOutput(item, at, conversation));
      return;
    case 'reasoning':
      decodeReasoning(item, at, conversation);
      return;
    case undefined:
      throw fieldError(
        pathOf(at, 'type'),
        undefined,
        '"message", "function_call", "function_call_output" or "reasoning"',
      );
    default:
      throw refusedType(type, at);
  }
}

function decodeMessage(item: JsonObject, at: string, conversation: Conversation): void {
  const { text, images } = decodeContent(item['content'], pathOf(at, 'content'));
  const message: Draft = { role: decodeRole(item, at), content: text };
  if (images.length > 0) message.images = images;
  if (message.role === 'assistant') takeReasoning(message, conversation);
  conversation.messages.push(message);
}

function decodeRole(item: JsonObject, at: string): 'system' | 'user' | 'assistant' {
  const role = requiredString(item, 'role', at);
  switch (role) {
    case 'user':
    case 'assistant':
    case 'system':
      return role;
    case 'developer':
      return 'system';
    default:
      throw fieldError(pathOf(at, 'role'), role, '"user", "assistant", "system" or "developer"');
  }
}

/** The API sends a turn's words and calls as separate items; thinkers take them as one assistant message. */
function decodeFunctionCall(item: JsonObject, at: string, conversation: Conversation): void {
  const id = requiredString(item, 'call_id', at);
  const name = requiredString(item, 'name', at);
  if (name === '') throw fieldError(pathOf(at, 'name'), name, 'a name that is not empty');
  const path = pathOf(at, 'arguments');
  const call: ToolCall = { id, name, argumentsJson: argumentsFromText(requiredString(item, 'arguments', at), path) };
  conversation.toolNames.set(id, name);
  const last = conversation.messages.at(-1);
  // Reasoning after a call starts a new turn; without it the call belongs to the turn before.
  if (last?.role === 'assistant' && (conversation.reasoning === '' || !last.toolCalls)) {
    last.toolCalls = [...(last.toolCalls ?? []), call];
    takeReasoning(last, conversation);
    return;
  }
  const message: Draft = { role: 'assistant', content: '', toolCalls: [call] };
  takeReasoning(message, conversation);
  conversation.messages.push(message);
}

function decodeFunctionOutput(item: JsonObject, at: string, conversation: Conversation): Message {
  const toolCallId = requiredString(item, 'call_id', at);
  const { text, images } = decodeContent(item['output'], pathOf(at, 'output'));
  const toolName = conversation.toolNames.get(toolCallId) ?? optionalString(item, 'name', at);
  return {
    role: 'tool',
    content: text,
    ...(images.length > 0 && { images }),
    ...(toolName !== undefined && { toolName }),
    toolCallId,
  };
}

function decodeReasoning(item: JsonObject, at: string, conversation: Conversation): void {
  const texts: string[] = [];
  for (const key of ['summary', 'content']) {
    const parts = item[key];
    if (parts === undefined || parts === null) continue;
    for (const [i, part] of partsOf(parts, pathOf(at, key)).entries()) {
      texts.push(requiredString(part, 'text', `${pathOf(at, key)}[${i}]`));
    }
    // The content is the whole of what the summary sums up; ours has a summary only.
    if (texts.length > 0) break;
  }
  if (texts.length === 0) {
    if (optionalString(item, 'encrypted_content', at) !== undefined) {
      addNotice(conversation.notices, 'encrypted reasoning was dropped: only its maker can read it');
    }
    return;
  }
  if (conversation.reasoning !== '') texts.unshift(conversation.reasoning);
  conversation.reasoning = texts.join(textPartSeparator);
}

function takeReasoning(message: Draft, conversation: Conversation): void {
  if (conversation.reasoning === '') return;
  const before = message.thinking === undefined ? '' : message.thinking + textPartSeparator;
  message.thinking = before + conversation.reasoning;
  conversation.reasoning = '';
}

function decodeContent(content: JsonValue | undefined, path: string): { text: string; images: string[] } {
  if (typeof content === 'string') return { text: content, images: [] };
  const texts: string[] = [];
  const images: string[] = [];
  for (const [i, part] of partsOf(content, path).entries()) {
    const at = `${path}[${i}]`;
    const type = requiredString(part, 'type', at);
    switch (type) {
      case 'input_text':
      case 'output_text':
      case 'text':
        texts.push(requiredString(part, 'text', at));
        break;
      case 'refusal':
        texts.push(requiredString(part, 'refusal', at));
        break;
      case 'input_image':
        images.push(decodeImage(part, at));
        break;
      default:
        throw refusedType(type, at);
    }
  }
  return { text: texts.join(textPartSeparator), images };
}

function decodeImage(part: JsonObject, at: string): string {
  const url = optionalString(part, 'image_url', at);
  if (url !== undefined) return imageFromDataUri(url, pathOf(at, 'image_url'));
  if (optionalString(part, 'file_id', at) !== undefined) {
    const path = pathOf(at, 'file_id');
    const message = `${path} cannot be served: no files are kept here; send image_url with data:image/png;base64,…`;
    throw new AppError('unsupported', message, { param: path });
  }
  throw fieldError(pathOf(at, 'image_url'), undefined, 'a data URI of the form data:image/png;base64,…');
}

function partsOf(value: JsonValue | undefined, path: string): JsonObject[] {
  if (!Array.isArray(value)) throw fieldError(path, value, 'a string or an array of parts');
  const parts = value as readonly JsonValue[];
  if (parts.length > partsMax) throw fieldError(path, parts, `at most ${partsMax} parts`);
  return parts.map((_, i) => objectAt(parts, i, path));
}

function refusedType(type: string, at: string): AppError {
  const param = pathOf(at, 'type');
  const remedy =
    type === 'item_reference'
      ? 'no items are kept here; send the item itself'
      : type === 'input_file'
        ? 'send the text of the file as input_text'
        : 'send messages with text and images, function_call, function_call_output and reasoning items';
  return new AppError(
    'unsupported',
    `${param} is ${JSON.stringify(type.slice(0, 60))}, which cannot be served; ${remedy}`,
    {
      param,
    },
  );
}

/** Whether a field says anything: typed clients send null, and some send empty strings and objects. */
export const isGiven = (value: JsonValue | undefined): boolean =>
  value !== undefined && value !== null && value !== '' && !(isJsonObject(value) && Object.keys(value).length === 0);
