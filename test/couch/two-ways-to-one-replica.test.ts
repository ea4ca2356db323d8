import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { type Database, pouchAt, pouchIn } from '../../replication/pouch.ts';
import { centerShare, resultDocument, subjectDocument, wholeTest } from '../harness/documents.ts';
import { openServerHere } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';

/** Every document of a replica with its revision and content, by id. */
async function contentOf(db: Database): Promise<StoredDocument[]> {
  const { rows } = await db.allDocs({ include_docs: true });
  return rows.map(({ doc }) => doc as StoredDocument);
}

// Ids that collide by prefix, and ids that JSON takes for numbers: 2026.10 would become 2026.1.
test.each([
  { centerId: '42', others: ['4', '420'], tests: ['2026.10'], otherTests: ['2026.1', '2026'] },
  { centerId: '1e3', others: ['1000', '1'], tests: ['7', '77'], otherTests: ['777'] },
  { centerId: 'LAG-1', others: ['LAG-10', 'LAG'], tests: ['T1'], otherTests: ['T10', 'T'] },
])(
  'filter and feed give center $centerId the same documents',
  async ({ centerId, others, tests, otherTests }) => {
    await using server = await openServerHere();
    await server.importDocuments([
      subjectDocument('SCI'),
      ...[...tests, ...otherTests].flatMap((testId) => wholeTest(testId, 3)),
      ...[centerId, ...others].flatMap((id, index) => {
        const share = centerShare(id, tests[0] as string, 2, 10 * index + 1);
        return [...share, resultDocument(id, tests[0] as string, index)];
      }),
    ]);
    const center = await server.addCenter(centerId);
    for (const testId of tests) await server.assign(testId, centerId);
    for (const testId of otherTests) {
      await server.addCenter(`X${testId}`);
      await server.assign(testId, `X${testId}`);
    }

    await using folder = await tempFolder();
    const local = pouchIn(folder.path);
    const [byFeed, byFilter] = [new local('feed'), new local('filter')];
    await byFeed.replicate.from(center.replicaUrl);
    const hub = pouchAt(`${server.url.replace('://', `://admin:${server.adminToken}@`)}/couch/cbt`);
    const query_params = { center: centerId, tests: tests.join(',') };
    await byFilter.replicate.from(hub, { filter: 'center/by_center', query_params });

    const docs = await contentOf(byFeed);
    // A subject, the tests, the center's own share, the receipt of its result, the assignments.
    expect(docs.length).toBe(1 + 4 * tests.length + 6 + 1 + tests.length);
    expect(await contentOf(byFilter)).toEqual(docs);
    await byFeed.close();
    await byFilter.close();
  },
);
