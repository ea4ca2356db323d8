import { expect, test } from 'vitest';
import { type Database, pouchAt } from '../../replication/pouch.ts';
import { expectEqual, openStockReplica } from '../faults/world.ts';
import { questionDocument, wholeTest } from '../harness/documents.ts';
import { type CenterAccess, openServerHere, type RunningServer, startServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { ask } from './request.ts';

/** Replicates both ways with a stock client; how many documents came down. */
async function sync(replica: Database, center: CenterAccess): Promise<number> {
  const { push, pull } = await replica.sync(center.replicaUrl);
  expect(push?.errors, 'nothing is refused').toEqual([]);
  return pull?.docs_written ?? 0;
}

async function testDocuments(replica: Database, testId: string): Promise<number> {
  const { rows } = await replica.allDocs({ startkey: `test-${testId}:`, endkey: `test-${testId}:\ufff0` });
  return rows.length;
}

/** Replicates once more; whether the replica then holds `count` documents of T-1. */
async function syncedTo(replica: Database, center: CenterAccess, count: number): Promise<boolean> {
  await sync(replica, center);
  return (await testDocuments(replica, 'T-1')) === count;
}

/** Two centers with T-1, one of which has T-10 besides. */
async function twoCenters(server: RunningServer): Promise<[CenterAccess, CenterAccess]> {
  await server.importDocuments([...wholeTest('T-1', 8), ...wholeTest('T-10', 4)]);
  const centers: [CenterAccess, CenterAccess] = [
    await server.addCenter('L-1'),
    await server.addCenter('L-10'),
  ];
  for (const { centerId } of centers) await server.assign('T-1', centerId);
  await server.assign('T-10', 'L-1');
  return centers;
}

test('assigned, withdrawn, assigned again: there, gone, there', async () => {
  await using server = await openServerHere();
  const [center, other] = await twoCenters(server);
  await using replica = await openStockReplica();
  await using otherReplica = await openStockReplica();
  await sync(otherReplica.db, other);

  await sync(replica.db, center);
  expect(await testDocuments(replica.db, 'T-1')).toBe(9);

  await server.withdraw('T-1', 'L-1');
  expect(await sync(replica.db, center), 'tombstones and the assignment').toBe(10);
  expect(await testDocuments(replica.db, 'T-1')).toBe(0);
  expect(await sync(replica.db, center), 'nothing comes twice').toBe(0);
  expect(await sync(otherReplica.db, other), 'the other center downloads nothing').toBe(0);
  await expectEqual(server, 'L-1', ['T-10'], replica.db);

  await server.assign('T-1', 'L-1');
  await until(() => syncedTo(replica.db, center, 9), {
    what: 'the test lives again',
  });
  await expectEqual(server, 'L-1', ['T-1', 'T-10'], replica.db);
  const question = await replica.db.get(questionDocument('T-1', 1)._id, { conflicts: true });
  expect(question._conflicts).toBeUndefined();
  await sync(otherReplica.db, other);
  await expectEqual(server, 'L-10', ['T-1'], otherReplica.db);
});

test('withdrawn and assigned several times, with replicas that miss some of it', async () => {
  await using server = await openServerHere();
  const [center] = await twoCenters(server);
  await using always = await openStockReplica();
  await using seldom = await openStockReplica();
  await sync(seldom.db, center);
  for (let round = 0; round < 3; round += 1) {
    await sync(always.db, center);
    await server.withdraw('T-1', 'L-1');
    await sync(always.db, center);
    expect(await testDocuments(always.db, 'T-1')).toBe(0);
    await server.assign('T-1', 'L-1');
  }
  for (const { db } of [always, seldom]) {
    await until(() => syncedTo(db, center, 9), {
      what: 'the test lives again',
    });
    await expectEqual(server, 'L-1', ['T-1', 'T-10'], db);
  }
});

test('a document edited or made after the withdrawal stays away, one deleted before it goes too', async () => {
  await using server = await openServerHere();
  const [center] = await twoCenters(server);
  await using replica = await openStockReplica();
  await sync(replica.db, center);
  const hub = hubOf(server);
  const removed = await hub.get(questionDocument('T-1', 1)._id);
  await hub.remove(removed as never);
  await server.withdraw('T-1', 'L-1');
  const edited = await hub.get(questionDocument('T-1', 2)._id);
  await hub.put({ ...edited, text: 'corrected after the withdrawal' });
  await hub.bulkDocs([questionDocument('T-1', 99)] as never);

  await sync(replica.db, center);
  await expectEqual(server, 'L-1', ['T-10'], replica.db);
  const { results } = (await ask(center, '/_changes')).json;
  expect(results.map(({ id }: { id: string }) => id)).not.toContain(questionDocument('T-1', 99)._id);
  await hub.put({ ...(await hub.get(questionDocument('T-1', 3)._id)), text: 'corrected again' });
  expect(await sync(replica.db, center), 'later edits are not this center’s').toBe(0);
});

test('a test with a conflicted question goes, and comes back with both leaves', async () => {
  await using server = await openServerHere({ resolveConflicts: false });
  const [center] = await twoCenters(server);
  const hub = hubOf(server);
  const question = await hub.get(questionDocument('T-1', 1)._id);
  const root = question._rev.slice(2);
  const leaf = (hash: string) => ({
    ...question,
    text: hash,
    _rev: `2-${hash.repeat(32)}`,
    _revisions: { start: 2, ids: [hash.repeat(32), root] },
  });
  await hub.bulkDocs([leaf('a'), leaf('b')] as never, { new_edits: false });
  await using replica = await openStockReplica();
  await sync(replica.db, center);
  await server.withdraw('T-1', 'L-1');
  await sync(replica.db, center);
  await expectEqual(server, 'L-1', ['T-10'], replica.db);
  await server.assign('T-1', 'L-1');
  await until(() => syncedTo(replica.db, center, 9), {
    what: 'the test lives again',
  });
  await expectEqual(server, 'L-1', ['T-1', 'T-10'], replica.db);
  expect(await replica.db.get(question._id, { conflicts: true })).toMatchObject({
    _conflicts: [expect.any(String)],
  });
});

test('a server killed while it touches a test assigned again goes on with it', async () => {
  await using server = await startServer();
  await server.importDocuments(wholeTest('T-1', 600));
  const center = await server.addCenter('L-1');
  await server.assign('T-1', 'L-1');
  await using replica = await openStockReplica();
  await sync(replica.db, center);
  await server.withdraw('T-1', 'L-1');
  await sync(replica.db, center);
  await server.assign('T-1', 'L-1');
  await server.kill();
  await server.start();
  await until(() => syncedTo(replica.db, center, 601), {
    what: 'the test lives again',
  });
  await expectEqual(server, 'L-1', ['T-1'], replica.db);
});

test('a client in the middle of reading a test when it is withdrawn ends without it', async () => {
  await using server = await openServerHere();
  const [center] = await twoCenters(server);
  const { results } = (await ask(center, '/_changes?style=all_docs')).json;
  const rows = (results as { id: string; changes: { rev: string }[] }[]).filter(({ id }) =>
    id.startsWith('test-T-1:'),
  );
  await server.withdraw('T-1', 'L-1');
  const docs = rows.map(({ id, changes }) => ({ id, rev: changes[0]?.rev }));
  const latest = await ask(center, '/_bulk_get?revs=true&latest=true', { body: { docs } });
  for (const { docs: answers } of latest.json.results) {
    expect(answers[0].ok._deleted, 'the newest leaf is the tombstone').toBe(true);
    expect(Object.keys(answers[0].ok).sort()).toEqual(['_deleted', '_id', '_rev', '_revisions']);
  }
  const exact = await ask(center, '/_bulk_get?revs=true', { body: { docs } });
  expect(exact.text).not.toContain('"ok"');
});

function hubOf(server: RunningServer): Database {
  return pouchAt(`${server.url.replace('://', `://admin:${server.adminToken}@`)}/couch/cbt`);
}
