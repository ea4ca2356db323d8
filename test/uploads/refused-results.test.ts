import { cp, rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { wholeTest } from '../harness/documents.ts';
import type { NodeProcess } from '../harness/node.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { CENTER, type CenterUnderTest, startCenter } from '../node/center.ts';
import { subject } from '../node/documents.ts';
import { finished, resultId, running, TEST, write } from './center.ts';

/**
 * A node that comes online with a result of a test that was withdrawn meanwhile.
 * @param before called when it is withdrawn, before the server hears of the result.
 */
async function openRefused(
  before = async (_center: CenterUnderTest<NodeProcess>) => {},
): Promise<CenterUnderTest<NodeProcess>> {
  const center = await startCenter([subject('SCI'), ...wholeTest(TEST, 3)]);
  const { api } = center.server;
  await api.request('PUT', `/api/tests/${TEST}/centers/${CENTER}`);
  await center.replicate();
  await write(center.node.replicaUrl, finished(1));
  await api.request('DELETE', `/api/tests/${TEST}/centers/${CENTER}`);
  await before(center);
  await center.replicate();
  return center;
}

async function decide({ server }: CenterUnderTest, decision: 'accept' | 'return', note: string) {
  const { entries } = await server.api.request<{ entries: { key: string }[] }>('GET', '/api/quarantine');
  for (const { key } of entries) {
    await server.api.request('POST', '/api/quarantine/decide', { key, decision, note });
  }
}

test('a result that the server refuses waits, is not confirmed, and keeps the machine from being wiped', async () => {
  await using center = await openRefused();
  expect(await center.readOnline(resultId(1))).toBeUndefined();
  const reason = expect.stringMatching(/^refused, an administrator decides: .*withdrawn/);
  const waiting = {
    quarantine: { waiting: 3, accepted: 0, returned: 0, kept: 0 },
    results: { total: 1, confirmed: 0, missing: [{ enrollmentId: 'E000001', reason }] },
    wipe: { allowed: false },
  };
  expect(await center.status()).toMatchObject(waiting);

  // Nothing takes it out, and it is not refused over and over.
  await center.node.command('repair');
  await center.replicate();
  expect(await center.status()).toMatchObject(waiting);
  expect(await center.read(resultId(1))).toMatchObject({ type: 'result' });
  const check = await center.node.command('wipe', '--check');
  expect(check.code).toBe(1);
  expect(check.stdout).toContain('3 refused writes wait for a decision');
});

test('accepted after all, it is in the hub as it came, and confirmed', async () => {
  await using center = await openRefused();
  await decide(center, 'accept', 'sat before it was withdrawn');
  await center.replicate();
  expect((await center.readOnline(resultId(1)))?._rev).toBe((await center.read(resultId(1)))?._rev);
  expect(await center.status()).toMatchObject({
    quarantine: { waiting: 0, accepted: 3 },
    results: { total: 1, confirmed: 1, missing: [] },
    wipe: { allowed: true, reasons: [] },
  });
});

test('returned, the center sees why, and the machine may be wiped: the server has kept it', async () => {
  await using center = await openRefused();
  await decide(center, 'return', 'sit it again on Monday');
  await center.replicate();
  expect(await center.status()).toMatchObject({
    quarantine: { waiting: 0, returned: 3 },
    results: { confirmed: 0, missing: [{ reason: 'returned: sit it again on Monday' }] },
    wipe: { allowed: true, reasons: [] },
  });
  const { entries } = await center.node.api.request<{ entries: object[] }>('GET', '/api/quarantine');
  const note = 'sit it again on Monday';
  expect(entries).toMatchObject(
    [0, 1, 2].map(() => ({ state: 'returned', note, decidedAt: expect.any(String) })),
  );
});

test('a server put back to before it returned a result gets it again, and until then the machine is not wiped', async () => {
  await using backup = await tempFolder('cbt-backup');
  const putBack = async ({ server }: CenterUnderTest<NodeProcess>, from: string, to: string) => {
    await server.stop();
    await rm(to, { recursive: true });
    await cp(from, to, { recursive: true });
    await server.start();
  };
  await using center = await openRefused((one) => putBack(one, one.server.dataDir, backup.path));
  await decide(center, 'return', 'sit it again on Monday');
  await center.replicate();
  expect((await center.status()).wipe).toMatchObject({ allowed: true });
  await putBack(center, backup.path, center.server.dataDir);
  await center.replicate();
  expect(await center.status()).toMatchObject({
    quarantine: { waiting: 3, returned: 0 },
    wipe: { allowed: false },
  });
  const { entries } = await center.server.api.request<{ entries: object[] }>('GET', '/api/quarantine');
  expect(entries).toMatchObject(Array(3).fill({ state: 'waiting', doc: { nodeId: expect.any(String) } }));
});

test('what one candidate may not send does not keep back what others did', async () => {
  await using center = await openRefused();
  const other = [...finished(2), ...running(3)].map((doc) => ({ ...doc, testId: 'OTHER' }));
  await write(center.node.replicaUrl, other);
  await center.replicate();
  expect(await center.readOnline(resultId(2))).toMatchObject({ type: 'result' });
  expect((await center.status()).results).toMatchObject({ total: 2, confirmed: 1 });
});
