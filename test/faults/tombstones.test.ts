import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { answersDocument, centerShare, studentDocument, wholeTest } from '../harness/documents.ts';
import { openServerHere, type RunningServer } from '../harness/server.ts';
import { expectEqual, openStockReplica } from './world.ts';

const hubPath = (id: string) => `/couch/cbt/${encodeURIComponent(id)}`;

async function deleteOnline(server: RunningServer, id: string): Promise<void> {
  const { _rev } = await server.api.request<StoredDocument>('GET', hubPath(id));
  await server.api.request('DELETE', `${hubPath(id)}?rev=${_rev}`);
}

test('deletions travel both ways, also those made before, between and after', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  await server.importDocuments([...wholeTest('T', 5), ...centerShare('L-1', 'T', 5)]);
  await server.assign('T', 'L-1');
  const student = (n: number) => studentDocument('L-1', n)._id;
  await deleteOnline(server, student(1));

  await using replica = await openStockReplica();
  const sync = () => replica.db.sync(center.replicaUrl);
  await sync();
  await expectEqual(server, 'L-1', ['T'], replica.db);
  await expect(replica.db.get(student(1))).rejects.toMatchObject({ status: 404 });

  // Online, of a student and of a question; at the center, of an answer sheet that is online already.
  const sheet = answersDocument('L-1', 'T', 2);
  const { rev } = await replica.db.put(sheet as never);
  await sync();
  await deleteOnline(server, student(2));
  await deleteOnline(server, 'test-T:question:T-000003');
  await replica.db.remove(sheet._id, rev);
  await sync();
  await expectEqual(server, 'L-1', ['T'], replica.db);
  await expect(server.api.request('GET', hubPath(sheet._id))).rejects.toMatchObject({ code: 'not_found' });
  await expect(replica.db.get(student(2))).rejects.toMatchObject({ reason: 'deleted' });

  // Back to life on both sides.
  await server.importDocuments([studentDocument('L-1', 2)]);
  await replica.db.put(sheet as never);
  await sync();
  await expectEqual(server, 'L-1', ['T'], replica.db);
  expect(await replica.db.get(student(2))).toMatchObject({ type: 'student' });
  expect(await server.api.request('GET', hubPath(sheet._id))).toMatchObject({ type: 'answers' });
});

test('a replica that was away during a deletion and a rebirth ends with what is alive', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  await server.importDocuments(centerShare('L-1', 'T', 3));
  await using replica = await openStockReplica();
  await replica.db.replicate.from(center.replicaUrl);
  const { _id } = studentDocument('L-1', 1);
  for (let time = 0; time < 3; time += 1) {
    await deleteOnline(server, _id);
    await server.importDocuments([{ ...studentDocument('L-1', 1), phone: `${time}` }]);
  }
  await replica.db.replicate.from(center.replicaUrl);
  expect(await replica.db.get(_id)).toMatchObject({ phone: '2' });
  await expectEqual(server, 'L-1', [], replica.db);
});
