/** Messages of `/v1/chat/completions` → neutral messages. */
import type { Message, ToolCall } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import {
  fieldError,
  objectAt,
  optionalArray,
  optionalObject,
  optionalString,
  requiredString,
  unsupportedField,
} from '../shared/fields.ts';
import { imageFromDataUri } from '../shared/images.ts';
import { messagesMax, partsMax, toolCallsMax } from '../shared/limits.ts';
import { textPartSeparator } from '../shared/options.ts';
import { argumentsFromText } from '../shared/tools.ts';

type Draft<T> = { -readonly [Key in keyof T]: T[Key] };

/** @throws AppError bad_request | unsupported, naming the message and the part. */
export function readChatMessages(body: JsonObject, notices: string[]): readonly Message[] {
  const sent = optionalArray(body, 'messages', '', messagesMax);
  // Natively an empty list loads the model; in this API it can only be a mistake.
  if (!sent?.length) throw fieldError('messages', sent, 'at least one message');
  const toolNames = new Map<string, string>();
  const messages: Message[] = [];
  let named = false;
  for (let i = 0; i < sent.length; i++) {
    const message = objectAt(sent, i, 'messages');
    const at = `messages[${i}]`;
    const decoded = readMessage(message, at, toolNames);
    named ||= decoded.role !== 'tool' && Boolean(optionalString(message, 'name', at));
    messages.push(decoded);
  }
  if (named) notices.push('messages[].name was ignored: put the name of a speaker into the content');
  return messages;
}

/** @param toolNames call id → tool of the calls seen so far: results name only the call. */
function readMessage(sent: JsonObject, at: string, toolNames: Map<string, string>): Message {
  const role = readRole(sent, at);
  const message: Draft<Message> = { role, content: '' };
  const content = sent['content'];
  if (typeof content === 'string') message.content = content;
  else if (Array.isArray(content)) readParts(sent, at, message);
  else if (role !== 'assistant' || (content !== undefined && content !== null))
    throw fieldError(`${at}.content`, content, 'a string or an array of parts');

  if (role === 'assistant') {
    if (sent['function_call'] !== undefined && sent['function_call'] !== null) {
      throw unsupportedField(`${at}.function_call`, 'send the call in `tool_calls`');
    }
    const thinking = optionalString(sent, 'reasoning', at) || optionalString(sent, 'reasoning_content', at);
    if (thinking) message.thinking = thinking;
    const refusal = optionalString(sent, 'refusal', at);
    if (refusal && message.content === '') message.content = refusal;
    const toolCalls = readToolCalls(sent, at, toolNames);
    if (toolCalls) message.toolCalls = toolCalls;
  }
  if (role === 'tool') {
    const toolCallId = optionalString(sent, 'tool_call_id', at);
    if (toolCallId) message.toolCallId = toolCallId;
    const toolName = optionalString(sent, 'name', at) || (toolCallId && toolNames.get(toolCallId));
    if (toolName) message.toolName = toolName;
  }
  return message;
}

function readRole(sent: JsonObject, at: string): Message['role'] {
  const role = requiredString(sent, 'role', at);
  switch (role) {
    case 'system':
    case 'user':
    case 'assistant':
    case 'tool':
      return role;
    case 'developer':
      return 'system';
    case 'function':
      throw new AppError('unsupported', `${at}.role "function" is not supported; send role "tool" with tool_call_id`, {
        param: `${at}.role`,
      });
    default:
      throw fieldError(`${at}.role`, role, '"system", "developer", "user", "assistant" or "tool"');
  }
}

function readParts(sent: JsonObject, at: string, message: Draft<Message>): void {
  const parts = optionalArray(sent, 'content', at, partsMax) ?? [];
  const path = `${at}.content`;
  const texts: string[] = [];
  const images: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = objectAt(parts, i, path);
    const partAt = `${path}[${i}]`;
    switch (part['type']) {
      case 'text':
        texts.push(requiredString(part, 'text', partAt));
        break;
      case 'refusal':
        texts.push(requiredString(part, 'refusal', partAt));
        break;
      case 'image_url':
        images.push(imageFromDataUri(readImageUrl(part, partAt), `${partAt}.image_url.url`));
        break;
      case 'input_audio':
        throw unsupportedField(partAt, 'transcribe the audio and send the text');
      case 'file':
        throw unsupportedField(partAt, 'send the text of the file, or its pages as images');
      default:
        throw fieldError(`${partAt}.type`, part['type'], '"text" or "image_url"');
    }
  }
  message.content = texts.join(textPartSeparator);
  if (images.length > 0) message.images = images;
}

/** An object with `url`, or the address itself, which Ollama takes too. */
function readImageUrl(part: JsonObject, at: string): string {
  const image: JsonValue | undefined = part['image_url'];
  if (typeof image === 'string') return image;
  const object = optionalObject(part, 'image_url', at);
  if (!object) throw fieldError(`${at}.image_url`, undefined, 'an object with `url`');
  return requiredString(object, 'url', `${at}.image_url`);
}

function readToolCalls(sent: JsonObject, at: string, toolNames: Map<string, string>): readonly ToolCall[] | undefined {
  const calls = optionalArray(sent, 'tool_calls', at, toolCallsMax);
  if (!calls?.length) return undefined;
  const path = `${at}.tool_calls`;
  return calls.map((_, i) => {
    const call = objectAt(calls, i, path);
    const callAt = `${path}[${i}]`;
    const type = call['type'] ?? 'function';
    if (type !== 'function') throw fieldError(`${callAt}.type`, type, '"function"');
    const fn = optionalObject(call, 'function', callAt);
    if (!fn) throw fieldError(`${callAt}.function`, undefined, 'an object');
    const id = optionalString(call, 'id', callAt);
    const name = requiredString(fn, 'name', `${callAt}.function`);
    const text = optionalString(fn, 'arguments', `${callAt}.function`) ?? '';
    if (id) toolNames.set(id, name);
    return { ...(id && { id }), name, argumentsJson: argumentsFromText(text, `${callAt}.function.arguments`) };
  });
}
