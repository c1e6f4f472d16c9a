import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { runCommand } from '../../test/support/cli.ts';
import { aStatus, anEntry, startAdmin } from '../../test/support/running-admin.ts';
import { entryId, modelName } from '../core/ids.ts';

interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

/** A gateway that says what it is told to say. */
async function withGateway(
  reply: (asked: Asked, response: ServerResponse) => void,
  use: (url: string, asked: Asked[]) => Promise<void>,
): Promise<void> {
  const heard: Asked[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const asked = {
        path: request.url!,
        headers: request.headers,
        body: (body === '' ? {} : JSON.parse(body)) as Record<string, unknown>,
      };
      heard.push(asked);
      if (asked.path === '/api/tags')
        response.end('{"models":[{"name":"all-minilm:latest"},{"name":"llama3.2:latest"}]}');
      else reply(asked, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const lines = (...pieces: readonly string[]) =>
  `${[
    ...pieces.map((content) => ({ message: { content }, done: false })),
    { message: { content: '' }, done: true, prompt_eval_count: 8, eval_count: 3 },
  ]
    .map((line) => JSON.stringify(line))
    .join('\n')}\n`;

const answered = (_: Asked, response: ServerResponse) => {
  response.writeHead(200, {
    'x-selfhost-cache': 'semantic',
    'x-selfhost-similarity': '0.9812',
    'x-selfhost-entry': 'entry-1',
    'x-selfhost-thinker': 'attic',
    'x-selfhost-request-id': 'request-1',
  });
  response.end(lines('Because ', 'of scattering.'));
};

describe('ask', () => {
  it('prints the answer and how it was made, from the first model that can chat', () =>
    withGateway(answered, async (url, asked) => {
      const { out } = await runCommand(['ask', 'Why is the sky blue?', '--url', url]);
      assert.match(
        out,
        /^Because of scattering\.\n\n\[semantic · similarity 0\.981 · thinker attic · llama3\.2:latest · [\d.]+ m?s · 3 tokens · request-1\]\n$/,
      );
      const { body, headers } = asked.at(-1)!;
      assert.deepEqual(body, {
        model: 'llama3.2:latest',
        messages: [{ role: 'user', content: 'Why is the sky blue?' }],
        stream: true,
      });
      assert.equal(headers['cache-control'], undefined);
    }));

  it('asks afresh, another model, with a key and a piped question when told so', () =>
    withGateway(answered, async (url, asked) => {
      await runCommand(['ask', '--no-cache', '--model', 'qwen3:8b'], {
        input: 'A long question\n',
        environment: { SELFHOST_URL: url, SELFHOST_API_KEY: 'a-key-of-sixteen-letters' },
      });
      const [{ body, headers }, ...others] = asked as [Asked, ...Asked[]];
      assert.equal(others.length, 0);
      assert.equal(body['model'], 'qwen3:8b');
      assert.deepEqual(body['messages'], [{ role: 'user', content: 'A long question' }]);
      assert.equal(headers['cache-control'], 'no-cache');
      assert.equal(headers.authorization, 'Bearer a-key-of-sixteen-letters');
    }));

  it('gives a script every fact as JSON', () =>
    withGateway(answered, async (url) => {
      const { out } = await runCommand(['--json', 'ask', 'Why?', '--url', `${url}/`]);
      const { ttftMs, totalMs, ...facts } = JSON.parse(out) as Record<string, unknown>;
      assert.ok(typeof ttftMs === 'number' && typeof totalMs === 'number' && ttftMs <= totalMs);
      assert.deepEqual(facts, {
        answer: 'Because of scattering.',
        model: 'llama3.2:latest',
        cache: 'semantic',
        similarity: 0.9812,
        thinker: 'attic',
        entryId: 'entry-1',
        requestId: 'request-1',
        promptTokens: 8,
        completionTokens: 3,
      });
    }));

  it('fails when the answer breaks off, in whatever way', async () => {
    const breaks: readonly (readonly [(response: ServerResponse) => void, RegExp])[] = [
      [
        (response) => response.end('{"message":{"content":"Bec"}}\n{"error":"thinker attic: gone"}\n'),
        /broke off: thinker attic: gone/,
      ],
      [(response) => response.end('{"message":{"content":"Bec"}}\n'), /broke off: it ended without its last line/],
      [(response) => response.end('<html>'), /a line that is not JSON: `<html>`/],
      [
        (response) => response.write('{"message":{"content":"Bec"}}\n', () => response.destroy()),
        /broke off: the gateway closed/,
      ],
    ];
    for (const [end, message] of breaks) {
      await withGateway(
        (_, response) => end(response),
        (url) => assert.rejects(runCommand(['ask', 'Why?', '--url', url]), message),
      );
    }
  });

  it('repeats the refusal of the gateway, and says which key to set', async () => {
    await withGateway(
      (_, response) => response.writeHead(404).end(`{"error":"model 'x' not found"}`),
      (url) =>
        assert.rejects(runCommand(['ask', '?', '--model', 'x', '--url', url]), /^CliError: model 'x' not found$/),
    );
    await withGateway(
      (_, response) => response.writeHead(401).end('{"error":{"message":"unknown key"}}'),
      (url) =>
        assert.rejects(
          runCommand(['ask', '?', '--url', url]),
          /unknown key; set SELFHOST_API_KEY to a key that it knows/,
        ),
    );
  });

  it('wants a question', async () => {
    await assert.rejects(runCommand(['ask'], { terminal: true }), /nothing to ask: give a prompt/);
    await assert.rejects(runCommand(['ask'], { input: ' \n' }), /nothing to ask: standard input was empty/);
  });
});

describe('commands without a gateway', () => {
  it('say what is missing and how to start it', async () => {
    // A port that was free a moment ago; nothing listens there.
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const environment = { SELFHOST_PORT: String(port), SELFHOST_ADMIN_PORT: String(port) };
    await assert.rejects(
      runCommand(['ask', 'Why?'], { environment }),
      new RegExp(
        `^CliError: cannot reach the gateway at http://127\\.0\\.0\\.1:${port} \\(ECONNREFUSED\\); start it with \`llm-self-host serve\`$`,
      ),
    );
    await assert.rejects(
      runCommand(['status'], { environment }),
      /operator port of the gateway at .* \(ECONNREFUSED\); start it/,
    );
  });

  it('refuse an address that is none', async () => {
    await assert.rejects(
      runCommand(['status', '--admin-url', 'localhost']),
      /--admin-url is `localhost`; expected a URL such as/,
    );
  });
});

describe('status and cache', () => {
  it('shows what the gateway does, for people and for scripts', async () => {
    const admin = await startAdmin({ key: 'correct-horse-battery' });
    const environment = { SELFHOST_ADMIN_URL: admin.url, SELFHOST_ADMIN_KEY: 'correct-horse-battery' };
    try {
      const { out } = await runCommand(['status'], { environment });
      assert.match(
        out,
        /^hits {6}16 \(44\.4 % of those that could\): 10 exact, 5 semantic, 1 coalesced; 3210 tokens saved$/m,
      );
      assert.match(out, /^attic {4}static {2}ready {2}1\/4 {3}nomic-embed-text:latest, llama3\.2:latest$/m);
      const { out: json } = await runCommand(['status', '--json'], { environment });
      assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(aStatus())));
      await assert.rejects(
        runCommand(['status', '--admin-url', admin.url]),
        /asks for its key; .*; set SELFHOST_ADMIN_KEY to a key that it knows/,
      );
    } finally {
      await admin.close();
    }
  });

  it('lists, shows and forgets stored answers', async () => {
    const entries = [anEntry(), anEntry({ id: entryId('other'), model: modelName('qwen3:8b') })];
    const admin = await startAdmin({ entries });
    const run = (...words: string[]) => runCommand([...words, '--admin-url', admin.url]);
    try {
      const { out: list } = await run('cache', 'list');
      assert.match(
        list,
        /^ID +MODEL +STORED +EXPIRES IN +HITS +SIZE +PROMPT\nentry-1 +llama3\.2:latest +0 s ago +1 d +3 +512 B +How tall is the tower\?$/m,
      );
      assert.equal((await run('cache', 'list', '--model', 'nobody')).out, 'no stored answers match\n');
      const { out: shown } = await run('cache', 'show', 'entry-1');
      assert.match(shown, /--- prompt\nHow tall is the tower\?\n\n--- answer\nThree hundred metres\.\n$/);
      await assert.rejects(run('cache', 'show', 'nobody'), /no stored answer `nobody`/);
      assert.equal((await run('cache', 'purge', '--model', 'qwen3:8b', '--yes')).out, '1 answer forgotten\n');
      assert.deepEqual(JSON.parse((await run('cache', 'purge', '--all', '--yes', '--json')).out), { removed: 1 });
      assert.deepEqual(entries, []);
      assert.equal((await run('cache', 'flush', '--yes')).out, 'no answer stored so far serves any more\n');
      assert.deepEqual(JSON.parse((await run('cache', 'flush', '--yes', '--json')).out), { epoch: 2 });
      await assert.rejects(run('cache', 'flush'), /no terminal to ask on; add --yes/);
    } finally {
      await admin.close();
    }
  });

  it('forgets nothing by mistake', async () => {
    const entries = [anEntry()];
    const admin = await startAdmin({ entries });
    const run = (...words: string[]) => runCommand(['cache', 'purge', ...words, '--admin-url', admin.url]);
    try {
      await assert.rejects(run('--yes'), /say which answers to forget/);
      await assert.rejects(run('--all', '--model', 'x', '--yes'), /not both/);
      await assert.rejects(
        run('--all'),
        /this would forget all stored answers, and there is no terminal to ask on; add --yes/,
      );
      const wrong = await run('--older-than', 'yesterday', '--yes');
      assert.equal(wrong.code, 1);
      assert.match(wrong.err, /expected an age such as 90s, 15m, 1h or 2d/);
      assert.equal((await run('--older-than', '1h', '--yes')).out, '0 answers forgotten\n');
      assert.equal(entries.length, 1);
    } finally {
      await admin.close();
    }
  });
});
