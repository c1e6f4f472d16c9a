/** What is shipped in deploy/ is what the program understands. No engine is needed to see that. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { resolveConfig } from '../src/config/load.ts';
import { environmentOf, parseDockerfile, stepsOf, wordsOf } from './support/dockerfile.ts';
import { repositoryFiles, root, textOf } from './support/source-tree.ts';

/* eslint-disable-next-line typescript/no-explicit-any -- YAML of other people's formats, read by name */
type Yaml = any;

const secrets = { SELFHOST_API_KEYS: 'acme:0123456789abcdef', SELFHOST_ADMIN_KEY: 'operator-0123456789' };
const ports = resolveConfig({}, {});

describe('deploy/Dockerfile', () => {
  const stages = parseDockerfile(textOf('deploy/Dockerfile'));
  const [build, final] = [stages[0]!, stages.at(-1)!];

  it('builds in one stage and ships another, on the Node that is asked for', () => {
    assert.equal(stages.length, 2);
    const { engines } = JSON.parse(textOf('package.json')) as { engines: { node: string } };
    const major = /\d+/.exec(engines.node)![0];
    for (const { from } of stages) assert.match(from, new RegExp(`^node:${major}-[\\w-]+$`));
  });

  it('uses only instructions that exist, and none that fetch from elsewhere', () => {
    const known = [
      'ARG',
      'CMD',
      'COPY',
      'ENTRYPOINT',
      'ENV',
      'EXPOSE',
      'HEALTHCHECK',
      'RUN',
      'STOPSIGNAL',
      'USER',
      'VOLUME',
      'WORKDIR',
    ];
    const wrong = stages.flatMap(({ steps }) => steps.filter(({ instruction }) => !known.includes(instruction)));
    assert.deepEqual(wrong, []);
    assert.doesNotMatch(textOf('deploy/Dockerfile'), /curl|wget|apt-get/);
  });

  it('copies what is there, and what its ignore file lets through', () => {
    const files = repositoryFiles();
    const passed = textOf('deploy/Dockerfile.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    const wanted = stages.flatMap((stage) =>
      stepsOf(stage, 'COPY').flatMap(({ rest }) => (rest.startsWith('--from') ? [] : rest.split(/\s+/).slice(0, -1))),
    );
    assert.ok(wanted.length > 5);
    for (const path of wanted) {
      assert.ok(
        files.some((file) => file === path || file.startsWith(`${path}/`)),
        `${path} is not in the repository`,
      );
      assert.ok(
        passed.some((each) => path === each || path.startsWith(`${each}/`)),
        `${path} is ignored`,
      );
    }
    for (const path of passed) assert.ok(wanted.includes(path), `${path} is let through and not used`);
  });

  it('runs as an ordinary user, keeps data in a volume, says whether it is healthy', () => {
    const user = final.steps.findIndex(({ instruction, rest }) => instruction === 'USER' && rest === 'node');
    const start = final.steps.findIndex(({ instruction }) => instruction === 'ENTRYPOINT');
    assert.ok(user !== -1 && user < start);
    assert.equal(environmentOf(final)['SELFHOST_DATA_DIR'], stepsOf(final, 'VOLUME')[0]!.rest);
    assert.deepEqual(stepsOf(final, 'EXPOSE')[0]!.rest.split(' ').map(Number), [ports.gateway.port, ports.admin.port]);
    assert.match(wordsOf(stepsOf(final, 'HEALTHCHECK')[0]).join(' '), new RegExp(`:${ports.admin.port}/healthz`));
    assert.deepEqual(
      [...wordsOf(stepsOf(final, 'ENTRYPOINT')[0]), ...wordsOf(stepsOf(final, 'CMD')[0])].at(-1),
      'serve',
    );
    assert.equal(stepsOf(build, 'RUN')[0]!.rest, 'npm ci --ignore-scripts');
  });

  it('has a configuration that starts with keys, and is refused without', () => {
    const config = parse(textOf('deploy/gateway.yaml')) as unknown;
    assert.equal(resolveConfig(config, secrets).gateway.host, '0.0.0.0');
    assert.throws(() => resolveConfig(config, {}), /no API keys are configured/);
  });
});

describe('deploy/compose.yaml', () => {
  const text = textOf('deploy/compose.yaml');
  const compose: Yaml = parse(text);

  it('mounts files that are there, or that the reader is told to make', () => {
    const made = ['./secrets/metrics-token'];
    const named = new Set(Object.keys(compose.volumes));
    for (const [name, service] of Object.entries<Yaml>(compose.services)) {
      for (const volume of service.volumes ?? []) {
        const [from] = volume.split(':');
        if (named.has(from) || made.includes(from)) continue;
        assert.ok(existsSync(join(root, 'deploy', from)), `${name} mounts ${from}`);
      }
    }
    for (const path of made) assert.ok(textOf('deploy/.env.example').includes(path.slice(2)));
  });

  it('asks for no variable that the example does not explain', () => {
    const asked = new Set([...text.matchAll(/\$\{(\w+)/g)].map((match) => match[1]!));
    const explained = new Set([...textOf('deploy/.env.example').matchAll(/^#?([A-Z_]+)=/gm)].map((match) => match[1]!));
    assert.deepEqual([...asked].toSorted(), [...explained].toSorted());
  });

  it('keeps Redis and Prometheus to their profiles, and operators to this machine', () => {
    assert.equal(compose.services.gateway.profiles, undefined);
    assert.deepEqual(compose.services.redis.profiles, ['redis']);
    assert.deepEqual(compose.services.prometheus.profiles, ['monitoring']);
    const published: string[] = compose.services.gateway.ports;
    assert.ok(published.includes(`127.0.0.1:${ports.admin.port}:${ports.admin.port}`));
    for (const service of Object.values<Yaml>(compose.services))
      if (service.image !== 'llm-self-host') assert.match(service.image, /:v?\d/, 'a version, not whatever is latest');
  });
});

describe('deploy/kubernetes', () => {
  const documents = parseAllDocuments(textOf('deploy/kubernetes/gateway.yaml')).map((each): Yaml => {
    assert.deepEqual(each.errors, []);
    return each.toJS();
  });
  const one = (kind: string): Yaml => documents.find((each) => each.kind === kind);

  it('configures gateways that start, on several replicas', () => {
    const config = parse(one('ConfigMap').data['gateway.yaml']) as unknown;
    const { gateway, admin } = resolveConfig(config, secrets);
    const pod = one('StatefulSet').spec.template.spec;
    assert.ok(one('StatefulSet').spec.replicas >= 2);
    const [container] = pod.containers;
    assert.deepEqual(
      container.ports.map((port: Yaml) => port.containerPort),
      [gateway.port, admin.port],
    );
    assert.ok(pod.terminationGracePeriodSeconds * 1000 > gateway.shutdownGraceMs + 5_000);
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
      assert.deepEqual(container[probe].httpGet, { path: '/healthz', port: 'operator' });
  });

  it('gives them little', () => {
    const pod = one('StatefulSet').spec.template.spec;
    const [container] = pod.containers;
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.equal(pod.automountServiceAccountToken, false);
    assert.equal(container.securityContext.readOnlyRootFilesystem, true);
    assert.deepEqual(container.securityContext.capabilities.drop, ['ALL']);
    assert.ok(container.resources.limits.memory && container.resources.requests.cpu);
    const mounts: string[] = container.volumeMounts.map((mount: Yaml) => mount.name);
    const claims: Yaml[] = one('StatefulSet').spec.volumeClaimTemplates;
    const volumes: string[] = [...pod.volumes, ...claims.map((each) => each.metadata)].map(
      (volume: Yaml) => volume.name,
    );
    assert.deepEqual(mounts.toSorted(), volumes.toSorted());
  });

  it('finds its pods by the same labels everywhere', () => {
    const labels = one('StatefulSet').spec.template.metadata.labels;
    const selectors = documents.flatMap(({ kind, spec }) => {
      if (kind === 'Service') return [spec.selector];
      if (kind === 'StatefulSet' || kind === 'PodDisruptionBudget') return [spec.selector.matchLabels];
      return kind === 'NetworkPolicy' ? [spec.podSelector.matchLabels] : [];
    });
    assert.equal(selectors.length, 5);
    for (const selector of selectors) assert.deepEqual(selector, labels);
    assert.ok(
      documents.some((each) => each.kind === 'Service' && each.metadata.name === one('StatefulSet').spec.serviceName),
    );
    for (const { metadata } of documents) assert.equal(metadata.namespace, 'llm-self-host');
  });
});

it('deploy/llm-self-host.service is a unit that systemd understands', (test) => {
  const path = join(root, 'deploy/llm-self-host.service');
  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' });
  if (verified.error) return test.diagnostic('systemd-analyze is not on this machine: the unit was not verified');
  assert.deepEqual(
    verified.stderr.split('\n').filter((line) => line.includes('llm-self-host.service:')),
    [],
  );
});
