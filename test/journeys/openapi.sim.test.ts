/** The two ports answer as their OpenAPI documents say. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { adminRoutes } from '../../src/admin/app.ts';
import { managementRoutes } from '../../src/admin/management.ts';
import { gatewayRoutes } from '../../src/gateway/routes.ts';
import { textOf } from '../support/source-tree.ts';
import { model, startRig, type Rig } from './harness.ts';

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          { readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>> }
        >
      >
    >
  >;
}

const documentOf = (port: string) => JSON.parse(textOf(`docs/reference/openapi-${port}.json`)) as Document;
const gateway = documentOf('gateway');
const operator = documentOf('operator');

const templated = ({ path }: { readonly path: string }): string => path.replace(/:(\w+)/g, '{$1}');
const routesOf = {
  operator: [...adminRoutes, ...managementRoutes].map(templated),
  gateway: gatewayRoutes.map(templated),
} as const;

/** Nothing has these ids, so what is changed by them is nothing. */
const filled = (path: string): string =>
  path.replace('/api/live/{id}', '/api/live/status').replace(/\{\w+\}/g, 'nothing-has-this-id');

async function ask(base: string, method: string, path: string, body?: string) {
  const leave = new AbortController();
  const reply = await fetch(base + filled(path) + (path === '/api/live' ? '?topics=status' : ''), {
    method: method.toUpperCase(),
    redirect: 'manual',
    signal: leave.signal,
    ...(body !== undefined && { body }),
  });
  const type = (reply.headers.get('content-type') ?? '').split(';')[0]!.trim();
  // A stream goes on until its reader leaves.
  const text = type === 'text/event-stream' ? '' : await reply.text();
  leave.abort();
  return { status: String(reply.status), type, text };
}

describe('OpenAPI and the ports', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
  });
  after(() => rig?.close());

  it('serves both as they are written, with every route and the addresses that hold here', async () => {
    for (const [port, written, url] of [
      ['operator', operator, '/'],
      ['gateway', gateway, rig.url],
    ] as const) {
      const reply = await fetch(`${rig.adminUrl}/api/openapi.json?port=${port}`);
      assert.equal(reply.headers.get('content-type'), 'application/json; charset=utf-8');
      const served = (await reply.json()) as Document & { readonly servers: unknown };
      assert.deepEqual(served, { ...written, servers: [{ url }] });
      for (const route of routesOf[port]) assert.ok(route in written.paths, `${route} of the ${port} port`);
    }
    const { paths } = (await (await fetch(`${rig.adminUrl}/api/openapi.json`)).json()) as Document;
    assert.deepEqual(paths, operator.paths);
    assert.equal((await fetch(`${rig.adminUrl}/api/openapi.json?port=22`)).status, 400);
  });

  for (const [path, methods] of Object.entries(operator.paths)) {
    if (methods['get'] === undefined) continue;
    it(`GET ${path} of the operator port answers as it is written`, async () => {
      const { responses } = methods['get']!;
      const { status, type, text } = await ask(rig.adminUrl, 'get', path);
      assert.ok(
        status in responses,
        `${status} is not among ${Object.keys(responses).join(', ')}: ${text.slice(0, 200)}`,
      );
      const html = type === 'text/html';
      if (!html) assert.ok(type in (responses[status]!.content ?? {}), `${status} is ${type}`);
      // Pages tell their refusals as pages.
      else assert.ok('text/html' in (responses['200']!.content ?? {}), `${path} is a page`);
    });
  }

  for (const [path, methods] of Object.entries(operator.paths)) {
    // Push, pull and their like go to a server; a flush and a login link take no body.
    if (!path.startsWith('/api/') || methods['post']?.responses['400'] === undefined) continue;
    if (/^\/api\/(pull|push|create|copy|blobs|session)/.test(path)) continue;
    it(`POST ${path} refuses what is no JSON, as it is written`, async () => {
      const { status, type, text } = await ask(rig.adminUrl, 'post', path, '{');
      assert.ok(status in methods['post']!.responses, `${status}: ${text.slice(0, 200)}`);
      assert.ok(Number(status) >= 400, status);
      assert.equal(type, 'application/json');
      assert.equal(typeof (JSON.parse(text) as { error: { code: string } }).error.code, 'string');
    });
  }

  for (const [path, methods] of Object.entries(gateway.paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      it(`${method.toUpperCase()} ${path} of the gateway answers as it is written`, async () => {
        const body = method === 'post' ? JSON.stringify({ model, verdict: 'right' }) : undefined;
        const { status, text } = await ask(rig.url, method, path, body);
        assert.ok(
          status in responses,
          `${status} is not among ${Object.keys(responses).join(', ')}: ${text.slice(0, 200)}`,
        );
      });
    }
  }
});
