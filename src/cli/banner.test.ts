import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aStatus } from '../../test/support/running-admin.ts';
import { banner, type BannerFacts } from './banner.ts';

const facts: BannerFacts = { keyRequired: false, adminKeyRequired: false, loginUrl: undefined, configFile: undefined };
const [thinker] = aStatus().thinkers;
const simulated = { ...thinker!, name: 'simulated', kind: 'simulated' as const, models: ['sim-chat:latest'] };

describe('banner', () => {
  it('says where it is, where answers come from, which embedder is active, why, and where data is kept', () => {
    const text = banner(aStatus(), facts);
    for (const part of [
      'llm-self-host 0.1.0 is ready',
      'Gateway   http://127.0.0.1:11435\n',
      'Operator  http://127.0.0.1:11436 ',
      'attic at http://127.0.0.1:11434\n',
      'models: nomic-embed-text:latest, llama3.2:latest\n',
      'lexical-1: the MiniLM files are not there\n',
      'run `llm-self-host embedder fetch`',
      '/home/ada/.local/share/llm-self-host\n',
      'on: same question, or the same in other words; 12 answers (33.2 KiB) in answers.db',
      'OLLAMA_HOST=http://127.0.0.1:11435\n',
      'base URL http://127.0.0.1:11435/v1  (any key will do)',
    ]) {
      assert.ok(text.includes(part), `${part}\nis not in\n${text}`);
    }
    assert.ok(!/SIMULATED|undefined|NaN/.test(text), text);
  });

  it('says how far other words are answered, and why nothing is learned from a simulation', () => {
    const status = aStatus();
    const semantic = {
      state: 'learning' as const,
      summary: 'learning: about 340 more audits until 5 %; until then near duplicates are served',
      target: 0.05,
      confidence: 0.95,
      cut: undefined,
      labels: 0,
      labelsSinceFit: 0,
      missing: { atLeast: 59, estimate: 340 },
      certificates: [],
      groups: [],
      falseHitShare: { audited: 0, wrong: 0, estimate: undefined, corrected: undefined, low: 0, high: 1 },
      breaker: { open: false, firedAt: undefined, firings: 0 },
      requests: 0,
      hits: 0,
      quarantined: 0,
      deniedPairs: 0,
      auditsMissing: 340,
      audits: { state: 'off' as const, why: 'thinkers are simulated', pending: 0, taken: 0, unsure: 0, dropped: 0 },
    };
    const text = banner({ ...status, cache: { ...status.cache, semantic } }, facts);
    assert.match(text, /other words: learning: about 340 more audits until 5 %; until then near duplicates are served/);
    assert.match(text, /audits are off: thinkers are simulated\n/);
    assert.ok(
      !banner({ ...status, cache: { ...status.cache, mode: 'exact-only', semantic } }, facts).includes('other words:'),
    );
  });

  it('gives a request to paste that names a model which can chat', () => {
    const line = banner(aStatus(), facts)
      .split('\n')
      .find((each) => each.includes('curl'));
    assert.equal(
      line,
      `  curl -i http://127.0.0.1:11435/api/chat -d '{"model":"llama3.2","messages":[{"role":"user","content":"Why is the sky blue?"}],"stream":false}'`,
    );
  });

  it('says plainly that answers are simulated, and what to do for real ones', () => {
    const text = banner(aStatus({ thinkers: [simulated] }), facts);
    assert.match(
      text,
      /simulated: SIMULATED, no model is running and its text is made up\n +models: sim-chat:latest\n/,
    );
    assert.match(text, /for real answers: start Ollama on this machine and restart/);
    const mixed = banner(aStatus({ thinkers: [thinker!, simulated] }), facts);
    assert.match(mixed, /SIMULATED/);
    assert.ok(!mixed.includes('for real answers'));
  });

  it('says which thinker has trouble, and why', () => {
    const broken = { ...thinker!, state: 'unreachable', lastError: 'connection refused', models: [] };
    assert.match(
      banner(aStatus({ thinkers: [broken] }), facts),
      /attic at http:\/\/127\.0\.0\.1:11434; unreachable: connection refused\n +it has no models yet/,
    );
    assert.match(banner(aStatus({ thinkers: [] }), facts), /NOWHERE YET: no thinker is configured/);
  });

  it('shows how to fetch a model when there is none to ask', () => {
    const text = banner(aStatus({ thinkers: [{ ...thinker!, models: [] }] }), { ...facts, adminKeyRequired: true });
    assert.match(
      text,
      /curl -H "Authorization: Bearer \$SELFHOST_ADMIN_KEY" http:\/\/127\.0\.0\.1:11436\/api\/pull -d '\{"model":/,
    );
  });

  it('says what overrides the file, before somebody edits that', () => {
    const setting = { name: 'cache.ttlMs', value: 60_000, written: 86_400_000, changedAt: 1 };
    assert.match(
      banner(aStatus({ overriding: [setting] }), { ...facts, configFile: 'gateway.yaml' }),
      /^ {2}Config {4}gateway\.yaml\n {12}cache\.ttlMs is 60000, changed at run time; the configuration says 86400000$/m,
    );
  });

  it('sends a key where one is needed', () => {
    const text = banner(aStatus(), {
      keyRequired: true,
      adminKeyRequired: true,
      loginUrl: 'http://127.0.0.1:11436/login#link=abc',
      configFile: 'gateway.yaml',
    });
    assert.match(text, /curl -i -H "Authorization: Bearer \$SELFHOST_API_KEY" /);
    assert.match(text, /\/v1 {2}\(with your key\)/);
    assert.match(text, /asks for its key/);
    assert.match(text, /^ {12}http:\/\/127\.0\.0\.1:11436\/login#link=abc {2}\(logs in once/m);
    assert.match(text, /Config {4}gateway\.yaml/);
  });

  it('fits a terminal: no line of its own words is wider than 120 columns', () => {
    const many = { ...thinker!, models: Array.from({ length: 40 }, (_, i) => `model-${i}:latest`) };
    const text = banner(aStatus({ thinkers: [many, simulated] }), facts);
    assert.match(text, /and 36 more/);
    for (const line of text.split('\n')) assert.ok(line.length <= 120 || line.includes('curl'), line);
  });
});
