/** Anthropic's `messages` and `system` as neutral messages. */
import type { Message, ToolCall } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts';
import { fieldError, objectAt, optionalBoolean, optionalString, pathOf, requiredString } from '../shared/fields.ts';
import { checkBase64, checkImageType } from '../shared/images.ts';
import { messagesMax, partsMax } from '../shared/limits.ts';
import { addNotice } from '../shared/notices.ts';
import { textPartSeparator } from '../shared/options.ts';
import { argumentsFromObject } from '../shared/tools.ts';

/** What is gathered over a whole conversation. */
interface Conversation {
  readonly messages: Message[];
  /** `tool_use` id → tool name: a result names only the id, thinkers want the name. */
  readonly toolNames: Map<string, string>;
  readonly notices: string[];
}

export function decodeMessages(body: JsonObject, notices: string[]): Message[] {
  const conversation: Conversation = { messages: [], toolNames: new Map(), notices };
  const system = decodeSystem(body['system']);
  if (system !== undefined) conversation.messages.push({ role: 'system', content: system });
  const written = body['messages'];
  if (!Array.isArray(written) || written.length === 0) {
    throw fieldError('messages', written, 'an array of at least one message');
  }
  if (written.length > messagesMax) throw fieldError('messages', written, `at most ${messagesMax} elements`);
  for (let i = 0; i < written.length; i++)
    decodeMessage(objectAt(written, i, 'messages'), `messages[${i}]`, conversation);
  return conversation.messages;
}

function decodeSystem(system: JsonValue | undefined): string | undefined {
  if (system === undefined || system === null || system === '') return undefined;
  if (typeof system === 'string') return system;
  const text = blocksOf(system, 'system').map((block, i) => {
    const type = requiredString(block, 'type', `system[${i}]`);
    if (type !== 'text') throw refusedBlock(type, `system[${i}]`);
    return requiredString(block, 'text', `system[${i}]`);
  });
  return text.length === 0 ? undefined : text.join(textPartSeparator);
}

function decodeMessage(written: JsonObject, at: string, conversation: Conversation): void {
  const role = requiredString(written, 'role', at);
  if (role !== 'user' && role !== 'assistant' && role !== 'system') {
    throw fieldError(pathOf(at, 'role'), role, '"user", "assistant" or "system"');
  }
  const content = written['content'];
  if (typeof content === 'string') {
    conversation.messages.push({ role, content });
    return;
  }
  const draft = new MessageDraft(role);
  const before = conversation.messages.length;
  for (const [i, block] of blocksOf(content, pathOf(at, 'content')).entries()) {
    decodeBlock(block, `${pathOf(at, 'content')}[${i}]`, draft, conversation);
  }
  draft.flush(conversation.messages);
  // A message with no block left keeps its turn: dropping it would join its neighbours.
  if (conversation.messages.length === before) conversation.messages.push({ role, content: '' });
}

function decodeBlock(block: JsonObject, at: string, draft: MessageDraft, conversation: Conversation): void {
  const type = requiredString(block, 'type', at);
  switch (type) {
    case 'text':
      draft.texts.push(requiredString(block, 'text', at));
      return;
    case 'image':
      draft.images.push(decodeImage(block, at));
      return;
    case 'thinking':
      draft.thinking.push(requiredString(block, 'thinking', at));
      return;
    case 'redacted_thinking':
      addNotice(conversation.notices, 'redacted_thinking blocks were dropped: only their maker can read them');
      return;
    case 'tool_use':
      draft.toolCalls.push(decodeToolUse(block, at, conversation));
      return;
    case 'tool_result':
      // Results are messages of their own; what was written before them stays before them.
      draft.flush(conversation.messages);
      conversation.messages.push(decodeToolResult(block, at, conversation));
      return;
    default:
      throw refusedBlock(type, at);
  }
}

function decodeToolUse(block: JsonObject, at: string, conversation: Conversation): ToolCall {
  const id = requiredString(block, 'id', at);
  const name = requiredString(block, 'name', at);
  if (name === '') throw fieldError(pathOf(at, 'name'), name, 'a name that is not empty');
  conversation.toolNames.set(id, name);
  return { id, name, argumentsJson: argumentsFromObject(block['input'], pathOf(at, 'input')) };
}

function decodeToolResult(block: JsonObject, at: string, conversation: Conversation): Message {
  const toolCallId = requiredString(block, 'tool_use_id', at);
  const failed = optionalBoolean(block, 'is_error', at) === true;
  const texts: string[] = [];
  const images: string[] = [];
  const content = block['content'];
  if (typeof content === 'string') texts.push(content);
  else if (content !== undefined && content !== null) {
    for (const [i, part] of blocksOf(content, pathOf(at, 'content')).entries()) {
      const partAt = `${pathOf(at, 'content')}[${i}]`;
      const type = requiredString(part, 'type', partAt);
      if (type === 'text') texts.push(requiredString(part, 'text', partAt));
      else if (type === 'image') images.push(decodeImage(part, partAt));
      else throw refusedBlock(type, partAt);
    }
  }
  const text = texts.join(textPartSeparator);
  const toolName = conversation.toolNames.get(toolCallId);
  return {
    role: 'tool',
    // Thinkers have no flag for a failed call, so the model reads it in the words.
    content: failed ? `Error: ${text}` : text,
    ...(images.length > 0 && { images }),
    ...(toolName !== undefined && { toolName }),
    toolCallId,
  };
}

function decodeImage(block: JsonObject, at: string): string {
  const source = block['source'];
  const sourceAt = pathOf(at, 'source');
  if (!isJsonObject(source)) throw fieldError(sourceAt, source, 'an object');
  const type = requiredString(source, 'type', sourceAt);
  if (type !== 'base64') {
    const path = pathOf(sourceAt, 'type');
    const message = `${path} is ${JSON.stringify(type)}; images are not fetched: send type "base64" with data`;
    throw new AppError('unsupported', message, { param: path });
  }
  checkImageType(optionalString(source, 'media_type', sourceAt) ?? '', pathOf(sourceAt, 'media_type'));
  return checkBase64(requiredString(source, 'data', sourceAt), pathOf(sourceAt, 'data'));
}

/** Blocks of one role on their way to one neutral message. */
class MessageDraft {
  readonly role: 'user' | 'assistant' | 'system';
  readonly texts: string[] = [];
  readonly images: string[] = [];
  readonly thinking: string[] = [];
  readonly toolCalls: ToolCall[] = [];

  constructor(role: 'user' | 'assistant' | 'system') {
    this.role = role;
  }

  flush(into: Message[]): void {
    const { role, texts, images, thinking, toolCalls } = this;
    if (texts.length + images.length + thinking.length + toolCalls.length === 0) return;
    into.push({
      role,
      content: texts.join(textPartSeparator),
      ...(thinking.length > 0 && { thinking: thinking.join(textPartSeparator) }),
      ...(images.length > 0 && { images: [...images] }),
      ...(toolCalls.length > 0 && { toolCalls: [...toolCalls] }),
    });
    for (const part of [texts, images, thinking, toolCalls]) part.length = 0;
  }
}

function blocksOf(value: JsonValue | undefined, path: string): JsonObject[] {
  if (!Array.isArray(value)) throw fieldError(path, value, 'a string or an array of content blocks');
  const blocks = value as readonly JsonValue[];
  if (blocks.length > partsMax) throw fieldError(path, blocks, `at most ${partsMax} blocks`);
  return blocks.map((_, i) => objectAt(blocks, i, path));
}

function refusedBlock(type: string, at: string): AppError {
  const remedy =
    type === 'document'
      ? 'send the text of the document as a text block'
      : 'this gateway takes text, image, tool_use, tool_result and thinking blocks where Anthropic allows them';
  const param = pathOf(at, 'type');
  return new AppError(
    'unsupported',
    `${param} is ${JSON.stringify(type.slice(0, 60))}, which cannot be served; ${remedy}`,
    {
      param,
    },
  );
}
