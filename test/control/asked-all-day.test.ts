import { queryObjects } from 'node:v8';
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';
import { centerDocument } from '../harness/documents.ts';
import { openServerHere } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';

const CENTER = 'LAG-1';

/** Name spaces of LevelDBs that this process holds: their databases keep them until they close. */
async function countSpaces(): Promise<number> {
  await using folder = await tempFolder('cbt-level');
  await using level = new ClassicLevel(folder.path);
  return queryObjects(level.sublevel('one').constructor, { format: 'count' });
}

test('a server that is asked all day long holds no more than before', async () => {
  await using server = await openServerHere();
  await server.importDocuments([centerDocument(CENTER)]);
  const paths = ['/api/board', '/api/status', '/api/readiness', `/api/centers/${CENTER}/overview`];
  const askAll = async (times: number) => {
    for (let n = 0; n < times; n += 1) {
      await Promise.all(paths.map((path) => server.api.request('GET', path)));
      await server.importDocuments([centerDocument(CENTER)]);
      await server.api.request('GET', `/replicas/${CENTER}/_local/checkpoint`).catch(() => undefined);
    }
  };
  await askAll(5);
  const before = await countSpaces();
  await askAll(20);
  expect(await countSpaces()).toBe(before);
});
