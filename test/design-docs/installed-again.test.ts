import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installDesignDocuments, readDesignDocuments } from '../../design-docs/install.ts';
import { pouchIn } from '../../replication/pouch.ts';
import { ROOT } from '../harness/child.ts';
import { tempFolder } from '../harness/temp-folder.ts';

test('installing again writes nothing; a changed document is set right', async () => {
  await using folder = await tempFolder();
  const db = new (pouchIn(folder.path))('hub');
  await installDesignDocuments(db);
  const { update_seq: first } = await db.info();
  await installDesignDocuments(db);
  expect((await db.info()).update_seq).toBe(first);

  const changed = await db.get('_design/center');
  await db.put({ ...changed, filters: { by_center: 'function () { return true; }' } });
  await installDesignDocuments(db);
  const mended = await db.get('_design/center');
  expect(mended._rev).toMatch(/^3-/);
  expect({ ...mended, _rev: undefined }).toEqual({ ...changed, _rev: undefined });
  await db.close();
});

test('two servers that install at once both succeed', async () => {
  await using folder = await tempFolder();
  const db = new (pouchIn(folder.path))('hub');
  await Promise.all([installDesignDocuments(db), installDesignDocuments(db)]);
  const ids = (await readDesignDocuments()).map(({ _id }) => _id);
  const { rows } = await db.allDocs({ startkey: '_design/', endkey: '_design0' });
  expect(rows.map(({ id }) => id).sort()).toEqual(ids.sort());
  await db.close();
});

test('design functions hold nothing that a query server of ES5 does not take', async () => {
  const folder = join(ROOT, 'design-docs');
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.js'));
  expect(files.length).toBeGreaterThan(4);
  for (const file of files) {
    const code = (await readFile(join(folder, file), 'utf8')).replaceAll(/\/\/.*$/gm, '');
    expect(code, file).not.toMatch(/=>|`|\b(let|const|class|async|await)\b|\.\.\.|\?\.|\?\?|,\s*\)/);
  }
});

test('the views count by center and type, and results by test', async () => {
  await using folder = await tempFolder();
  const db = new (pouchIn(folder.path))('hub');
  await installDesignDocuments(db);
  const result = (id: string, score: number) => ({ _id: id, type: 'result', testId: 'T1', score });
  await db.bulkDocs([result('center-LAG-1:result:E1', 40), result('center-LAG-10:result:E2', 60)] as never);
  const types = await db.query('reports/by_center_and_type', { group_level: 2 });
  expect(types.rows.map(({ key, value }) => [...key, value])).toEqual([
    ['LAG-1', 'result', 1],
    ['LAG-10', 'result', 1],
  ]);
  const scores = await db.query('reports/results_by_test', { group_level: 1 });
  expect(scores.rows).toMatchObject([{ key: ['T1'], value: { sum: 100, count: 2, max: 60 } }]);
  const found = await db.find({ selector: { type: 'result' } });
  expect(found).not.toHaveProperty('warning');
  expect(found.docs).toHaveLength(2);
  await db.close();
});
