import { expect, test } from 'vitest';
import { runScript } from '../harness/child.ts';
import { centerShare, enrollmentDocument, subjectDocument, wholeTest } from '../harness/documents.ts';
import { type MongoServer, startMongo } from '../harness/mongo.ts';
import { startNode } from '../harness/node.ts';
import { startRedis } from '../harness/redis.ts';
import { startServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { caughtUp, DATABASE, mirrorStatus, TEST } from './world.ts';

const LONG_MS = 120_000;

test(
  'stores that are down from the start, and again later: everything else goes on, and the lag shows',
  async () => {
    await using mongo = await startMongo();
    await using redis = await startRedis();
    await Promise.all([mongo.kill(), redis.kill()]);
    const env = { MONGODB_URI: mongo.uri(DATABASE), REDIS_URL: redis.url };
    await using server = await startServer({ env });
    await server.importDocuments([
      subjectDocument('SCI'),
      ...wholeTest(TEST, 2),
      ...centerShare('LAG-1', TEST, 5),
    ]);
    for (const name of ['mongo', 'redis']) {
      const status = await until(
        async () => {
          const found = await mirrorStatus(server, name);
          return found.state === 'down' && found.behindSeconds > 0 && found;
        },
        { what: `${name} is behind` },
      );
      expect(status.error).not.toBeNull();
    }
    await expect(server.api.request('POST', '/api/mirrors/redis/rebuild')).rejects.toMatchObject({
      code: 'unreachable',
    });
    const audit = await server.api.request<{ entries: object[] }>('GET', '/api/audit?action=mirror.rebuilt');
    expect(audit.entries).toMatchObject([{ outcome: 'failed', details: { name: 'redis' } }]);
    const status = await server.api.request<{ mirrors: { name: string }[] }>('GET', '/api/status');
    expect(status.mirrors.map(({ name }) => name)).toEqual(['mongo', 'redis']);
    const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
    expect(await metrics()).toContain('cbt_mirror_up{mirror="mongo"} 0');
    const access = await server.addCenter('LAG-1');
    await using node = await startNode({ server: server.url, center: access });
    expect((await node.replicate()).pulled).toBeGreaterThan(10);

    await Promise.all([mongo.start(), redis.start()]);
    await caughtUp(server, 'mongo');
    await caughtUp(server, 'redis');
    expect(await metrics()).toContain('cbt_mirror_up{mirror="mongo"} 1');

    await mongo.kill();
    await server.importDocuments([enrollmentDocument('LAG-1', TEST, 6)]);
    await until(async () => ((await mirrorStatus(server)).behindDocuments ?? 0) > 0, {
      what: 'one is lacking',
    });
    await mongo.start();
    await caughtUp(server, 'mongo');
    expect(server.output).not.toContain('MaxListenersExceededWarning');
  },
  LONG_MS,
);

async function syncStatuses(mongo: MongoServer): Promise<Record<string, string>> {
  const docs = await mongo.client.db(DATABASE).collection('testenrollments').find({}).toArray();
  return Object.fromEntries(docs.map((doc) => [doc.enrollmentId, doc.syncStatus]));
}

test(
  'a center’s progress shows in the service’s enrollments and in the mirror’s own collections',
  async () => {
    await using mongo = await startMongo();
    const db = mongo.client.db(DATABASE);
    const enrollments = ['E000001', 'E000002'].map((enrollmentId) => ({
      enrollmentId,
      syncStatus: 'registered',
      note: 'the service’s own',
    }));
    await db.collection('testenrollments').insertMany(enrollments);
    await using server = await startServer({ env: { MONGODB_URI: mongo.uri(DATABASE) } });
    await server.importDocuments([
      subjectDocument('SCI'),
      ...wholeTest(TEST, 2),
      ...centerShare('LAG-1', TEST, 2),
    ]);
    const access = await server.addCenter('LAG-1');
    await using node = await startNode({ server: server.url, center: access });
    await node.replicate();
    await until(async () => Object.values(await syncStatuses(mongo)).every((one) => one === 'downloaded'), {
      what: 'both are downloaded',
    });
    const session = { type: 'session', enrollmentId: 'E000001', testId: TEST, status: 'submitted' };
    await fetch(`${node.replicaUrl}/center-LAG-1:session:E000001`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(session),
    });
    await node.replicate();
    await until(async () => (await syncStatuses(mongo)).E000001 === 'test_taken', { what: 'it is taken' });
    expect((await syncStatuses(mongo)).E000002).toBe('downloaded');
    expect(await db.collection('testenrollments').findOne({ enrollmentId: 'E000001' })).toMatchObject({
      note: 'the service’s own',
    });
    const operation = (type: string) =>
      until(async () => (await db.collection('syncOperations').findOne({ type })) ?? undefined, {
        what: `the ${type} is there`,
      });
    expect(await operation('download')).toMatchObject({ status: 'completed', centerId: 'LAG-1' });
    expect(await operation('upload')).toMatchObject({ status: 'completed', refused: 0, error: null });
    const metadata = db.collection<{ _id: string; status: string }>('syncMetadata');
    await until(async () => (await metadata.findOne({ _id: 'LAG-1' }))?.status === 'synced', {
      what: 'the center is synced',
      withinMs: 40_000,
    });
    expect(await metadata.findOne({ _id: 'LAG-1' })).toMatchObject({
      pendingDownload: 0,
      pendingUpload: 0,
      lastUpload: expect.any(Date),
      conflicts: 0,
    });
  },
  LONG_MS,
);

test('the mirror’s commands say what is wrong, by name and by exit code', async () => {
  await using mongo = await startMongo();
  await using server = await startServer({ env: { MONGODB_URI: mongo.uri(DATABASE) } });
  await server.importDocuments(centerShare('LAG-1', TEST, 3));
  await caughtUp(server);
  const run = (...args: string[]) =>
    runScript('server/main.ts', ['mirror', ...args], { env: { DATA_DIR: server.dataDir } });
  expect(await run('status')).toMatchObject({ code: 0, stdout: 'mongo: following, up to date\n' });
  const collection = mongo.client.db(DATABASE).collection<{ _id: string }>('enrollments');
  await collection.deleteOne({ _id: 'center-LAG-1:enrollment:E000001' });
  await collection.updateOne({ _id: 'center-LAG-1:enrollment:E000002' }, { $set: { seat: 99 } });
  await collection.insertOne({ _id: 'center-LAG-1:enrollment:E000009' });
  const verified = await run('verify', 'mongo');
  expect(verified.code).toBe(1);
  expect(verified.stdout.split('\n')).toEqual(
    expect.arrayContaining([
      'enrollments: 3 in the hub, 3 mirrored',
      'missing: center-LAG-1:enrollment:E000001',
      'different: center-LAG-1:enrollment:E000002',
      'extra: center-LAG-1:enrollment:E000009',
    ]),
  );
  // What no mirror has written is not its to remove.
  await collection.deleteOne({ _id: 'center-LAG-1:enrollment:E000009' });
  expect((await run('rebuild', 'mongo')).code).toBe(0);
  expect(await run('verify', 'mongo')).toMatchObject({ code: 0, stdout: expect.stringMatching(/equal\n$/) });
  const none = await run('rebuild', 'redis');
  expect(none).toMatchObject({
    code: 1,
    stderr: 'cbt-server: there is no redis mirror: REDIS_URL is not set\n',
  });
}, 120_000);
