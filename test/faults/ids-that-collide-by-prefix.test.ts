import { expect, test } from 'vitest';
import { answersDocument, centerShare, wholeTest } from '../harness/documents.ts';
import { openServerHere } from '../harness/server.ts';
import { expectEqual, openStockReplica } from './world.ts';

/** Each begins with another, or differs from it by one character that sorts next to it. */
const CENTERS = ['L', 'L-1', 'L-10', 'L-1.0', 'L_1', 'L-1-', 'l-1'];
const TESTS = ['T', 'T-1', 'T-10', 'T.1', 'T_1', 't-1'];

test('centers and tests whose ids begin alike are kept apart', async () => {
  await using server = await openServerHere();
  await server.importDocuments(TESTS.flatMap((testId) => wholeTest(testId, 3)));
  const places = [];
  for (const [index, centerId] of CENTERS.entries()) {
    const center = await server.addCenter(centerId);
    await server.importDocuments(centerShare(centerId, 'T', 3, index * 10 + 1));
    const assigned = TESTS.filter((_, test) => (test + index) % 3 === 0);
    for (const testId of assigned) await server.assign(testId, centerId);
    places.push({ centerId, center, assigned });
  }
  for (const { centerId, center, assigned } of places) {
    await using replica = await openStockReplica();
    await replica.db.put(answersDocument(centerId, 'T', 1) as never);
    await replica.db.sync(center.replicaUrl);
    await expectEqual(server, centerId, assigned, replica.db);
    const { rows } = await replica.db.allDocs();
    const own = rows.filter(({ id }) => id.startsWith('center-'));
    // The center, its assignments, three students, three enrollments, one answer sheet.
    expect(own.map(({ id }) => id.split(':')[0])).toEqual(
      new Array(1 + assigned.length + 3 + 3 + 1).fill(`center-${centerId}`),
    );
  }
});
