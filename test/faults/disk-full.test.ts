import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { answersDocument } from '../harness/documents.ts';
import { startServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { ask, type Json } from '../replica/request.ts';

const BLOCKS = 8192;
const BATCH = 20;

test('a disk that is full is said in plain words, and what was acknowledged before is there', async () => {
  await using folder = await tempFolder('cbt-server');
  const acknowledged: string[] = [];
  {
    await using server = await startServer({ dataDir: folder.path, fileBlocks: BLOCKS });
    const center = await server.addCenter('L-1');
    for (let n = 0; ; n += BATCH) {
      const docs = Array.from({ length: BATCH }, (_, k) => ({
        ...answersDocument('L-1', 'T', n + k),
        scan: randomBytes(20_000).toString('base64'),
      }));
      const { status, json } = await ask(center, '/_bulk_docs', { body: { docs } });
      if (status !== 201) {
        expect([status, json.error]).toEqual([507, 'insufficient_storage']);
        expect(json.reason).toMatch(/disk is full/);
        break;
      }
      acknowledged.push(...json.map(({ id }: Json) => id));
    }
    expect((await ask(center, `/${acknowledged[0]}`)).status, 'reading goes on').toBe(200);
    expect((await fetch(`${server.url}/health/ready`)).status, 'a supervisor can see it').toBe(507);
  }
  expect(acknowledged.length).toBeGreaterThan(0);
  await using server = await startServer({ dataDir: folder.path });
  const { rows } = await server.api.request<{ rows: { error?: string }[] }>('POST', '/couch/cbt/_all_docs', {
    keys: acknowledged,
  });
  expect(rows.filter(({ error }) => error)).toEqual([]);
});
