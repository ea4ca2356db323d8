import { expect, test } from 'vitest';
import { answersDocument, resultDocument } from '../harness/documents.ts';
import { readLeaves } from '../harness/leaves.ts';
import { startNode } from '../harness/node.ts';
import { openServerHere } from '../harness/server.ts';
import { leafOf } from './tree.ts';
import { openConflictWorld } from './world.ts';

/** Another server's `/couch` stands for a CouchDB: the same protocol, over real HTTP. Its own resolver sees only `cbt`. */
const hubUrl = (couch: { adminToken: string; url: string }) =>
  `http://admin:${couch.adminToken}@${new URL(couch.url).host}/couch/hub`;

test('with a CouchDB as the hub, conflicts are resolved, decided and undone, to the same revisions', async () => {
  await using couch = await openServerHere();
  await using overHttp = await openConflictWorld({ hubUrl: hubUrl(couch) });
  await using embedded = await openConflictWorld();
  const sheet = answersDocument('L-1', 'T', 1, 3);
  const result = resultDocument('L-1', 'T', 1);
  const docs = [
    leafOf(sheet._id, ['1-r'], { ...sheet, answers: {} }),
    leafOf(sheet._id, ['2-a', '1-r'], { ...sheet, answers: { q1: { choice: 'A', n: 1 } } }),
    leafOf(sheet._id, ['2-b', '1-r'], { ...sheet, answers: { q2: { choice: 'B', n: 1 } } }),
    leafOf(result._id, ['1-a'], result),
    leafOf(result._id, ['1-b'], { ...result, score: 60 }),
  ];
  for (const world of [overHttp, embedded]) {
    await world.replicate(docs);
    expect((await world.waiting()).conflicts).toMatchObject([{ id: result._id }]);
    expect(await world.live(sheet._id)).toMatchObject([
      { answers: { q1: { choice: 'A', n: 1 }, q2: { choice: 'B', n: 1 } } },
    ]);
    await world.decide(result._id, { choose: '1-a' });
    await world.undoOf(result._id);
    await world.undoOf(sheet._id);
    expect(await world.live(sheet._id)).toHaveLength(2);
  }
  // Receipts are signed, each server's with its own key.
  const leaves = async ({ server }: typeof embedded) => {
    const all = await readLeaves(server.api, '/couch/cbt');
    return new Map([...all].filter(([id]) => !id.includes(':receipt:')));
  };
  expect(await leaves(overHttp)).toEqual(await leaves(embedded));
}, 60_000);

test('a resolution replicates down to a node like any revision, and the node is equal to the hub', async () => {
  await using world = await openConflictWorld();
  const center = await world.server.addCenter('L-1');
  const sheet = answersDocument('L-1', 'T', 1, 3);
  const result = resultDocument('L-1', 'T', 1);
  await using node = await startNode({ server: world.server.url, center });
  await node.api.request('PUT', `/couch/replica/${sheet._id}`, {
    ...sheet,
    answers: { q1: { choice: 'A', n: 1 } },
  });
  await node.api.request('PUT', `/couch/replica/${result._id}`, result);
  await world.replicate([
    leafOf(sheet._id, ['1-b'], { ...sheet, answers: { q2: { choice: 'B', n: 1 } } }),
    leafOf(result._id, ['1-b'], { ...result, score: 60 }),
  ]);
  await node.replicate();
  const { conflicts } = await world.waiting();
  expect(conflicts).toMatchObject([{ id: result._id }]);
  await node.replicate();
  // A conflict that waits is on both sides; what was merged is one revision on both.
  const held = await readLeaves(node.api, '/couch/replica');
  expect(held.get(result._id)).toHaveLength(2);
  expect(held.get(sheet._id)).toEqual((await world.live(sheet._id)).map(({ _rev }) => _rev));
  await world.decide(result._id, { choose: '1-b' });
  await node.replicate();
  expect((await readLeaves(node.api, '/couch/replica')).get(result._id)).toEqual(['1-b']);
  const { centers } = await world.server.api.request<{ centers: object[] }>('GET', '/api/status');
  expect(centers).toMatchObject([{ conflicts: 0, digestEqual: true, pendingPull: 0 }]);
}, 60_000);
