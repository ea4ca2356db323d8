import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { centerShare, resultDocument } from '../harness/documents.ts';
import { type RedisServer, startRedis } from '../harness/redis.ts';
import { type RunningServer, startServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { caughtUp, centerDocuments, openLastingHub, TEST, writeChanges } from './world.ts';

const KILLS = 6;
const CHANGES_EACH = 500;
const LONG_MS = 180_000;

/** All keys that the hub's documents make, with their content. */
async function contentOf({ client }: RedisServer): Promise<Record<string, unknown>> {
  const content: Record<string, unknown> = {};
  for (const key of (await client.keys('cbt:*')).sort()) {
    if (/^cbt:(result|sessions):/.test(key)) content[key] = await client.hgetall(key);
    if (key.startsWith('cbt:confirmed:')) content[key] = (await client.smembers(key)).sort();
    if (!key.startsWith('cbt:center:')) continue;
    const center = await client.hgetall(key);
    content[key] = [center.sessionsRunning, center.sessionsSubmitted, center.sessionsConfirmed];
  }
  return content;
}

test(
  'mirror and store are killed in turn, six times each, during 3,000 changes',
  async () => {
    await using redis = await startRedis();
    await using zero = await startRedis();
    await using hub = await openLastingHub();
    await hub.db.bulkDocs(centerDocuments() as never);
    await using server = await startServer({ env: { ...hub.env, REDIS_URL: redis.url } });
    const mark = () => redis.client.hget('cbt:mirror', 'mark');
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = await mark();
      const written = writeChanges(hub.db, kill * CHANGES_EACH, CHANGES_EACH);
      await until(async () => (await mark()) !== before, { what: 'the mark moves', withinMs: 60_000 });
      await redis.kill();
      await redis.start();
      await server.kill();
      await written;
      await server.start();
    }
    await caughtUp(server, 'redis');
    await using other = await startServer({ env: { ...hub.env, REDIS_URL: zero.url } });
    await caughtUp(other, 'redis');
    expect(await contentOf(redis)).toEqual(await contentOf(zero));
  },
  LONG_MS,
);

function session(n: number, status: string): StoredDocument {
  const enrollmentId = `E00000${n}`;
  const _id = `center-LAG-1:session:${enrollmentId}`;
  return { _id, type: 'session', enrollmentId, testId: TEST, status };
}

test('a center’s hash counts its sessions, results are there, and nothing outside the prefix is touched', async () => {
  await using redis = await startRedis();
  const { client } = redis;
  const theirs = { queue: 'their queue', 'cbt-like': 'their key', 'sync:LAG-1': 'their key' };
  await client.mset(theirs);
  await using server = await startServer({ env: { REDIS_URL: redis.url } });
  await server.importDocuments([
    ...centerShare('LAG-1', TEST, 3),
    ...[session(1, 'running'), session(2, 'running'), session(3, 'submitted')],
    resultDocument('LAG-1', TEST, 3),
  ]);
  const access = await server.addCenter('LAG-1');
  // The server's receipt for the result is what confirms it.
  await until(async () => (await client.hget('cbt:center:LAG-1', 'sessionsConfirmed')) === '1', {
    what: 'the result is confirmed',
  });
  expect(await client.hgetall('cbt:center:LAG-1')).toMatchObject({
    sessionsRunning: '2',
    sessionsSubmitted: '1',
  });
  expect(await client.hgetall('cbt:result:E000003')).toMatchObject({ centerId: 'LAG-1', score: '3' });
  await push(server, access.authorization, { ...session(1, 'submitted') });
  await until(async () => (await client.hget('cbt:center:LAG-1', 'sessionsSubmitted')) === '2', {
    what: 'the second session is counted',
  });
  await until(async () => (await client.zrange('cbt:centers:recent', '0', '-1'))[0] === 'LAG-1', {
    what: 'its upload shows',
  });
  expect(Number(await client.zscore('cbt:centers:silent', 'LAG-1'))).toBeGreaterThan(0);
  await client.hset('cbt:sessions:LAG-9', 'E9', 'running');
  await client.hset('cbt:sessions:LAG-1', 'E000002', 'submitted');
  await client.hdel('cbt:result:E000003', 'score');
  await client.hset('cbt:result:E9', 'score', 1);
  expect(await server.api.request('POST', '/api/mirrors/redis/verify')).toEqual({
    ...{ equal: false, more: false },
    counts: { sessions: { hub: 3, mirror: 3 }, results: { hub: 1, mirror: 2 } },
    differences: [
      { id: 'cbt:result:E000003', problem: 'different' },
      { id: 'cbt:sessions:LAG-1 E000002', problem: 'different' },
      { id: 'cbt:result:E9', problem: 'extra' },
      { id: 'cbt:sessions:LAG-9', problem: 'extra' },
    ],
  });
  await server.api.request('POST', '/api/mirrors/redis/rebuild');
  expect(await server.api.request('POST', '/api/mirrors/redis/verify')).toMatchObject({ equal: true });
  expect(await client.hget('cbt:center:LAG-1', 'sessionsSubmitted')).toBe('2');
  const others = (await client.keys('*')).filter((key) => !key.startsWith('cbt:'));
  expect(others.sort()).toEqual(Object.keys(theirs).sort());
  expect(await client.mget(Object.keys(theirs))).toEqual(Object.values(theirs));
}, 120_000);

/** Sends a document on as a program of the center. */
async function push(server: RunningServer, authorization: string, doc: StoredDocument): Promise<void> {
  const { _id, type, ...fields } = doc;
  const current = await fetch(`${server.url}/replicas/LAG-1/${encodeURIComponent(_id)}`, {
    headers: { authorization },
  });
  const { _rev: rev } = (await current.json()) as StoredDocument;
  const answer = await fetch(`${server.url}/sync/upload/LAG-1`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ sessions: [{ ...fields, rev }] }),
  });
  expect(answer.status).toBe(200);
}
