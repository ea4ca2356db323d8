import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { answersDocument } from '../harness/documents.ts';
import { type ServerProcess, startServer } from '../harness/server.ts';
import { smallDisk } from '../harness/small-disk.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
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

test('a server whose disk was full goes on by itself, and what it acknowledges then is there after a kill', async () => {
  await using disk = await smallDisk(96);
  await using server = await startServer({ dataDir: disk.path });
  const put = (key: string) => putSubject(server, key);
  expect(await put('S0')).toEqual([201, undefined]);
  await disk.fill();
  for (let n = 0; n < 3; n += 1) expect(await put(`F${n}`)).toEqual([507, 'insufficient_storage']);
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(507);
  await disk.makeRoom();
  await until(async () => (await fetch(`${server.url}/health/ready`)).ok, { what: 'the server goes on' });
  const acknowledged = ['S0'];
  for (let n = 1; n < 30; n += 1) {
    expect(await put(`S${n}`)).toEqual([201, undefined]);
    acknowledged.push(`S${n}`);
  }
  await server.addCenter('L-1');
  await server.kill();
  await server.start();
  const keys = acknowledged.map((key) => `common:subject:${key}`);
  const { rows } = await server.api.request<{ rows: { error?: string }[] }>('POST', '/couch/cbt/_all_docs', {
    keys,
  });
  expect(rows.filter(({ error }) => error)).toEqual([]);
  const { centers } = await server.api.request<{ centers: object[] }>('GET', '/api/centers');
  expect(centers).toHaveLength(1);
});

test('nothing is stored behind a write that failed, though there is room again', async () => {
  await using disk = await smallDisk(96);
  await using server = await startServer({ dataDir: disk.path });
  await disk.fill();
  expect((await putSubject(server, 'F'))[0]).toBe(507);
  // Room for a document, and not enough to open the stores again.
  await disk.makeRoom(1);
  expect(await putSubject(server, 'G')).toEqual([507, 'insufficient_storage']);
  await expect(server.addCenter('L-1')).rejects.toThrow('insufficient_storage');
  expect((await server.stop()).code, 'it stops when asked to').toBe(0);
});

/** @returns the status, and the code of an error. */
async function putSubject({ url, adminToken }: ServerProcess, key: string): Promise<unknown[]> {
  const response = await fetch(`${url}/couch/cbt/common:subject:${key}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'subject', subjectCode: key, name: 'n'.repeat(3000) }),
  });
  return [response.status, ((await response.json()) as { error?: string }).error];
}
