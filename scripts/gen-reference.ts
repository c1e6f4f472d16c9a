/** `npm run docs:reference`: writes what is generated from the code. `test/tidy.test.ts` says when it is out of date. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { alertsReference } from './reference/alerts.ts';
import { configExample, configReference } from './reference/config.ts';
import { errorsReference } from './reference/errors.ts';
import { grafanaFiles } from './reference/grafana.ts';
import { gatewayOpenApi } from './reference/openapi/gateway.ts';
import { operatorOpenApi } from './reference/openapi/operator.ts';
import { prometheusConfig, prometheusRules } from './reference/prometheus.ts';
import { cliReference, metricsReference } from './reference/tables.ts';

/** By path from the root of the repository. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    'config.example.yaml': configExample(),
    'docs/reference/config.md': configReference(),
    'docs/reference/metrics.md': metricsReference(),
    'docs/reference/errors.md': errorsReference(),
    'docs/reference/alerts.md': alertsReference(),
    'docs/reference/cli.md': cliReference(),
    'docs/reference/openapi-gateway.json': gatewayOpenApi(),
    'docs/reference/openapi-operator.json': operatorOpenApi(),
    'deploy/prometheus/selfhost-rules.yaml': prometheusRules(),
    'deploy/prometheus/prometheus.yaml': prometheusConfig(),
    ...grafanaFiles(),
  };
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname);
  for (const [path, content] of Object.entries(generatedFiles())) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    console.log(`wrote ${path}`);
  }
}
