import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { httpCall, type HttpReply } from '../../testing/http-call.ts';
import { createSimulatedThinker, type SimulatedThinker } from './server.ts';

const model = 'llama3.2:3b';
const question = [{ role: 'user', content: 'What is the capital of France?' }];
const json = (reply: HttpReply) => JSON.parse(reply.text);
const lines = (reply: HttpReply) =>
  reply.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
const textOf = (reply: HttpReply) =>
  lines(reply)
    .map((line) => line.message?.content ?? line.response)
    .join('');

describe('simulated thinker, native contract', () => {
  let thinker: SimulatedThinker;
  const post = (path: string, body: object | string, more: object = {}) =>
    httpCall(thinker.url + path, { body, ...more });
  const ask = (more: object = {}) => post('/api/chat', { model, messages: question, ...more });

  before(async () => {
    thinker = createSimulatedThinker({ faults: false });
    await thinker.listen();
  });
  beforeEach(() => thinker.reset());
  after(() => thinker.close());

  it('answers the probes of clients, by GET and by HEAD', async () => {
    const root = await httpCall(thinker.url);
    assert.deepEqual(
      [root.status, root.text, root.headers['content-type']],
      [200, 'Ollama is running', 'text/plain; charset=utf-8'],
    );
    const head = await httpCall(thinker.url, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
    assert.match(json(await httpCall(`${thinker.url}/api/version`)).version, /^\d+\.\d+\.\d+-simulated$/);
    assert.equal((await httpCall(`${thinker.url}/api/tags`, { method: 'HEAD' })).status, 200);
    assert.deepEqual(json(await httpCall(`${thinker.url}/api/status`)), {
      cloud: { disabled: true, source: 'simulated' },
    });
  });

  it('lists its models with digest, details and capabilities', async () => {
    const { models } = json(await httpCall(`${thinker.url}/api/tags`));
    assert.deepEqual(
      models.map((one: { name: string }) => one.name),
      ['qwen2:7b-instruct-q6_K', 'llama3.2:3b', 'qwen3:4b', 'gemma3:4b', 'all-minilm:latest'],
    );
    for (const one of models) {
      assert.equal(one.model, one.name);
      assert.match(one.digest, /^[0-9a-f]{64}$/);
      assert.ok(one.size > 0 && one.details.format === 'gguf' && Array.isArray(one.capabilities));
      assert.ok(!Number.isNaN(Date.parse(one.modified_at)));
    }
  });

  it('shows a model by `model` or `name`, and answers 404 in Ollama’s words for one it has not', async () => {
    const shown = json(await post('/api/show', { model }));
    assert.deepEqual(shown.capabilities, ['completion', 'tools']);
    assert.equal(shown.model_info['llama.context_length'], 131_072);
    assert.ok(shown.template.includes('{{ .Prompt }}') && shown.modelfile.includes('FROM llama3.2:3b'));
    assert.deepEqual(json(await post('/api/show', { name: model })), shown);
    const missing = await post('/api/show', { model: 'nope' });
    assert.deepEqual([missing.status, json(missing)], [404, { error: "model 'nope' not found" }]);
  });

  it('streams a chat by default: token lines, then done with its reason, counts and nanoseconds', async () => {
    const reply = await ask();
    assert.equal(reply.headers['content-type'], 'application/x-ndjson');
    const all = lines(reply);
    const last = all.pop();
    for (const line of all) {
      assert.deepEqual(Object.keys(line), ['model', 'created_at', 'message', 'done']);
      assert.deepEqual([line.model, line.done, line.message.role], [model, false, 'assistant']);
    }
    assert.ok(textOf(reply).startsWith('[simulated]') && textOf(reply).includes('capital of France'));
    assert.deepEqual([last.done, last.done_reason, last.message], [true, 'stop', { role: 'assistant', content: '' }]);
    assert.equal(last.eval_count, all.length);
    for (const key of ['total_duration', 'load_duration', 'prompt_eval_count', 'prompt_eval_duration', 'eval_duration'])
      assert.ok(Number.isInteger(last[key]) && last[key] > 0, key);
  });

  it('gives the same text whole with stream:false, as one JSON object', async () => {
    const whole = await ask({ stream: false });
    assert.equal(whole.headers['content-type'], 'application/json; charset=utf-8');
    assert.equal(json(whole).message.content, textOf(await ask()));
    assert.deepEqual([json(whole).done, json(whole).done_reason], [true, 'stop']);
  });

  it('generates with `response` and a `context` that a next call can continue from', async () => {
    const reply = await post('/api/generate', { model, prompt: 'Why is the sky blue?' });
    const last = lines(reply).at(-1);
    assert.ok(textOf(reply).includes('Why is the sky blue?'));
    assert.ok(last.context.length > 5 && last.context.every(Number.isInteger));
    const next = json(
      await post('/api/generate', { model, prompt: 'And at night?', context: last.context, stream: false }),
    );
    assert.match(next.response, new RegExp(`continues ${last.context.length} tokens of context`));
    assert.ok(next.prompt_eval_count > last.context.length);
    const raw = json(await post('/api/generate', { model, prompt: 'Why?', raw: true, stream: false }));
    assert.equal('context' in raw, false);
  });

  it('says something else for another question, system prompt, history, seed or tool list', async () => {
    const variants = [
      {},
      { messages: [{ role: 'user', content: 'What is the capital of Spain?' }] },
      { messages: [{ role: 'system', content: 'Be brief.' }, ...question] },
      { messages: [{ role: 'user', content: 'Hello' }, { role: 'assistant', content: 'Hi' }, ...question] },
      { options: { seed: 2 } },
      { model: 'qwen2:7b-instruct-q6_K' },
    ];
    const texts = await Promise.all(variants.map(async (more) => textOf(await ask(more))));
    assert.equal(new Set(texts).size, variants.length);
    assert.equal(textOf(await ask()), texts[0]);
  });

  it('varies at temperature > 0 without a seed, and not with one', async () => {
    const at = async (options: object) => textOf(await ask({ options }));
    assert.notEqual(await at({ temperature: 0.8 }), await at({ temperature: 0.8 }));
    assert.equal(await at({ temperature: 0.8, seed: 5 }), await at({ temperature: 0.8, seed: 5 }));
    assert.equal(await at({ temperature: 0 }), await at({ temperature: 0 }));
  });

  it('ends with `length` at num_predict and before a stop sequence with `stop`', async () => {
    const short = lines(await ask({ options: { num_predict: 3 } }));
    assert.deepEqual([short.length, short.at(-1).done_reason, short.at(-1).eval_count], [4, 'length', 3]);
    const stopped = await ask({ options: { stop: ['capital'] } });
    assert.ok(textOf(stopped).endsWith('What is the '));
    assert.equal(lines(stopped).at(-1).done_reason, 'stop');
  });

  it('answers as long as `in N words` asks', async () => {
    const long = await ask({ messages: [{ role: 'user', content: 'Tell of the sea in 2000 words' }] });
    const words = textOf(long).split(' ').length;
    assert.ok(words > 1_900 && words < 2_200, `${words} words`);
  });

  it('thinks on a thinking model unless told not to, and refuses elsewhere', async () => {
    const think = (more: object) => ask({ model: 'qwen3:4b', stream: false, ...more });
    assert.match(json(await think({})).message.thinking, /^\[simulated thought\]/);
    assert.equal('thinking' in json(await think({ think: false })).message, false);
    const low = json(await think({ think: 'low' })).message.thinking;
    assert.ok(low.length < json(await think({ think: 'high' })).message.thinking.length);
    assert.equal((await think({ think: 'enormous' })).status, 400);
    const streamed = lines(await ask({ model: 'qwen3:4b' }));
    assert.ok(streamed[0].message.thinking && streamed[0].message.content === '');
    const refused = await ask({ think: true });
    assert.deepEqual([refused.status, json(refused)], [400, { error: '"llama3.2:3b" does not support thinking' }]);
  });

  it('answers in JSON, and by a schema in a value the schema accepts', async () => {
    const asJson = json(await ask({ format: 'json', stream: false }));
    assert.equal(JSON.parse(asJson.message.content).question, 'What is the capital of France?');
    const schema = {
      type: 'object',
      properties: {
        city: { type: 'string' },
        people: { type: 'integer', minimum: 5, maximum: 9 },
        tags: { type: 'array', items: { enum: ['a', 'b'] } },
      },
      required: ['city', 'people', 'tags'],
    };
    const value = JSON.parse(json(await ask({ format: schema, stream: false })).message.content);
    assert.equal(value.city, 'France');
    assert.ok(value.people >= 5 && value.people <= 9 && value.tags.every((tag: string) => tag === 'a' || tag === 'b'));
    const wrong = await ask({ format: 'xml' });
    assert.equal(wrong.status, 400);
    assert.match(json(wrong).error, /^invalid format: "xml"; expected "json" or a valid JSON Schema object$/);
  });

  it('calls the tool a question is about, and answers from the result', async () => {
    const tool = (name: string, properties: object) => ({
      type: 'function',
      function: {
        name,
        description: `${name} tool`,
        parameters: { type: 'object', properties, required: Object.keys(properties) },
      },
    });
    const tools = [
      tool('search_flights', { query: { type: 'string' } }),
      tool('get_weather', { city: { type: 'string' } }),
    ];
    const messages = [{ role: 'user', content: 'How is the weather in Paris?' }];
    const called = lines(await ask({ messages, tools }));
    const [call] = called[0].message.tool_calls;
    assert.deepEqual([call.function.name, call.function.arguments], ['get_weather', { city: 'Paris' }]);
    assert.match(call.id, /^call_/);
    assert.equal(called.at(-1).done_reason, 'stop');
    const two = json(
      await ask({ messages: [{ role: 'user', content: 'Weather in Paris and Oslo?' }], tools, stream: false }),
    );
    assert.deepEqual(
      two.message.tool_calls.map((one: { function: { arguments: unknown } }) => one.function.arguments),
      [{ city: 'Paris' }, { city: 'Oslo' }],
    );
    const answered = await ask({
      tools,
      messages: [
        ...messages,
        { role: 'assistant', content: '', tool_calls: [call] },
        { role: 'tool', tool_name: 'get_weather', content: '11 degrees, wind' },
      ],
    });
    assert.match(textOf(answered), /get_weather says: 11 degrees, wind/);
    assert.match(textOf(await ask({ tools })), /capital of France/, 'a question about no tool is answered');
    const refused = await ask({ model: 'gemma3:4b', tools });
    assert.deepEqual(
      [refused.status, json(refused).error],
      [400, 'registry.ollama.ai/library/gemma3:4b does not support tools'],
    );
  });

  it('takes images where the model sees, and names how many and which', async () => {
    const image = Buffer.from('not really a picture');
    const withImage = { messages: [{ role: 'user', content: 'What is this?', images: [image.toString('base64')] }] };
    const reply = await ask({ model: 'gemma3:4b', ...withImage });
    const hash = createHash('sha256').update(image).digest('hex').slice(0, 12);
    assert.match(textOf(reply), new RegExp(`with 1 image \\(sha256 ${hash}\\)`));
    assert.ok(lines(reply).at(-1).prompt_eval_count > 256);
    assert.equal((await ask(withImage)).status, 500);
    assert.equal(
      (await ask({ model: 'gemma3:4b', messages: [{ role: 'user', content: '', images: ['%%'] }] })).status,
      400,
    );
  });

  it('gives logprobs per token, streamed and whole, with the alternatives asked for', async () => {
    const streamed = lines(await ask({ logprobs: true, top_logprobs: 2 }));
    const [first] = streamed[0].logprobs;
    assert.equal(first.token, streamed[0].message.content);
    assert.deepEqual(first.bytes, [...Buffer.from(first.token)]);
    assert.equal(first.top_logprobs.length, 2);
    assert.ok(first.logprob < 0 && first.top_logprobs[1].logprob < first.logprob);
    const whole = json(await ask({ logprobs: true, stream: false }));
    assert.equal(whole.logprobs.map((one: { token: string }) => one.token).join(''), whole.message.content);
    assert.equal((await ask({ logprobs: true, top_logprobs: 21 })).status, 400);
  });

  it('drops the oldest messages beyond num_ctx, or refuses with truncate:false', async () => {
    const history = Array.from({ length: 40 }, (_, i) => ({
      role: 'user',
      content: `message ${i} with some words in it`,
    }));
    const messages = [{ role: 'system', content: 'Be kind.' }, ...history, ...question];
    const cut = await ask({ messages, options: { num_ctx: 60 } });
    assert.ok(lines(cut).at(-1).prompt_eval_count <= 60);
    assert.match(textOf(cut), /capital of France/);
    assert.notEqual(textOf(cut), textOf(await ask({ messages })));
    const refused = await ask({ messages, options: { num_ctx: 60 }, truncate: false });
    assert.deepEqual([refused.status, json(refused)], [400, { error: 'the input length exceeds the context length' }]);
  });

  it('loads and unloads without generating, in plain JSON, and lists what is resident', async () => {
    const resident = async () => json(await httpCall(`${thinker.url}/api/ps`)).models;
    assert.deepEqual(await resident(), []);
    const loaded = await post('/api/chat', { model, messages: [], keep_alive: '10m' });
    assert.equal(loaded.headers['content-type'], 'application/json; charset=utf-8');
    assert.deepEqual(
      [json(loaded).done, json(loaded).done_reason, json(loaded).message],
      [true, 'load', { role: 'assistant', content: '' }],
    );
    const [row] = await resident();
    assert.deepEqual([row.name, row.context_length], [model, 4_096]);
    const inMs = Date.parse(row.expires_at) - Date.now();
    assert.ok(inMs > 9 * 60_000 && inMs <= 10 * 60_000);
    const unloaded = await post('/api/generate', { model, prompt: '', keep_alive: 0 });
    assert.deepEqual([json(unloaded).done_reason, json(unloaded).response], ['unload', '']);
    assert.deepEqual(await resident(), []);
    assert.equal(thinker.stats().answers, 0);
  });

  it('renders without generating when asked to debug', async () => {
    const rendered = json(await ask({ _debug_render_only: true }));
    assert.match(rendered._debug_info.rendered_template, /user\nWhat is the capital of France/);
    assert.equal(thinker.stats().answers, 0);
  });

  it('embeds deterministically, normalised, with alike texts close and others not', async () => {
    const input = ['How do I boil an egg?', 'How should I boil eggs?', 'Which planets have rings?', ''];
    const reply = json(await post('/api/embed', { model: 'all-minilm', input }));
    assert.equal(reply.embeddings.length, 4);
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const [egg, eggs, planets] = reply.embeddings;
    for (const vector of reply.embeddings) {
      assert.equal(vector.length, 384);
      assert.ok(Math.abs(dot(vector, vector) - 1) < 1e-5);
    }
    assert.ok(
      dot(egg, eggs) > 0.5 && dot(egg, eggs) > dot(egg, planets) + 0.3,
      `${dot(egg, eggs)} ${dot(egg, planets)}`,
    );
    assert.deepEqual(json(await post('/api/embed', { model: 'all-minilm', input: input[0]! })).embeddings[0], egg);
    const [short] = json(
      await post('/api/embed', { model: 'all-minilm', input: input[0]!, dimensions: 64 }),
    ).embeddings;
    assert.equal(short.length, 64);
    assert.ok(Math.abs(dot(short, short) - 1) < 1e-5);
    const older = json(await post('/api/embeddings', { model: 'all-minilm', prompt: input[0] })).embedding;
    assert.ok(Math.abs(dot(older, older) - 1) > 0.1, 'the older route does not normalise');
    assert.ok(Math.abs(dot(older, egg) / Math.sqrt(dot(older, older)) - 1) < 1e-4, 'but points the same way');
  });

  it('refuses embedding input that is no text, too long with truncate:false, or of an absent model', async () => {
    assert.deepEqual(json(await post('/api/embed', { model: 'all-minilm', input: [1] })), {
      error: 'invalid input type',
    });
    const long = { model: 'all-minilm', input: 'word '.repeat(400) };
    assert.equal((await post('/api/embed', long)).status, 200);
    assert.equal((await post('/api/embed', { ...long, truncate: false })).status, 400);
    assert.equal((await post('/api/embed', { model: 'nope', input: 'x' })).status, 404);
    assert.deepEqual(json(await post('/api/embed', { model: 'all-minilm' })), { model: 'all-minilm', embeddings: [] });
    assert.deepEqual(json(await post('/api/embeddings', { model: 'all-minilm', prompt: '' })), { embedding: [] });
  });

  it('answers broken calls with Ollama’s statuses and words', async () => {
    const cases: [string, object | string, number, string | RegExp][] = [
      ['/api/chat', '', 400, 'missing request body'],
      ['/api/chat', '{"model":', 400, /JSON/],
      ['/api/chat', '[]', 400, /unmarshal/],
      ['/api/chat', { model: '', messages: question }, 400, 'model is required'],
      ['/api/generate', { model: '', prompt: 'x' }, 404, "model '' not found"],
      ['/api/chat', { model: 'nope', messages: question }, 404, "model 'nope' not found"],
      ['/api/generate', { model: 'nope:1b', prompt: 'x' }, 404, "model 'nope:1b' not found"],
      ['/api/chat', { model: 'all-minilm', messages: question }, 400, '"all-minilm" does not support chat'],
      ['/api/generate', { model: 'all-minilm', prompt: 'x' }, 400, '"all-minilm" does not support generate'],
      [
        '/api/generate',
        { model, prompt: 'x', raw: true, system: 's' },
        400,
        'raw mode does not support template, system, or context',
      ],
      [
        '/api/generate',
        { model, prompt: 'x', suffix: 'y' },
        400,
        'registry.ollama.ai/library/llama3.2:3b does not support insert',
      ],
      ['/api/chat', { model, messages: 'hello' }, 400, /messages/],
      ['/api/chat', { model, messages: question, keep_alive: '5 minutes' }, 400, /invalid duration "5 minutes"/],
    ];
    for (const [path, body, status, message] of cases) {
      const reply = await httpCall(thinker.url + path, { method: 'POST', body });
      const label = `${path} ${JSON.stringify(body)}`;
      assert.equal(reply.status, status, label);
      if (typeof message === 'string') assert.deepEqual(json(reply), { error: message }, label);
      else assert.match(json(reply).error, message, label);
    }
  });

  it('knows its routes: 404 for others, 405 with Allow for other methods, no control surface', async () => {
    const missing = await httpCall(`${thinker.url}/api/nothing`);
    assert.deepEqual([missing.status, missing.text], [404, '404 page not found']);
    const wrong = await httpCall(`${thinker.url}/api/chat`);
    assert.deepEqual([wrong.status, wrong.text, wrong.headers.allow], [405, '405 method not allowed', 'POST']);
    assert.equal((await httpCall(`${thinker.url}/api/tags`, { method: 'DELETE' })).headers.allow, 'GET, HEAD');
    assert.equal((await httpCall(`${thinker.url}/__sim/stats`)).status, 404);
    const account = await post('/api/me', '');
    assert.equal(account.status, 401);
    assert.ok(json(account).signin_url.startsWith('https://'));
  });

  it('refuses foreign hosts and origins when bound to loopback', async () => {
    const from = (headers: Record<string, string>, method = 'GET') =>
      httpCall(`${thinker.url}/api/version`, { headers, method });
    assert.equal((await from({ host: 'evil.example' })).status, 403);
    assert.equal((await from({ host: '93.184.216.34' })).status, 403);
    assert.equal((await from({ host: 'localhost:11434' })).status, 200);
    assert.equal((await from({ host: 'box.local' })).status, 200);
    assert.equal((await from({ origin: 'https://evil.example' })).status, 403);
    const page = await from({ origin: 'http://localhost:3000' });
    assert.deepEqual([page.status, page.headers['access-control-allow-origin']], [200, 'http://localhost:3000']);
    assert.equal((await from({ origin: 'http://localhost:3000' }, 'OPTIONS')).status, 204);
  });
});
