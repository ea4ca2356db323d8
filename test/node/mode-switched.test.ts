import { expect, test } from 'vitest';
import type { StatusAnswer } from '../../local-node/routes/schemas.ts';
import { until } from '../harness/until.ts';
import { CENTER, openCenter, startCenter } from './center.ts';
import { answers, subject } from './documents.ts';

test('switching modes while work is written loses nothing, repeats nothing and needs no restart', async () => {
  await using center = await openCenter([subject('MTH')]);
  const modes: StatusAnswer['mode'][] = [
    'continuous',
    'batch',
    'manual',
    'continuous',
    'manual',
    'batch',
    'continuous',
  ];
  const ids: string[] = [];
  for (const [round, mode] of modes.entries()) {
    const switched = center.setMode(mode);
    for (let n = 0; n < 10; n += 1) {
      const doc = answers(CENTER, `E${round}-${n}`);
      ids.push(doc._id);
      expect((await center.write(doc)).status).toBe(201);
    }
    await switched;
  }
  await until(async () => (await center.status()).pendingPush === 0, { what: 'all is pushed' });
  for (const id of ids) expect((await center.readOnline(id))?._rev).toMatch(/^1-/);
  const hub = await fetch(
    `${center.server.url}/couch/cbt/_all_docs?startkey="center-LAG-1:answers"&endkey="center-LAG-1:b"`,
    {
      headers: { authorization: `Bearer ${center.server.adminToken}` },
    },
  );
  expect(((await hub.json()) as { rows: object[] }).rows).toHaveLength(ids.length);
});

test('manual means nothing goes over the line by itself', async () => {
  await using center = await openCenter([subject('MTH')]);
  await center.replicate();
  await center.setMode('manual');
  const before = center.line.requests.length;
  await center.write(answers(CENTER, 'E1'));
  await center.server.importDocuments([subject('ENG')]);
  await until(async () => (await center.status()).pendingPush === 1, { what: 'the write is counted' });
  expect(center.line.requests.length).toBe(before);
  expect(await center.read('common:subject:ENG')).toBeUndefined();
});

test('the mode is kept over a restart, and a wrong one is refused', async () => {
  await using center = await startCenter();
  expect((await center.node.command('mode', 'batch', '--every', '3')).code).toBe(0);
  expect((await center.node.command('mode', 'often')).code).toBe(2);
  expect((await center.node.command('mode', 'batch', '--every', '0')).code).toBe(2);
  const wrong = center.node.api.request('PUT', '/api/mode', { mode: 'often' });
  await expect(wrong).rejects.toMatchObject({ code: 'bad_request' });
  await center.node.kill();
  await center.node.start();
  expect(await center.status()).toMatchObject({ mode: 'batch', everyMinutes: 3 });
});

test('a second request for a replication joins the one that runs', async () => {
  await using center = await openCenter([subject('MTH')]);
  await center.replicate();
  center.line.set({ roundTripMs: 100 });
  const before = center.line.requests.length;
  await Promise.all([center.replicate(), center.replicate(), center.replicate(), center.replicate()]);
  const pulls = center.line.requests.slice(before).filter((line) => line.includes('_changes'));
  expect(pulls.length).toBe(1);
});
