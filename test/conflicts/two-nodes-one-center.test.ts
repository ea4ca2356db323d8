import { expect, test } from 'vitest';
import type { Answer } from '../../replication/answer-sheet.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { expectEqual, openStockReplica, stockRemote } from '../faults/world.ts';
import { answersDocument, enrollmentDocument, resultDocument } from '../harness/documents.ts';
import { compareLeaves, readLeavesOf } from '../harness/leaves.ts';
import { openConflictWorld } from './world.ts';

const CENTER = 'L-1';

/** What a node makes of candidate `n`: its own roots of session, answers and result. */
function sitting(node: string, n: number, answers: Record<string, Answer>, result: object): StoredDocument[] {
  const sheet = answersDocument(CENTER, 'T', n, 1);
  return [
    { ...sheet, answers, nodeId: node },
    {
      _id: sheet._id.replace(':answers:', ':session:'),
      type: 'session',
      enrollmentId: sheet.enrollmentId,
      status: 'submitted',
      submittedAt: `2026-12-07T10:0${node.length}:00Z`,
      nodeId: node,
    },
    { ...resultDocument(CENTER, 'T', n), nodeId: node, signature: `by ${node}`, ...result },
  ];
}

test('a main and a spare node took answers of the same candidates', async () => {
  await using world = await openConflictWorld();
  const { replicaUrl } = await world.server.addCenter(CENTER);
  await using main = await openStockReplica();
  await using spare = await openStockReplica();
  const outcome = (choice: string) => ({ outcomes: { q1: { choice, correct: true, points: 1 } } });
  await main.db.bulkDocs([
    ...sitting(
      'main',
      1,
      { q1: { choice: 'A', n: 1 }, q2: { choice: 'B', n: 4 } },
      { score: 1, ...outcome('A') },
    ),
    ...sitting('main', 2, { q1: { choice: 'A', n: 1 } }, { score: 1, ...outcome('A') }),
  ] as never);
  await spare.db.bulkDocs([
    ...sitting(
      'spare',
      1,
      { q1: { choice: 'C', n: 3 }, q3: { choice: 'D', n: 1 } },
      { score: 0, ...outcome('C') },
    ),
    ...sitting('spare', 2, { q1: { choice: 'A', n: 2 } }, { score: 1, ...outcome('A') }),
  ] as never);
  const remote = stockRemote(replicaUrl);
  for (const { db } of [main, spare])
    expect(await db.replicate.to(remote)).toMatchObject({ doc_write_failures: 0 });

  const result = resultDocument(CENTER, 'T', 1)._id;
  expect(await world.waiting()).toMatchObject({
    conflicts: [{ id: result, type: 'result', centerId: CENTER }],
    next: null,
  });
  const [sheet, ...others] = await world.live(answersDocument(CENTER, 'T', 1)._id);
  expect(others).toEqual([]);
  expect(sheet?.answers).toEqual({
    q1: { choice: 'C', n: 3 },
    q2: { choice: 'B', n: 4 },
    q3: { choice: 'D', n: 1 },
  });
  expect(await world.live(resultDocument(CENTER, 'T', 2)._id)).toHaveLength(1);
  expect(await world.live(result)).toHaveLength(2);
  await world.counted(CENTER, 1);

  const shown = await world.show(result);
  expect(shown).toMatchObject({ merge: 'two-way', twoWay: 'there is no common ancestor', base: null });
  expect(shown.sides.map(({ written }) => written.nodeId).sort()).toEqual(['main', 'spare']);
  const ofMain = shown.sides.find(({ written }) => written.nodeId === 'main');
  await world.decide(result, { choose: ofMain?.rev });
  // As the node signed it, to the byte: under its own revision.
  expect(await world.live(result)).toEqual([ofMain?.document]);
  await world.counted(CENTER, 0);

  for (const { db } of [main, spare]) {
    await db.replicate.from(remote);
    await expectEqual(world.server, CENTER, [], db);
    expect(await db.get(result, { conflicts: true })).toEqual(ofMain?.document);
    const pushed = await db.replicate.to(remote);
    expect(pushed.docs_written).toBe(0);
  }
  expect(compareLeaves(await readLeavesOf(main.db), await readLeavesOf(spare.db))).toBeUndefined();
});

test('a seat that both sides changed is the center’s, whichever revision wins', async () => {
  await using world = await openConflictWorld();
  const { replicaUrl } = await world.server.addCenter(CENTER);
  const count = 8;
  const enrollments = Array.from({ length: count }, (_, n) => enrollmentDocument(CENTER, 'T', n));
  await world.server.importDocuments(enrollments);
  await using replica = await openStockReplica();
  const remote = stockRemote(replicaUrl);
  await replica.db.replicate.from(remote);
  for (const { _id } of enrollments) {
    const doc = await replica.db.get(_id);
    await replica.db.put({ ...doc, seat: 100 } as never);
    await world.server.api.request('PUT', `/couch/cbt/${_id}`, { ...doc, seat: 200 });
  }
  await replica.db.replicate.to(remote);
  expect((await world.waiting()).conflicts).toEqual([]);
  await replica.db.replicate.from(remote);
  for (const { _id } of enrollments) {
    expect(await world.live(_id)).toMatchObject([{ seat: 100 }]);
    expect(await replica.db.get(_id, { conflicts: true })).not.toHaveProperty('_conflicts');
  }
  await expectEqual(world.server, CENTER, [], replica.db);
});
