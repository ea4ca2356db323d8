import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { answersDocument } from '../harness/documents.ts';
import { openFaultProxy } from '../harness/fault-proxy.ts';
import { centerAccess, startServer } from '../harness/server.ts';
import { expectEqual, openStockReplica, outcomeOf, stockRemote } from './world.ts';

const KILLS = 20;
const DOCUMENTS_BEFORE_EACH = 24;
const BATCH = 6;

test(`a server killed ${KILLS} times while a center pushes loses nothing that it acknowledged`, async () => {
  await using server = await startServer();
  await using line = await openFaultProxy(server.url);
  const { secret } = await server.addCenter('L-1');
  const remote = stockRemote(centerAccess(line.url, 'L-1', secret).replicaUrl);
  await using replica = await openStockReplica();

  let brokenOff = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const docs = Array.from({ length: DOCUMENTS_BEFORE_EACH }, (_, n) =>
      answersDocument('L-1', 'T', kill * 100 + n),
    );
    await replica.db.bulkDocs(docs as never);
    const push = outcomeOf(replica.db.replicate.to(remote, { batch_size: BATCH }));
    // Each time at another moment of another batch: on arrival of the request, within the write, after the answer.
    for (let batch = 0; batch <= kill % 3; batch += 1) await line.nextRequest(/_bulk_docs/);
    await delay((kill * 5) % 21);
    await server.kill();
    if ((await push) === 'broken off') brokenOff += 1;
    await server.start();
  }
  // Checkpoints say what was acknowledged: this push sends the rest and nothing of that.
  await replica.db.replicate.to(remote, { batch_size: BATCH });
  await replica.db.replicate.from(remote);
  await expectEqual(server, 'L-1', [], replica.db);
  expect(
    (await replica.db.allDocs({ startkey: 'center-L-1:answers:', endkey: 'center-L-1:answers:~' })).rows,
  ).toHaveLength(KILLS * DOCUMENTS_BEFORE_EACH);
  expect(brokenOff).toBeGreaterThan(KILLS / 2);
}, 90_000);

test('what is acknowledged is there, though the server is killed at the moment of the acknowledgement', async () => {
  await using server = await startServer();
  const { replicaUrl, authorization } = await server.addCenter('L-1');
  const database = `${server.url}${new URL(replicaUrl).pathname}`;
  const post = (path: string, body: object) =>
    fetch(database + path, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  for (let kill = 0; kill < 6; kill += 1) {
    const docs = Array.from({ length: 150 }, (_, n) => {
      const doc = answersDocument('L-1', 'T', kill * 1000 + n, 60);
      const hash = createHash('md5').update(doc._id).digest('hex');
      return { ...doc, _rev: `1-${hash}`, _revisions: { start: 1, ids: [hash] } };
    });
    // Both ways in which documents are written.
    const batch = kill % 2 === 0 ? { docs, new_edits: false } : { docs: docs.map(withoutRevision) };
    const { status } = await post('/_bulk_docs', batch);
    await server.kill();
    expect(status).toBe(201);
    await server.start();
    const found = await post('/_all_docs', { keys: docs.map(({ _id }) => _id) });
    const { rows } = (await found.json()) as { rows: { error?: string }[] };
    expect(rows.filter(({ error }) => error)).toEqual([]);
  }
});

function withoutRevision({ _rev, _revisions, ...doc }: StoredDocument): StoredDocument {
  return doc;
}
