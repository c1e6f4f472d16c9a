/** A `fetch` for official clients in tests: no port, the reply is bytes we made. */

export interface CannedReply {
  readonly body: string;
  readonly status?: number;
  readonly contentType?: string;
  /** The body arrives in pieces of this many bytes, so that no parser may count on event borders. Default: whole. */
  readonly pieceBytes?: number;
}

export interface CannedFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Bodies of the requests so far. */
  readonly requests: unknown[];
}

/** Every call gets the reply that `answer` makes of the request's JSON body. */
export function cannedFetch(answer: (request: unknown) => CannedReply): CannedFetch {
  const requests: unknown[] = [];
  const fetch: typeof globalThis.fetch = async (_input, init) => {
    const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined;
    requests.push(body);
    const reply = answer(body);
    return new Response(inPieces(reply), {
      status: reply.status ?? 200,
      headers: { 'content-type': reply.contentType ?? 'application/json' },
    });
  };
  return { fetch, requests };
}

function inPieces({ body, pieceBytes }: CannedReply): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(body);
  const step = Math.max(1, pieceBytes ?? bytes.length);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(at, (at += step)));
    },
  });
}
