import { expect, test } from 'vitest';
import { CENTER, openCenter, startCenter } from './center.ts';
import { answers, result, student, subject } from './documents.ts';
import { withPouch } from './raw.ts';

const at = `center-${CENTER}`;

test('what a center may not write is refused at its own node, alone in its batch', async () => {
  await using center = await openCenter([subject('MTH'), student(CENTER, 1)]);
  await center.replicate();

  const foreign = await center.write(answers('LAG-10', 'E1'));
  expect(foreign.status).toBe(403);
  expect(await foreign.json()).toEqual({
    error: 'forbidden',
    reason: 'center LAG-1 may write only in its own partition',
  });

  const known = await center.read(`${at}:student:S1`);
  const batch = [
    answers(CENTER, 'E1'),
    { ...known, lastName: 'Eze' },
    { _id: `${at}:answers:E2`, type: 'answers' },
    { ...answers(CENTER, 'E3'), _attachments: { scan: {} } },
  ];
  const response = await fetch(`${center.node.replicaUrl}/_bulk_docs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ docs: batch }),
  });
  expect(await response.json()).toMatchObject([
    { ok: true, id: `${at}:answers:E1` },
    { id: `${at}:student:S1`, error: 'forbidden', reason: 'student documents are written online only' },
    { id: `${at}:answers:E2`, error: 'forbidden', reason: expect.stringMatching(/^answers: /) },
    { id: `${at}:answers:E3`, error: 'bad_request', reason: 'attachment "scan": it has no data' },
  ]);
  const { _rev } = (await center.read(`${at}:answers:E1`)) as { _rev: string };
  const scan = await fetch(`${center.node.replicaUrl}/${at}:answers:E1/scan?rev=${_rev}`, {
    method: 'PUT',
    headers: { 'content-type': 'image/png' },
    body: 'bytes',
  });
  expect(scan.status, 'an attachment that is one').toBe(201);

  expect((await center.write(result(CENTER, 'E1'))).status).toBe(201);
  const stored = await center.read(`${at}:result:E1`);
  const changed = await center.write({ ...result(CENTER, 'E1', 99), _rev: stored?._rev as string });
  expect(changed.status).toBe(403);
  expect((await center.status()).pendingPush).toBe(2);
});

test('no other database is reached through the node', async () => {
  await using center = await openCenter();
  for (const path of ['_all_dbs', 'other', '_users', 'replica-mrview-x', '_utils', '..%2Freplica']) {
    const { status } = await fetch(`${center.node.url}/couch/${path}`);
    expect({ path, status }).toEqual({ path, status: 404 });
  }
  expect((await fetch(`${center.node.url}/couch/other`, { method: 'PUT' })).status).toBe(404);
  expect((await fetch(center.node.replicaUrl, { method: 'DELETE' })).status).toBe(403);
});

test('what the server refuses is kept in quarantine, with its reason, and shown on both sides', async () => {
  await using center = await startCenter([student(CENTER, 1)]);
  await center.replicate();
  await center.node.stop();
  await withPouch(center.node.dataDir, async (db) => {
    await db.put({ ...(await db.get(`${at}:student:S1`)), lastName: 'Eze' });
    await db.put(answers(CENTER, 'E1') as never);
  });
  await center.node.start();
  expect((await center.node.command('replicate')).stdout).toBe('replicated: 1 pushed, 0 pulled\n');

  const refused = {
    id: `${at}:student:S1`,
    rev: expect.stringMatching(/^2-/),
    reason: 'student documents are written online only',
  };
  const here = await center.node.api.request<{ entries: object[] }>('GET', '/api/quarantine');
  expect(here.entries).toMatchObject([{ ...refused, doc: { lastName: 'Eze' } }]);
  expect(await center.status()).toMatchObject({
    quarantined: 1,
    pendingPush: 0,
    verification: { equal: false, differences: [{ id: refused.id, problem: 'altered' }] },
  });
  const there = await fetch(`${center.server.url}/replicas/${CENTER}/_quarantine`, {
    headers: { authorization: center.access.authorization },
  });
  expect(await there.json()).toMatchObject({ entries: [refused] });
  expect(await center.readOnline(`${at}:answers:E1`)).toMatchObject({ type: 'answers' });

  await center.replicate();
  await center.node.command('repair');
  expect((await center.read(refused.id))?.lastName).toBe('Obi');
  expect((await center.status()).quarantined).toBe(2);
});
