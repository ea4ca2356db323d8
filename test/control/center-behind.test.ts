import { describe, expect, test } from 'vitest';
import type { NodeReport } from '../../replication/node-report.ts';
import { type Database, pouchIn } from '../../replication/pouch.ts';
import { readinessOf, type TestAtCenter } from '../../server/control/readiness.ts';
import type { CenterStatus, ReadinessRow } from '../../server/control/schemas.ts';
import {
  answersDocument,
  centerShare,
  questionDocument,
  subjectDocument,
  wholeTest,
} from '../harness/documents.ts';
import { type CenterAccess, openServerHere, type RunningServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';

const now = new Date('2026-12-07T08:00:00Z');
const HOUR_MS = 3_600_000;
const known: TestAtCenter = {
  centerId: 'LAG-1',
  testId: 'T1',
  synced: true,
  behind: 0,
  digestsDiffer: false,
  differences: [],
  lastSeenAt: '2026-12-07T07:59:00.000Z',
};
const lost = { id: 'test-T1:question:Q1', problem: 'lost' } as const;
const longAgo = '2026-12-07T06:00:00.000Z';

describe('the state of a test at a center', () => {
  test.each<[string, Partial<TestAtCenter>, string]>([
    ['ready', {}, 'ready'],
    ['ready', { lastSeenAt: longAgo }, 'ready'],
    ['behind', { behind: 3 }, 'behind by 3'],
    ['behind', { behind: 3, lastSeenAt: null }, 'behind by 3'],
    ['silent', { behind: 3, lastSeenAt: longAgo }, `silent since ${longAgo}, behind by 3`],
    ['differs', { differences: [lost] }, 'differs in 1 document'],
    ['differs', { differences: [lost, lost], behind: 3, lastSeenAt: longAgo }, 'differs in 2 documents'],
    ['differs', { digestsDiffer: true }, 'differs, in documents not named yet'],
    ['never synced', { synced: false, behind: 9, differences: [] }, 'never synced'],
  ])('%s for %j', (state, part, text) => {
    const row = readinessOf({ ...known, ...part }, { silentAfterMs: HOUR_MS, now });
    expect(row).toMatchObject({ state, text });
    expect(row.silentSince).toBe(state === 'silent' ? longAgo : null);
  });
});

const statusOf = async (server: RunningServer, centerId: string): Promise<CenterStatus> => {
  const { centers } = await server.api.request<{ centers: CenterStatus[] }>('GET', '/api/status');
  return centers.find((center) => center.centerId === centerId) as CenterStatus;
};
const rowsOf = async (server: RunningServer, query = ''): Promise<ReadinessRow[]> =>
  (await server.api.request<{ rows: ReadinessRow[] }>('GET', `/api/readiness${query}`)).rows;

/** A server with two tests at LAG-1, one of them also at LAG-10. */
async function examServer(): Promise<{ server: RunningServer; center: CenterAccess }> {
  const server = await openServerHere();
  const shares = [...centerShare('LAG-1', 'T1', 2), ...centerShare('LAG-10', 'T1', 3, 5)];
  await server.importDocuments([
    subjectDocument('SCI'),
    ...wholeTest('T1', 3),
    ...wholeTest('T2', 2),
    ...shares,
  ]);
  const center = await server.addCenter('LAG-1');
  await server.addCenter('LAG-10');
  await server.assign('T1', 'LAG-1');
  await server.assign('T2', 'LAG-1');
  await server.assign('T1', 'LAG-10');
  return { server, center };
}

test('a stock client’s progress is read from its checkpoints', async () => {
  const { server, center } = await examServer();
  await using _server = server;
  await using folder = await tempFolder();
  const local: Database = new (pouchIn(folder.path))('replica');

  expect(await statusOf(server, 'LAG-1')).toMatchObject({
    documents: 15,
    pendingPull: null,
    lastPullAt: null,
  });
  expect((await rowsOf(server)).map(({ state }) => state)).toEqual(Array(3).fill('never synced'));

  await local.replicate.from(center.replicaUrl);
  const pulled = await statusOf(server, 'LAG-1');
  expect(pulled).toMatchObject({ pendingPull: 0, lastPushAt: null, digestEqual: null, conflicts: 0 });
  expect(Date.parse(pulled.lastPullAt as string)).toBeGreaterThan(Date.now() - 60_000);
  expect(await statusOf(server, 'LAG-10')).toMatchObject({ pendingPull: null, lastSeenAt: null });

  await local.put(answersDocument('LAG-1', 'T1', 1) as never);
  await local.replicate.to(center.replicaUrl);
  const pushed = await statusOf(server, 'LAG-1');
  expect(pushed.lastPushAt).toEqual(expect.any(String));
  // What the center itself wrote comes back in its feed: it is a change like any other.
  expect(pushed).toMatchObject({ documents: 16, pendingPull: 1 });

  await server.importDocuments([questionDocument('T2', 3), questionDocument('T2', 4)]);
  await local.replicate.from(center.replicaUrl);
  const rows = await rowsOf(server);
  expect(rows.map(({ centerId, testId }) => `${centerId} ${testId}`)).toEqual([
    'LAG-1 T1',
    'LAG-1 T2',
    'LAG-10 T1',
  ]);
  expect(rows).toMatchObject([{ state: 'ready' }, { state: 'ready' }, { state: 'never synced' }]);
  await server.importDocuments([questionDocument('T2', 5)]);
  expect(await rowsOf(server, '?test=T2')).toMatchObject([
    { testId: 'T2', state: 'behind', behind: 1, text: 'behind by 1' },
  ]);
  expect(await rowsOf(server, '?test=T1')).toMatchObject([{ state: 'ready' }, { state: 'never synced' }]);
  await local.close();
});

test('a node’s report says whether the digests are equal, and names what differs', async () => {
  const { server, center } = await examServer();
  await using _server = server;
  const ask = async <Answer>(path: string, init: RequestInit = {}): Promise<Answer> => {
    const headers = { authorization: center.authorization, 'content-type': 'application/json' };
    const answer = await fetch(`${server.url}/replicas/LAG-1/${path}`, { ...init, headers });
    return (await answer.json()) as Answer;
  };
  const { seq, partitions } = await ask<{ seq: string; partitions: Record<string, { digest: string }> }>(
    '_digest',
  );
  const digests = Object.fromEntries(Object.entries(partitions).map(([name, { digest }]) => [name, digest]));
  const at = new Date().toISOString();
  const equal: NodeReport = {
    instanceId: 'n1',
    since: seq,
    mode: 'continuous',
    pendingPush: 0,
    documents: 15,
    digests,
    differences: [],
    lastPullAt: at,
    lastPushAt: null,
    reportedAt: at,
  };
  let rev: string | undefined;
  const report = async (change: Partial<NodeReport>): Promise<void> => {
    const body = JSON.stringify({ ...equal, ...change, ...(rev && { _rev: rev }) });
    rev = (await ask<{ rev: string }>('_local/cbt-node.n1', { method: 'PUT', body })).rev;
  };
  const wrong = { ...digests, 'test-T2': '0'.repeat(64) };

  await report({});
  expect(await statusOf(server, 'LAG-1')).toMatchObject({
    pendingPull: 0,
    digestEqual: true,
    mode: 'continuous',
  });
  await report({ pendingPush: 2, digests: wrong });
  expect(await statusOf(server, 'LAG-1')).toMatchObject({ pendingPush: 2, digestEqual: null });
  await report({ digests: wrong });
  expect(await statusOf(server, 'LAG-1')).toMatchObject({ digestEqual: false });
  expect(await rowsOf(server)).toMatchObject([
    { centerId: 'LAG-1', testId: 'T1', state: 'ready' },
    { centerId: 'LAG-1', testId: 'T2', state: 'differs', differences: [] },
    { centerId: 'LAG-10', state: 'never synced' },
  ]);
  const altered = { id: 'test-T2:test:T2', problem: 'altered' as const };
  await report({ digests: wrong, differences: [altered] });
  expect(await statusOf(server, 'LAG-1')).toMatchObject({ digestEqual: false, differences: [altered] });
  expect(await rowsOf(server, '?test=T2')).toMatchObject([
    { text: 'differs in 1 document', differences: [altered] },
  ]);
  expect(await rowsOf(server, '?test=T1')).toMatchObject([{ state: 'ready' }, { state: 'never synced' }]);

  await report({});
  await server.importDocuments([questionDocument('T2', 3)]);
  expect(await statusOf(server, 'LAG-1')).toMatchObject({ pendingPull: 1, digestEqual: null });
  expect(await rowsOf(server, '?test=T2')).toMatchObject([{ state: 'behind', behind: 1 }]);
});

test('what was refused is counted, and shown with its reason', async () => {
  const { server, center } = await examServer();
  await using _server = server;
  await using folder = await tempFolder();
  const local: Database = new (pouchIn(folder.path))('replica');
  await local.put({ ...answersDocument('LAG-10', 'T1', 5) } as never);
  await local.replicate.to(center.replicaUrl);
  expect(await statusOf(server, 'LAG-1')).toMatchObject({ quarantined: 1 });
  expect(await statusOf(server, 'LAG-10')).toMatchObject({ quarantined: 0 });
  const { entries } = await server.api.request<{ entries: object[] }>('GET', '/api/quarantine?center=LAG-1');
  expect(entries).toMatchObject([
    {
      centerId: 'LAG-1',
      id: 'center-LAG-10:answers:E000005',
      reason: expect.stringContaining('own partition'),
    },
  ]);
  expect(await server.api.request('GET', '/api/quarantine?center=LAG-10')).toMatchObject({ entries: [] });
  await local.close();
});
