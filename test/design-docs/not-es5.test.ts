import { globSync, readFileSync } from 'node:fs';
import { parse } from 'acorn';
import { expect, test } from 'vitest';
import { ROOT } from '../harness/child.ts';

const files = globSync(`${ROOT}design-docs/**/*.js`);

test('there are design functions', () => expect(files.length).toBeGreaterThan(3));

test.each(files)('%s is plain ES5, as every CouchDB and express-pouchdb run it', (file) => {
  const text = readFileSync(file, 'utf8');
  expect(() => parse(text, { ecmaVersion: 5 })).not.toThrow();
  // Functions of later libraries; syntax is not all that an older engine lacks.
  expect(text).not.toMatch(
    /Object\.(hasOwn|entries|values)|Number\.is|\.(includes|startsWith|endsWith|find)\(/,
  );
});
