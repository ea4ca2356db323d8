import { expect, test } from 'vitest';
import { centerDocument, enrollmentDocument } from '../harness/documents.ts';
import { startMongo } from '../harness/mongo.ts';
import { type CenterAccess, openServerHere, type RunningServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { caughtUp, DATABASE, mirrorStatus, TEST } from './world.ts';

const ENROLLMENT = 'E000001';

/** Sends revisions as a center's replicator does. */
async function push(
  { url }: RunningServer,
  { authorization }: CenterAccess,
  ...docs: object[]
): Promise<void> {
  const answer = await fetch(`${url}/replicas/LAG-1/_bulk_docs`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ docs, new_edits: false }),
  });
  expect(answer.status).toBe(201);
}

function session(key: string, fields: object, rev = '1-a') {
  const _id = `center-LAG-1:session:${key}`;
  return { _id, _rev: rev, type: 'session', enrollmentId: key, testId: TEST, status: 'running', ...fields };
}

test('names and texts that MongoDB has no form for are mirrored under others, and what is too large is passed over', async () => {
  await using mongo = await startMongo();
  const sessions = mongo.client.db(DATABASE).collection<{ _id: string }>('testSessions');
  await using server = await openServerHere({ mongodbUri: mongo.uri(DATABASE) });
  await server.importDocuments([centerDocument('LAG-1'), enrollmentDocument('LAG-1', TEST, 1)]);
  const center = await server.addCenter('LAG-1');
  await push(
    server,
    center,
    session('E1', { 'a\0b': 1, $set: { 'x.y': 1 }, deep: [{ $where: '1', 'c\0': '\0' }] }),
    session('E2', { clock: { _bsontype: 'Timestamp', value: 1 } }),
    session('E3', { text: 'half \ud83d', '\udc00': 1 }),
    session('E4', { mirror: 'mine', rev: 'mine', conflicts: 'mine', student: 'mine' }),
  );
  await caughtUp(server);
  expect(await sessions.findOne({ _id: 'center-LAG-1:session:E1' })).toMatchObject({
    'a␀b': 1,
    '＄set': { 'x.y': 1 },
    deep: [{ '＄where': '1', 'c␀': '\0' }],
  });
  const large = 'x'.repeat(17 * 1024 * 1024);
  await push(server, center, session('E5', { large }), session(ENROLLMENT, { status: 'submitted' }));
  const after = { _id: `center-LAG-1:session:${ENROLLMENT}` };
  await until(async () => (await sessions.findOne(after)) !== null, { what: 'what came after is mirrored' });
  expect(await mirrorStatus(server)).toMatchObject({ state: 'following', error: null });
  const verified = await server.api.request('POST', '/api/mirrors/mongo/verify');
  expect(verified).toMatchObject({
    equal: false,
    differences: [{ id: 'center-LAG-1:session:E5', problem: 'missing' }],
  });
});

test('of a document in conflict the winner is mirrored, marked until it is resolved', async () => {
  await using mongo = await startMongo();
  const mirrored = () => mongo.client.db(DATABASE).collection('testSessions').findOne({});
  await using server = await openServerHere({ mongodbUri: mongo.uri(DATABASE), resolveConflicts: false });
  await server.importDocuments([centerDocument('LAG-1'), enrollmentDocument('LAG-1', TEST, 1)]);
  const center = await server.addCenter('LAG-1');
  await push(
    server,
    center,
    session(ENROLLMENT, { seat: 1 }, '1-a'),
    session(ENROLLMENT, { seat: 2 }, '1-b'),
  );
  await caughtUp(server);
  expect(await mirrored()).toMatchObject({ rev: '1-b', seat: 2, conflicts: ['1-a'] });
  const id = `center-LAG-1:session:${ENROLLMENT}`;
  await server.api.request('POST', `/api/conflicts/${encodeURIComponent(id)}`, { choose: '1-a' });
  await caughtUp(server);
  const resolved = await mirrored();
  expect(resolved).toMatchObject({ seat: 1 });
  expect(resolved).not.toHaveProperty('conflicts');
});
