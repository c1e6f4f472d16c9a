/** A whole answer as one response object. */
import type { Answer } from '../../../core/answer.ts';
import type { Reply } from '../dialect.ts';
import { tokenLogprobs } from '../openai/encode-shared.ts';
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
  type ResponseEncoding,
} from './response-object.ts';

export function encodeResponse(answer: Answer, reply: Reply, { echo, sealReasoning }: ResponseEncoding): string {
  const status = endStatus(answer.end);
  const output: string[] = [];
  if (answer.thinking !== '') {
    const id = itemId('rs_', reply, output.length);
    const part = summaryPart(JSON.stringify(answer.thinking));
    // Thinking that was followed by words or calls ended by itself.
    const whole = answer.text !== '' || answer.toolCalls.length > 0;
    output.push(reasoningItem({ id, status: whole ? 'completed' : status, part, seal: sealReasoning }));
  }
  if (answer.text !== '') {
    const part = textPart(JSON.stringify(answer.text), JSON.stringify(tokenLogprobs(answer.logprobs ?? [])));
    output.push(
      messageItem(itemId('msg_', reply, output.length), answer.toolCalls.length > 0 ? 'completed' : status, part),
    );
  }
  for (const [position, call] of answer.toolCalls.entries()) {
    output.push(
      callItem({
        id: itemId('fc_', reply, output.length),
        callId: callId(call, 'call_', reply.idSeed, position),
        status: 'completed',
        call,
        argumentsJson: argumentsObjectText(call),
      }),
    );
  }
  return new ResponseObject(reply, echo).json({ status, output, usage: answer.end.usage });
}
