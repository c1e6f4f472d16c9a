/** One POST to a service of messages. */
import { ChannelError } from '../channel.ts';

/** Enough of an answer to say what was wrong. */
const answerCharsMax = 200;

/** @throws ChannelError */
export async function post(
  url: string,
  body: string,
  { headers, signal }: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<void> {
  const { host } = new URL(url);
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      body,
      // A message with a secret must not follow wherever it is sent.
      redirect: 'manual',
      headers: { 'user-agent': 'llm-self-host', ...headers },
      signal,
    });
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code;
    const why = signal.aborted ? 'no answer in time' : (cause ?? 'the connection failed');
    throw new ChannelError(`${host}: ${why}`, { retryable: true });
  }
  const answer = await readSome(response);
  if (response.status >= 200 && response.status < 300) return;
  const { status } = response;
  throw new ChannelError(`${host} answered ${status}${answer === '' ? '' : `: ${answer}`}`, {
    retryable: status === 408 || status === 429 || status >= 500,
    retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
  });
}

async function readSome(response: Response): Promise<string> {
  let text = '';
  try {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > answerCharsMax) break;
    }
  } catch {
    // Half an answer says enough.
  }
  return text.replace(/\s+/g, ' ').trim().slice(0, answerCharsMax);
}

function retryAfterMs(header: string | null): number | undefined {
  const seconds = Number(header);
  return header !== null && header.trim() !== '' && seconds >= 0 && seconds < 86_400 ? seconds * 1000 : undefined;
}
