import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScript } from '../harness/child.ts';
import { tempFolder } from '../harness/temp-folder.ts';

/** What a package of any size may take. */
const LIMIT_MEGABYTES = 200;
const CONTENT_MEGABYTES = 400;

test('writing and reading a package takes the same memory however large it is', {
  timeout: 300_000,
}, async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, 'large.cbtpkg');
  const written = await run<{ keys: string }>('write', file, String(CONTENT_MEGABYTES));
  // No less of it than memory there is, encrypted or not.
  expect(statSync(file).size).toBeGreaterThan(LIMIT_MEGABYTES * 1e6);
  expect(written.maxMegabytes).toBeLessThan(LIMIT_MEGABYTES);
  const read = await run('read', file, written.keys);
  expect(read.documents).toBe(written.documents);
  expect(read.maxMegabytes).toBeLessThan(LIMIT_MEGABYTES);
});

async function run<More>(...args: string[]): Promise<{ documents: number; maxMegabytes: number } & More> {
  const { code, stdout, output } = await runScript('test/package/large.ts', args);
  if (code !== 0) throw new Error(output);
  return JSON.parse(stdout) as { documents: number; maxMegabytes: number } & More;
}
