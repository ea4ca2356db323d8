import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../harness/child.ts';

const LITERAL = /'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g;
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const found = (pattern: string) => globSync(pattern, { cwd: ROOT });

test('no line of French begins with a sign that belongs to the word before it', () => {
  const files = found('{server,local-node}/pages/**/words-fr.ts');
  expect(files.length).toBe(3);
  const texts = files.flatMap((path) => read(path).match(LITERAL) ?? []);
  const breakable = texts.filter((text) => / [?!:;»]|« /.test(text.replaceAll(/\$\{[^}]*\}/g, '')));
  expect(breakable).toEqual([]);
});

test('no style knows left and right, so that a page can be read from either side', () => {
  const files = found('{server,local-node,replication}/pages/**/*.css');
  expect(files.length).toBeGreaterThan(4);
  const sided = files.flatMap((path) => {
    const lines = read(path).split('\n');
    return lines
      .filter((line) => /\b(left|right)\b/.test(line) || isLopsided(line))
      .map((line) => `${path}: ${line}`);
  });
  expect(sided).toEqual([]);
});

/** `margin: 1 2 3 4` with another value on the right than on the left. */
function isLopsided(line: string): boolean {
  const [, values = ''] = /^\s*(?:margin|padding|inset|border-width): ([^;]+);/.exec(line) ?? [];
  const [, right, , left] = values.split(/\s+/);
  return left !== undefined && left !== right;
}
