import { expect, test } from 'vitest';
import { readPage } from '../../replication/page-files.ts';
import { scriptBytes } from '../bench/rows/candidate-page.ts';

const KB = 1024;

test.each([
  ['candidate', 'local-node/pages/exam', 40],
  ['operator', 'local-node/pages/operator', 60],
  ['administrator', 'server/pages', 150],
])('the %s’s scripts are at most so many KB', async (_, folder, most) => {
  const page = await readPage(new URL(`../../${folder}/index.html`, import.meta.url), '/files');
  const size = scriptBytes(page) / KB;
  console.log(`${folder}: ${size.toFixed(1)} KB of JavaScript, gzip`);
  expect(size).toBeGreaterThan(5);
  expect(size).toBeLessThanOrEqual(most);
});

test('a page serves what it imports, without types, and nothing else', async () => {
  const { files, html } = await readPage(
    new URL('../../local-node/pages/exam/index.html', import.meta.url),
    '/exam/files',
  );
  const paths = [...files.keys()];
  expect(new Set(paths.map((path) => path.split('/', 1)[0])).size).toBe(1);
  expect(paths.filter((path) => /operator|server|\/view\.ts$/.test(path))).toEqual([
    expect.stringMatching(/\/replication\/pages\/view\.ts$/),
  ]);
  for (const path of paths) expect(Buffer.from(html.body).toString()).toContain(`/exam/files/${path}`);
  const text = Buffer.from(files.get(paths.find((path) => path.endsWith('/work.ts'))!)!.body).toString();
  expect(text).not.toMatch(/import type|interface |: Promise</);
});
