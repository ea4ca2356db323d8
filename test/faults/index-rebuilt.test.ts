import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { centerShare, studentDocument, wholeTest } from '../harness/documents.ts';
import { readLeaves } from '../harness/leaves.ts';
import { startNode } from '../harness/node.ts';
import { startServer } from '../harness/server.ts';
import { expectEqual, openStockReplica } from './world.ts';

test('an index built anew costs a replica no document, and nothing is missed', async () => {
  await using server = await startServer();
  const center = await server.addCenter('L-1');
  await server.importDocuments([
    ...wholeTest('T', 100),
    ...wholeTest('U', 20),
    ...centerShare('L-1', 'T', 50),
  ]);
  await server.assign('T', 'L-1');
  await server.assign('U', 'L-1');
  await using replica = await openStockReplica();
  await using node = await startNode({ server: server.url, center });
  await replica.db.replicate.from(center.replicaUrl);
  await server.withdraw('U', 'L-1');
  await replica.db.replicate.from(center.replicaUrl);
  await node.replicate();

  await server.stop();
  await rm(join(server.dataDir, 'feed'), { recursive: true });
  await server.start();

  // The old sequence is another index's: the feed begins anew, and what is here already is not sent again.
  const again = await replica.db.replicate.from(center.replicaUrl);
  expect(again.docs_read).toBe(0);
  await expectEqual(server, 'L-1', ['T'], replica.db);

  await server.importDocuments([studentDocument('L-1', 9000)]);
  const next = await replica.db.replicate.from(center.replicaUrl);
  expect(next.docs_read).toBe(1);
  await node.replicate();
  // What the node has logged meanwhile.
  await replica.db.replicate.from(center.replicaUrl);
  await expectEqual(server, 'L-1', ['T'], replica.db);
  await expectEqual(server, 'L-1', ['T'], await readLeaves(node.api, '/couch/replica'));
  expect((await node.command('verify')).code).toBe(0);
});
