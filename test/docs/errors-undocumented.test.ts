import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ERRORS } from '../../replication/errors.ts';
import { ROOT } from '../harness/child.ts';

test('docs/errors.md lists every error, with its status and what to do, and no other', () => {
  const text = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
  const documented = [...text.matchAll(/^\| `(\w+)` \| (\d+) \| (.+) \|$/gm)].map(
    ([, code, status, action]) => [code, { statusCode: Number(status), action }],
  );
  expect(Object.fromEntries(documented)).toEqual(ERRORS);
  expect(documented).toHaveLength(Object.keys(ERRORS).length);
});
