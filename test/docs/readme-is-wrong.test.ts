import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, runScript } from '../harness/child.ts';

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
