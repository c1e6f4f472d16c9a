/** Requests, askers and answers for tests: name what matters, the rest is plain. */
import type { Answer } from '../core/answer.ts';
import type { Asker, ChatRequest, GenerateRequest } from '../core/chat.ts';
import { localTenant, modelName, requestId } from '../core/ids.ts';
import { epochMs } from '../core/units.ts';

export function aChatRequest(parts: Partial<ChatRequest> & { readonly text?: string } = {}): ChatRequest {
  const { text = 'What is the capital of France?', ...rest } = parts;
  return {
    kind: 'chat',
    model: modelName('llama3.2'),
    messages: [{ role: 'user', content: text }],
    options: {},
    outputLimit: undefined,
    ...rest,
  };
}

export function aGenerateRequest(parts: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    kind: 'generate',
    model: modelName('llama3.2'),
    prompt: 'What is the capital of France?',
    options: {},
    outputLimit: undefined,
    ...parts,
  };
}

export function anAsker(parts: Partial<Asker> = {}): Asker {
  return {
    requestId: requestId('r1'),
    tenant: localTenant,
    cache: { mode: 'default' },
    receivedAt: epochMs(1_767_225_600_000),
    ...parts,
  };
}

export function anAnswer(parts: Partial<Answer> & { readonly completionTokens?: number } = {}): Answer {
  const { completionTokens = 3, ...rest } = parts;
  return {
    model: 'llama3.2:latest',
    createdAt: epochMs(1_767_225_600_000),
    thinking: '',
    text: 'Paris.',
    toolCalls: [],
    end: {
      type: 'end',
      finishReason: 'stop',
      usage: { promptTokens: 14, completionTokens },
      timings: { totalNs: 6e8, loadNs: 1e8, promptEvalNs: 2e8, evalNs: 3e8 },
    },
    ...rest,
  };
}
