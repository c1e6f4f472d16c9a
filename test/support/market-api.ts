/** The simulated market as its official client speaks to it: paths, bodies, numbers in quotes, written out by hand. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import { startVastWorld, type VastWorld } from '../../src/sim/world.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { httpCall, type HttpCall } from '../../src/testing/http-call.ts';

export type Json = Record<string, unknown>;

export let clock: FakeClock;
export let world: VastWorld;

/** A fresh world for each test of the caller. */
export function freshWorlds(rateLimits: 'on' | 'off'): void {
  beforeEach(async () => {
    clock = new FakeClock();
    world = await startVastWorld({
      seed: 5,
      clock,
      machines: 120,
      badShare: 0,
      takenShare: 0,
      mtbfHours: Infinity,
      thinkers: 'none',
      rateLimits,
      control: true,
    });
  });
  afterEach(() => world.close());
}

export async function api(method: string, path: string, body?: object, headers = bearer()) {
  const text = body && JSON.stringify(body);
  // Node sends the body of a DELETE without its length, unless it is told.
  const sized = { ...headers, ...(text !== undefined && { 'content-length': String(Buffer.byteLength(text)) }) };
  const reply = await httpCall(world.url + path, { method, headers: sized, ...(text !== undefined && { body: text }) });
  return { status: reply.status, type: reply.headers['content-type'], text: reply.text, json: parse(reply.text) };
}
export const bearer = (key = world.key): NonNullable<HttpCall['headers']> => ({ authorization: `Bearer ${key}` });
const parse = (text: string): Json => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
};
export const query = (values: Json) =>
  new URLSearchParams(
    Object.entries(values).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ).toString();

/** As `vastai search offers` does without options. */
export const plainSearch = {
  verified: { eq: true },
  external: { eq: false },
  rentable: { eq: true },
  order: [['score', 'desc']],
  type: 'on-demand',
  allocated_storage: 5.0,
};
/** As `vastai create instance` does; the runtype is really spelt so. */
export const create = (label: string | null = null): Json => ({
  client_id: 'me',
  image: 'ollama/ollama:latest',
  env: { '-p 8443:8443': '1', SECRET: 'hunter2hunter2' },
  price: null,
  disk: 16.0,
  label,
  extra: null,
  onstart: null,
  image_login: null,
  python_utf8: false,
  lang_utf8: false,
  use_jupyter_lab: false,
  jupyter_dir: null,
  force: false,
  cancel_unavail: false,
  template_hash_id: null,
  user: null,
  runtype: 'ssh_direc ssh_proxy',
});

export async function offers(search: Json = plainSearch): Promise<Json[]> {
  return (await api('POST', '/api/v0/bundles/', search)).json['offers'] as Json[];
}
export async function rent(label: string | null = null): Promise<number> {
  const [offer] = await offers({ ...plainSearch, limit: 1 });
  const { json } = await api('PUT', `/api/v0/asks/${String(offer!['id'])}/`, create(label));
  assert.equal(json['success'], true, JSON.stringify(json));
  return json['new_contract'] as number;
}
