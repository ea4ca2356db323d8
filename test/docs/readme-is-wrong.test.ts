import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, runScript } from '../harness/child.ts';
import { openNodeHere } from '../harness/node.ts';
import { openServerHere } from '../harness/server.ts';

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };

describe('README.md', () => {
  test('names only scripts, files and links that are there', () => {
    for (const [, name] of readme.matchAll(/npm run (\w+)/g)) expect(Object.keys(scripts)).toContain(name);
    for (const [, path] of readme.matchAll(/\]\(([^)#]+)\)/g))
      expect(existsSync(join(ROOT, path as string)), path).toBe(true);
    for (const [path] of readme.matchAll(/\b(server|local-node)\/cbt-\w+/g)) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
    }
  });

  test('is short', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(150);
  });

  test('names only routes that the server and the node describe', async () => {
    await using server = await openServerHere();
    await using node = await openNodeHere({ server: server.url, center: await server.addCenter('L-1') });
    const routes = new Set([...(await describedRoutes(server.url)), ...(await describedRoutes(node.url))]);
    const named = readme.matchAll(/`(GET|POST|PUT|DELETE) (\S+?)(?:\?[^`]*|\[[^`]*)?`/g);
    const missing = [...named]
      .map(([, method, path = '']) => `${method} ${path.replace(/:\w+/g, '{}')}`)
      .filter((route) => !routes.has(route));
    expect(missing).toEqual([]);
  });

  test.each([
    ['server/main.ts', /server\/cbt-server ([a-z]+)(?: ([a-z]+))?/g],
    ['local-node/main.ts', /local-node\/cbt-node ([a-z]+)/g],
  ])('names only commands that %s has', async (script, pattern) => {
    const commands = new Set(
      [...readme.matchAll(pattern)].map(([, ...words]) => words.filter(Boolean).join(' ')),
    );
    expect(commands.size).toBeGreaterThan(1);
    for (const command of commands) {
      const exit = await runScript(script, [
        ...command.split(' ').filter((word) => word !== 'exports'),
        '--help',
      ]);
      expect(exit.output, command).toContain(`${command.split(' ')[0]}`);
      expect(exit.code, command).toBe(0);
    }
  });
});

/** `GET /api/centers/{}` for each operation that a process describes by OpenAPI. */
async function describedRoutes(url: string): Promise<string[]> {
  const { paths } = (await (await fetch(`${url}/docs/json`)).json()) as { paths: Record<string, object> };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '{}')}`),
  );
}
