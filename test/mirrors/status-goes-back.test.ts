import type { Document } from 'mongodb';
import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { ask } from '../harness/ask.ts';
import { centerDocument, enrollmentDocument, resultDocument } from '../harness/documents.ts';
import { type MongoServer, startMongo } from '../harness/mongo.ts';
import { type CenterAccess, openServerHere, type RunningServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { caughtUp, DATABASE, type LastingHub, openLastingHub, TEST } from './world.ts';

const LEASE_MS = 1000;
const WHOLE_WAY = ['downloaded', 'test_taken', 'results_uploaded'];

/** Every `syncStatus` that was written into the service's enrollments, by enrollment and in order. */
function recordStatuses(mongo: MongoServer): AsyncDisposable & { of(enrollmentId: string): string[] } {
  const seen: { id: string; status: string }[] = [];
  const stream = enrollmentsOf(mongo).watch([], { fullDocument: 'updateLookup' });
  stream.on('error', () => {});
  stream.on('change', (change) => {
    if (change.operationType !== 'update') return;
    const status: unknown = change.updateDescription.updatedFields?.syncStatus;
    // Whatever else was written there would be none of the mirror's business.
    expect(Object.keys(change.updateDescription.updatedFields ?? {})).toEqual(['syncStatus']);
    seen.push({ id: String(change.fullDocument?.enrollmentId), status: String(status) });
  });
  return {
    of: (enrollmentId) => seen.filter(({ id }) => id === enrollmentId).map(({ status }) => status),
    [Symbol.asyncDispose]: () => stream.close(),
  };
}

function enrollmentsOf(mongo: MongoServer) {
  return mongo.client.db(DATABASE).collection<Document>('testenrollments');
}

/** Leaves what a replicator that has read all of the center's feed does, until the mirror has told of it. */
async function download(
  { url }: RunningServer,
  { authorization, centerId }: CenterAccess,
  mongo: MongoServer,
): Promise<void> {
  const feed = await ask<{ last_seq: string }>(`${url}/replicas/${centerId}/_changes`, { authorization });
  const body = { last_seq: feed.body.last_seq };
  const checkpoint = `${url}/replicas/${centerId}/_local/${encodeURIComponent(body.last_seq)}`;
  expect((await ask(checkpoint, { authorization, method: 'PUT', body })).status).toBe(201);
  const told = { _id: centerId as never, downloadedTo: body.last_seq };
  const metadata = mongo.client.db(DATABASE).collection('syncMetadata');
  await until(async () => (await metadata.findOne(told)) !== null, { what: 'the download is told' });
}

/** Writes documents of the hub anew, whatever is there. */
async function write({ db }: LastingHub, ...docs: StoredDocument[]): Promise<void> {
  const { rows } = await db.allDocs({ keys: docs.map(({ _id }) => _id) });
  const revs = rows.map((row) => ('value' in row && !row.value.deleted ? row.value.rev : undefined));
  const outcomes = await db.bulkDocs(
    docs.map((doc, index) => ({ ...doc, ...(revs[index] ? { _rev: revs[index] } : {}) })) as never,
  );
  expect(outcomes.every((outcome) => 'ok' in outcome)).toBe(true);
}

const session = (n: number, fields: object): StoredDocument => {
  const enrollmentId = `E00000${n}`;
  const _id = `center-LAG-1:session:${enrollmentId}`;
  return { _id, type: 'session', enrollmentId, testId: TEST, ...fields };
};

test('an enrollment’s status only rises: late events, a rebuild, another mirror', async () => {
  await using mongo = await startMongo();
  await using hub = await openLastingHub();
  const enrollments = enrollmentsOf(mongo);
  // One that the service has not given a status yet, beside two that have one; the third has no counterpart here.
  await enrollments.insertMany([
    { enrollmentId: 'E000001', syncStatus: 'registered' },
    { enrollmentId: 'E000002' },
    { enrollmentId: 'E000009', syncStatus: 'registered' },
  ]);
  await using statuses = recordStatuses(mongo);
  const reaches = (id: string, way: string[]) =>
    until(() => statuses.of(id).length >= way.length, { what: `${id} is ${way.at(-1)}` });
  await write(hub, centerDocument('LAG-1'), ...[1, 2].map((n) => enrollmentDocument('LAG-1', TEST, n)));
  const open = () =>
    openServerHere({
      ...{ hubUrl: hub.env.HUB_URL, resolveConflicts: false },
      ...{ mongodbUri: mongo.uri(DATABASE), mirrorLeaseMs: LEASE_MS },
    });
  await using one = await open();
  const center = await one.addCenter('LAG-1');
  await download(one, center, mongo);
  await reaches('E000001', ['downloaded']);
  await reaches('E000002', ['downloaded']);

  await write(hub, session(1, { status: 'running' }), session(2, { status: 'running' }));
  await write(hub, session(1, { status: 'submitted' }));
  await reaches('E000001', ['downloaded', 'test_taken']);
  await write(hub, resultDocument('LAG-1', TEST, 1));
  await reaches('E000001', WHOLE_WAY);

  // A session that is behind its result, a result that is taken out, an enrollment that is downloaded once more.
  const seated = { ...enrollmentDocument('LAG-1', TEST, 1), seat: 77 };
  await write(hub, session(1, { status: 'running' }), seated, enrollmentDocument('LAG-1', TEST, 2));
  await write(hub, session(1, { status: 'submitted', late: true }));
  await write(hub, { ...resultDocument('LAG-1', TEST, 1), _deleted: true });
  await caughtUp(one);
  await download(one, center, mongo);
  await one.api.request('POST', '/api/mirrors/mongo/rebuild');

  await using two = await open();
  const again = await two.addCenter('LAG-1');
  await one.stop();
  await until(
    async () =>
      (await two.api.request<{ mirrors: [{ state: string }] }>('GET', '/api/mirrors')).mirrors[0].state ===
      'following',
    {
      what: 'the other mirror has taken over',
    },
  );
  // It has an index of its own: what its center has downloaded is told from the beginning.
  await download(two, again, mongo);
  await write(hub, session(2, { status: 'submitted' }));
  await reaches('E000002', ['downloaded', 'test_taken']);
  expect(statuses.of('E000001')).toEqual(WHOLE_WAY);
  expect(statuses.of('E000002')).toEqual(['downloaded', 'test_taken']);
  expect(statuses.of('E000009')).toEqual([]);

  // What the service has lost itself, as from a backup, a rebuild tells it again.
  await enrollments.updateMany({}, { $set: { syncStatus: 'registered' } });
  await write(hub, resultDocument('LAG-1', TEST, 1), { ...session(2, {}), _deleted: true });
  await two.api.request('POST', '/api/mirrors/mongo/rebuild');
  const statusOf = async (enrollmentId: string) => (await enrollments.findOne({ enrollmentId }))?.syncStatus;
  const becomes = (id: string, status: string) =>
    until(async () => (await statusOf(id)) === status, { what: `${id} is ${status} again` });
  await becomes('E000001', 'results_uploaded');
  await becomes('E000002', 'downloaded');
  expect(await statusOf('E000009')).toBe('registered');
}, 120_000);
