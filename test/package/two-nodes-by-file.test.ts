import { cp } from 'node:fs/promises';
import { expect } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { answersDocument, resultDocument } from '../harness/documents.ts';
import { openNodeHere, type RunningNode } from '../harness/node.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { CENTER, openPackages, test } from './world.ts';

const workOf = (n: number): StoredDocument[] => [
  answersDocument(CENTER, 'SCI-P1', n),
  resultDocument(CENTER, 'SCI-P1', n),
];

async function write(node: RunningNode, docs: StoredDocument[]): Promise<void> {
  await node.api.request('POST', '/couch/replica/_bulk_docs', { docs });
}

test('receipts for a node’s package confirm nothing at a copy of it', async ({
  server,
  center,
  node,
  folder,
  packages,
}) => {
  await packages.into(await packages.down());
  await node.stop();
  await using copyFolder = await tempFolder('cbt-copy');
  await cp(node.dataDir, copyFolder.path, { recursive: true });
  await node.start();
  const options = { server: server.url, center, dataDir: copyFolder.path, isSetUp: true };
  await using copy = await openNodeHere(options);
  const ofCopy = openPackages(server, copy, folder);

  // At the same sequences of what calls itself the same database of the same node.
  await write(node, [1, 2, 3].flatMap(workOf));
  await write(copy, [4, 5].flatMap(workOf));
  const { receipts } = await packages.arrive(await packages.up());
  await ofCopy.into(receipts);
  expect(await ofCopy.status()).toMatchObject({ pendingPush: 4 });
  await packages.into(receipts);
  expect(await packages.status()).toMatchObject({ pendingPush: 0 });

  const { report, receipts: own } = await ofCopy.arrive(await ofCopy.up());
  expect(report).toMatchObject({ counts: { answers: 2, result: 2 }, refused: [] });
  await ofCopy.into(own);
  expect(await ofCopy.status()).toMatchObject({ pendingPush: 0, results: { total: 2, confirmed: 2 } });
});

test('a spare node reads the same package, and each has its own results confirmed', async ({
  server,
  center,
  node,
  folder,
  packages,
}) => {
  await using spare = await openNodeHere({ server: server.url, center });
  const ofSpare = openPackages(server, spare, folder);
  const down = await packages.down();
  for (const each of [packages, ofSpare]) {
    await each.into(down);
    expect(await each.difference()).toBeUndefined();
  }
  await write(node, workOf(1));
  await write(spare, [2, 3].flatMap(workOf));
  const [first, second] = [await packages.up(), await ofSpare.up()];
  const spareReceipts = (await ofSpare.arrive(second)).receipts;
  const { receipts } = await packages.arrive(first);
  await packages.into(spareReceipts);
  await ofSpare.into(receipts);
  expect(await packages.status()).toMatchObject({ pendingPush: 2, results: { total: 1, confirmed: 0 } });
  expect(await ofSpare.status()).toMatchObject({ pendingPush: 4, results: { total: 2, confirmed: 0 } });
  await packages.into(receipts);
  await ofSpare.into(spareReceipts);
  expect(await packages.status()).toMatchObject({ pendingPush: 0, results: { total: 1, confirmed: 1 } });
  expect(await ofSpare.status()).toMatchObject({ pendingPush: 0, results: { total: 2, confirmed: 2 } });
});

test('what a replaced node brings by file is in quarantine, as by line', async ({
  server,
  node,
  packages,
}) => {
  await packages.into(await packages.down());
  const { instanceId } = await packages.status();
  const [answers, result] = workOf(1) as [StoredDocument, StoredDocument];
  await write(node, [answers, { ...result, nodeId: instanceId }]);
  await server.api.request('POST', `/api/centers/${CENTER}/nodes/${instanceId}/replace`);
  const { report } = await packages.arrive(await packages.up());
  expect(report.refused).toMatchObject([{ id: result._id, reason: `node ${instanceId} was replaced` }]);
  const { entries } = await server.api.request<{ entries: { id: string }[] }>('GET', '/api/quarantine');
  expect(entries.map(({ id }) => id)).toContain(result._id);
});
