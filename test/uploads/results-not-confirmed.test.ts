import { expect, test } from 'vitest';
import { makeReceipt } from '../../replication/receipt.ts';
import { makeKey, publicKeyOf } from '../../replication/signing.ts';
import { CENTER, type CenterUnderTest, openCenter, startCenter } from '../node/center.ts';
import { subject } from '../node/documents.ts';
import { finished, resultId, write } from './center.ts';

test('sent is not confirmed: only a receipt counts, for just this revision and signed by just this server', async () => {
  await using center = await openCenter([subject('SCI')]);
  await center.replicate();
  expect(await center.status()).toMatchObject({ registered: true, results: { total: 0, confirmed: 0 } });
  await write(center.node.replicaUrl, [1, 2, 10].flatMap(finished));
  const rev = (await center.read(resultId(1)))?._rev as string;
  expect((await center.status()).results).toMatchObject({
    total: 3,
    confirmed: 0,
    missingCount: 3,
    missing: expect.arrayContaining([{ enrollmentId: 'E000001', resultRev: rev, reason: 'not sent yet' }]),
  });
  await forgeReceipt(center, resultId(1), rev);
  await center.replicate();
  expect((await center.status()).results).toMatchObject({
    total: 3,
    confirmed: 2,
    missing: [{ enrollmentId: 'E000001', resultRev: rev, reason: 'sent, but not confirmed yet' }],
  });
  expect((await center.status()).wipe).toMatchObject({
    allowed: false,
    reasons: ['the hub has not confirmed 1 result'],
  });
});

test('results are confirmed without the node having been online since it was started', async () => {
  await using center = await startCenter([subject('SCI')]);
  await write(center.node.replicaUrl, [1, 2].flatMap(finished));
  await center.replicate();
  await center.line.down();
  await center.node.kill();
  await center.node.start();
  expect(await center.status()).toMatchObject({
    line: 'unknown',
    results: { total: 2, confirmed: 2, missingCount: 0, missing: [] },
  });
});

/** A receipt that looks like the server's, and is not signed with its key. */
async function forgeReceipt({ server }: CenterUnderTest, id: string, rev: string): Promise<void> {
  const body = { instanceId: 'asks-for-the-key', publicKey: publicKeyOf(makeKey()) };
  const { serverKey } = await server.api.request<{ serverKey: { keyId: string } }>(
    'PUT',
    `/replicas/${CENTER}/_node`,
    body,
  );
  const forged = { ...makeReceipt(CENTER, id, rev, makeKey()), keyId: serverKey.keyId };
  await server.api.request('PUT', `/couch/cbt/${encodeURIComponent(forged._id)}`, forged);
}
