import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { describe, it } from 'node:test';
import { adminRoutes } from '../../../src/admin/app.ts';
import { managementRoutes } from '../../../src/admin/management.ts';
import { errorTable, type ErrorCode } from '../../../src/core/errors.ts';
import { findRoute, gatewayRoutes } from '../../../src/gateway/routes.ts';
import { root, textOf } from '../../../test/support/source-tree.ts';
import { templated } from './document.ts';
import { gatewayOpenApi, headers } from './gateway.ts';
import { operatorOpenApi } from './operator.ts';

interface Response {
  readonly description: string;
  readonly content?: Readonly<Record<string, unknown>>;
  readonly 'x-selfhost-error-codes'?: readonly ErrorCode[];
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<Record<string, Response>>;
}

interface Document {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const gateway = JSON.parse(gatewayOpenApi()) as Document;
const operator = JSON.parse(operatorOpenApi()) as Document;

for (const [name, document] of Object.entries({ gateway, operator })) {
  describe(`OpenAPI of the ${name} port`, () => {
    const operations = operationsOf(document);

    it('has the structure that OpenAPI 3.1 asks for', () => {
      assert.match(document.openapi, /^3\.1\.\d+$/);
      assert.equal(typeof document.info['title'], 'string');
      assert.match(String(document.info['version']), /^\d+\.\d+\.\d+/);
      const ids = operations.map(({ operation }) => operation.operationId);
      assert.equal(new Set(ids).size, ids.length, 'an operationId is used twice');
      for (const { path, method, operation } of operations) {
        const where = `${method} ${path}`;
        assert.match(path, /^\//);
        assert.ok(['get', 'head', 'post', 'delete'].includes(method), where);
        assert.match(operation.operationId, /^[a-zA-Z0-9]+$/, where);
        assert.match(operation.summary, /^\p{Lu}.*\.$/u, where);
        const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
        const told = operation.parameters.filter((each) => each.in === 'path');
        assert.deepEqual(
          told.map((each) => [each.name, each.required]),
          inPath.map((each) => [each, true]),
          where,
        );
        const named = operation.parameters.map((each) => `${each.in} ${each.name}`);
        assert.equal(new Set(named).size, named.length, `${where} has a parameter twice`);
        assert.ok(Object.keys(operation.responses).length > 0, where);
        for (const [status, response] of Object.entries(operation.responses)) {
          assert.match(status, /^[2-5]\d\d$/, where);
          assert.ok(response.description.length > 1, `${where} ${status} has no description`);
        }
        for (const requirement of operation.security)
          for (const scheme of Object.keys(requirement))
            assert.ok(scheme in document.components['securitySchemes']!, `${where}: ${scheme} is not declared`);
      }
    });

    it('refers to nothing that is not there', () => {
      const found = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)];
      assert.ok(found.length > 0);
      for (const [, kind = '', part = ''] of found) assert.ok(part in document.components[kind]!, `${kind}/${part}`);
    });

    it('tells each error under the status that it has', () => {
      for (const { path, method, operation } of operations)
        for (const [status, response] of Object.entries(operation.responses))
          for (const code of response['x-selfhost-error-codes'] ?? [])
            assert.equal(String(errorTable[code].status), status, `${method} ${path}: ${code}`);
    });
  });
}

describe('OpenAPI', () => {
  it('has every route of the gateway and no other', () => {
    const served = gatewayRoutes.flatMap(({ path, methods }) =>
      methods.map((method) => `${method} ${templated(path)}`),
    );
    assert.deepEqual(written(gateway), served.filter((route) => !isImplied(route, served)).toSorted());
    for (const { path, method } of operationsOf(gateway)) {
      const found = findRoute(path.replace(/\{\w+\}/g, 'x'), {});
      assert.notEqual(found.kind, 'unknown', path);
      assert.ok(found.methods.includes(method.toUpperCase()), `${method} ${path}`);
    }
  });

  it('has every route of the operator port and no other', () => {
    const served = [
      ...adminRoutes.map(({ method, path }) => `${method} ${templated(path)}`),
      ...managementRoutes.flatMap(({ path, methods }) => methods.map((method) => `${method} ${templated(path)}`)),
    ];
    assert.deepEqual(written(operator), served.toSorted());
  });

  it('has every header that the gateway sends', () => {
    const sent = globSync('src/gateway/**/*.ts', { cwd: root })
      .filter((path) => !path.endsWith('.test.ts'))
      .flatMap((path) => [...textOf(path).matchAll(/'(x-selfhost-[a-z-]+)'/g)].map((match) => match[1]!));
    assert.ok(sent.length > 5);
    assert.deepEqual(
      [...new Set(sent)].filter((header) => !(header in headers)),
      [],
    );
  });

  it('says what a body is wherever the operator port reads JSON of ours', () => {
    const rotate = operator.paths['/api/keys/{id}/rotate']!['post']!;
    assert.deepEqual(rotate.requestBody!.content['application/json']!.schema, {
      type: 'object',
      properties: { graceS: { type: 'integer', minimum: 0, maximum: 31_622_400 } },
      additionalProperties: false,
    });
    const bodies = adminRoutes.filter(({ body }) => body !== undefined);
    assert.ok(bodies.length > 10);
    // These take none, or what a form sends.
    const without = ['/api/session/link', '/requests/:id/feedback', '/api/cache/flush'];
    assert.deepEqual(
      adminRoutes.filter(({ method, body }) => method === 'POST' && body === undefined).map(({ path }) => path),
      without,
    );
  });
});

function operationsOf(document: Document) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
}

const written = (document: Document): string[] =>
  operationsOf(document)
    .map(({ path, method }) => `${method.toUpperCase()} ${path}`)
    .toSorted();

/** HEAD goes without saying where there is GET. */
const isImplied = (route: string, all: readonly string[]): boolean =>
  route.startsWith('HEAD ') && all.includes(route.replace(/^HEAD/, 'GET'));
