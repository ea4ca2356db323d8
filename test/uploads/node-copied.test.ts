import { cp } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readIdentity } from '../../local-node/identity.ts';
import type { StatusAnswer } from '../../local-node/routes/schemas.ts';
import { chainBreak, EMPTY_LOG, type LogEntry, logId, nextEntry } from '../../replication/log-chain.ts';
import { type NodeProcess, startNode } from '../harness/node.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { CENTER, type CenterUnderTest, startCenter } from '../node/center.ts';
import { subject } from '../node/documents.ts';
import { finished, loggedOnline, resultId, write } from './center.ts';

interface NodeAnswer {
  instanceId: string;
  standing: string;
  formerly: string | null;
  log: { break: object | null };
}

/** Copies a stopped node's folder, to be started as a second machine. */
async function copied({ node }: CenterUnderTest): Promise<AsyncDisposable & { path: string }> {
  const folder = await tempFolder('cbt-copy');
  await cp(node.dataDir, folder.path, { recursive: true });
  return folder;
}

function startCopy({ line, access }: CenterUnderTest, dataDir: string): Promise<NodeProcess> {
  return startNode({ server: line.url, center: access, dataDir, isSetUp: true });
}

const statusOf = (node: NodeProcess) => node.api.request<StatusAnswer>('GET', '/api/status');

/** Makes entries in a node's log: changes of the mode, which are written at the next round, however it ends. */
async function log(node: NodeProcess, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await node.api.request('PUT', '/api/mode', { mode: 'manual', everyMinutes: 20 + n });
  }
  await node.replicate().catch(() => {});
}

function expectWholeChains(entries: readonly LogEntry[]): void {
  const heads = new Map<string, { n: number; hash: string }>();
  for (const entry of entries) {
    expect(chainBreak(heads.get(entry.nodeId) ?? EMPTY_LOG, entry)).toBeUndefined();
    heads.set(entry.nodeId, { n: entry.n, hash: entry.hash });
  }
}

test('a node put back from an older copy of its disk finds out, and goes on as another one', async () => {
  await using center = await startCenter([subject('SCI')]);
  const { node } = center;
  await write(node.replicaUrl, finished(1));
  await center.replicate();
  await node.stop();
  await using older = await copied(center);
  await node.start();
  await write(node.replicaUrl, finished(2));
  await log(node, 3);
  await center.replicate();
  const { instanceId } = await statusOf(node);
  const { privateKey } = (await readIdentity(node.dataDir)) ?? {};
  await node.stop();

  await using copy = await startCopy(center, older.path);
  expect(await statusOf(copy)).toMatchObject({ instanceId, former: [] });
  await write(copy.replicaUrl, finished(10));
  await copy.replicate();
  await copy.replicate();
  const status = await statusOf(copy);
  expect(status.instanceId).not.toBe(instanceId);
  expect(status).toMatchObject({
    registered: true,
    former: [{ instanceId, reason: expect.stringContaining('the server has seen') }],
    results: { total: 3, confirmed: 3 },
    verification: { equal: true },
  });
  expect((await readIdentity(older.path))?.privateKey).not.toBe(privateKey);

  const entries = await loggedOnline(center);
  expectWholeChains(entries);
  const first = entries.find(({ nodeId }) => nodeId === status.instanceId);
  expect(first).toMatchObject({ n: 1, event: 'identity changed', details: { instanceId } });
  const nodes = await center.server.api.request<{ nodes: NodeAnswer[] }>(
    'GET',
    `/api/centers/${CENTER}/nodes`,
  );
  expect(nodes.nodes.find((one) => one.instanceId === status.instanceId)).toMatchObject({
    formerly: instanceId,
  });
});

test('two machines that run from one disk are told apart, and neither loses anything', async () => {
  await using center = await startCenter([subject('SCI')]);
  const { node } = center;
  await log(node, 2);
  await center.replicate();
  const { instanceId } = await statusOf(node);
  await node.stop();
  await using twin = await copied(center);
  await node.start();
  await using copy = await startCopy(center, twin.path);
  await node.replicate();
  await copy.replicate();
  // Without a line both go on in the same chain.
  await center.line.down();
  await log(node, 2);
  await log(copy, 3);
  await write(node.replicaUrl, finished(1));
  await write(copy.replicaUrl, finished(10));
  await center.line.up();
  for (let round = 0; round < 3; round += 1) {
    await node.replicate();
    await copy.replicate();
  }
  const [one, other] = [await statusOf(node), await statusOf(copy)];
  expect(one.instanceId).not.toBe(other.instanceId);
  for (const status of [one, other]) {
    expect(status).toMatchObject({ results: { total: 2, confirmed: 2 }, registered: true });
  }
  expect([...one.former, ...other.former].map((former) => former.instanceId)).toContain(instanceId);
  for (const n of [1, 10]) expect(await center.readOnline(resultId(n))).toMatchObject({ type: 'result' });
  const keys = await Promise.all([node, copy].map(({ dataDir }) => readIdentity(dataDir)));
  expect(keys[0]?.privateKey).not.toBe(keys[1]?.privateKey);
});

test('one entry of its own log in the hub that it did not write is enough', async () => {
  await using center = await startCenter([subject('SCI')]);
  await center.replicate();
  await center.replicate();
  const { instanceId, logHead } = await statusOf(center.node);
  const fields = {
    nodeId: instanceId,
    at: new Date().toISOString(),
    event: 'submitted' as const,
    details: {},
  };
  const _id = logId(CENTER, instanceId, logHead.n + 1);
  await center.server.api.request('PUT', `/couch/cbt/${encodeURIComponent(_id)}`, {
    _id,
    ...nextEntry(logHead, fields),
  });
  await center.replicate();
  const status = await statusOf(center.node);
  expect(status.instanceId).not.toBe(instanceId);
  expect(status.former).toMatchObject([{ instanceId, head: logHead, reason: expect.stringContaining(_id) }]);
  await center.node.kill();
  await center.node.start();
  expect(await statusOf(center.node)).toMatchObject({ instanceId: status.instanceId, former: status.former });
});

test('a node that is killed again and again stays the one that it is', async () => {
  await using center = await startCenter([subject('SCI')]);
  const { node } = center;
  const { instanceId } = await statusOf(node);
  for (let kill = 0; kill < 4; kill += 1) {
    const logging = log(node, 10).catch(() => {});
    if (kill % 2 === 0) await center.replicate();
    await node.kill();
    await logging;
    await node.start();
  }
  await center.replicate();
  await center.replicate();
  expect(await statusOf(node)).toMatchObject({ instanceId, former: [], verification: { equal: true } });
  const entries = await loggedOnline(center);
  expectWholeChains(entries);
  expect(entries.filter(({ event }) => event === 'node restarted')).toHaveLength(4);
});
