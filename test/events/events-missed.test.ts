import { expect, test } from 'vitest';
import { openControlStore } from '../../server/control/store.ts';
import type { SyncEvent } from '../../server/events/events.ts';
import { openEventLog } from '../../server/events/log.ts';
import { centerDocument, enrollmentDocument, subjectDocument, wholeTest } from '../harness/documents.ts';
import { startRedis } from '../harness/redis.ts';
import { type CenterAccess, type ServerProcess, startServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
import { listen } from './listener.ts';

const TEST = 'SCI-P1';
/** As docs/services.md says. */
const EVENTS_KEPT = 50_000;

interface World extends AsyncDisposable {
  server: ServerProcess;
  one: CenterAccess;
  ten: CenterAccess;
  enroll(n: number, centerId?: string): Promise<void>;
}

async function openWorld(env: Record<string, string> = {}): Promise<World> {
  const server = await startServer({ env });
  await server.importDocuments([subjectDocument('SCI'), ...wholeTest(TEST, 1)]);
  await server.importDocuments(['LAG-1', 'LAG-10'].map(centerDocument));
  return {
    server,
    one: await server.addCenter('LAG-1'),
    ten: await server.addCenter('LAG-10'),
    enroll: (n, centerId = 'LAG-1') => server.importDocuments([enrollmentDocument(centerId, TEST, n)]),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const typesOf = (events: readonly SyncEvent[]) => events.map(({ type }) => type);

test('what happens to a center is told once, in order, to its listeners alone', async () => {
  await using world = await openWorld();
  const { server, one, ten } = world;
  await using listener = await listen(server.url, one);
  await using other = await listen(server.url, ten);
  await world.enroll(1);
  await world.enroll(2, 'LAG-10');
  const edited = { ...enrollmentDocument('LAG-1', TEST, 1), accessCode: 'CHANGED1' };
  await server.importDocuments([edited]);
  await server.assign(TEST, 'LAG-1');
  await server.withdraw(TEST, 'LAG-1');
  await server.importDocuments([{ ...edited, enrollmentStatus: 'cancelled' }]);
  await world.enroll(1);
  const events = await listener.next(6);
  expect(typesOf(events)).toEqual([
    'enrollment.created',
    'enrollment.updated',
    'test.assigned',
    'test.withdrawn',
    'enrollment.cancelled',
    'enrollment.created',
  ]);
  expect(events[0]).toMatchObject({
    testCenter: 'LAG-1',
    version: 1,
    data: { documentId: 'center-LAG-1:enrollment:E000001', enrollmentId: 'E000001', testId: TEST },
  });
  expect(JSON.stringify(events)).not.toContain('CHANGED1');
  expect(typesOf(await other.next(1))).toEqual(['enrollment.created']);
  expect(other.events).toHaveLength(1);
});

test('a result, a conflict and the end of a replication are told', async () => {
  await using world = await openWorld({ RESOLVE_CONFLICTS: 'off' });
  const { server, one } = world;
  await using listener = await listen(server.url, one);
  const { authorization } = one;
  const send = (doc: object) =>
    fetch(`${server.url}/replicas/LAG-1/_bulk_docs`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ docs: [doc], new_edits: false }),
    });
  const session = { _id: 'center-LAG-1:session:E000001', type: 'session', status: 'running' };
  await send({ ...session, _rev: '1-a' });
  expect(typesOf(await listener.next(1))).toEqual(['session.started']);
  const history = { start: 2, ids: ['d', 'a'] };
  await send({ ...session, _rev: '2-d', _revisions: history, status: 'submitted' });
  await send({ ...session, _rev: '1-b' });
  await send({ _id: 'center-LAG-1:result:E000001', type: 'result', score: 1, _rev: '1-c' });
  const checkpoint = { _id: '_local/program', last_seq: 3 };
  await fetch(`${server.url}/replicas/LAG-1/_local/program`, {
    method: 'PUT',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(checkpoint),
  });
  const types = typesOf(await listener.next(4));
  expect(types.sort()).toEqual(['conflict.found', 'result.received', 'session.submitted', 'sync.completed']);
});

test.each([
  ['with Redis', true],
  ['without Redis', false],
])('a listener that was away reads on after the last event it has seen, %s', async (_, withRedis) => {
  await using redis = withRedis ? await startRedis() : undefined;
  await using world = await openWorld(redis ? { REDIS_URL: redis.url } : {});
  const { server, one } = world;
  let last = '';
  {
    await using listener = await listen(server.url, one);
    await world.enroll(1);
    last = (await listener.next(1))[0]?.id ?? '';
  }
  await world.enroll(2);
  await server.kill();
  await server.start();
  await world.enroll(3);
  await using again = await listen(server.url, one, last);
  await world.enroll(4);
  const names = (await again.next(3)).map(({ data }) => data.enrollmentId);
  expect(names).toEqual(['E000002', 'E000003', 'E000004']);
  if (!redis) return;
  // A consumer of the stream that was away reads on in the same way, by the same ids.
  const entries = await until(
    async () => {
      const found = await redis.client.xrange('cbt:events', `(${last}`, '+');
      return found.length === 3 && found;
    },
    { what: 'all events are in the stream' },
  );
  expect(entries.map(([id]) => id)).toEqual(again.events.map(({ id }) => id));
});

test('Redis is down for a while: what was published meanwhile comes when it is back, and once', async () => {
  await using redis = await startRedis();
  await using world = await openWorld({ REDIS_URL: redis.url });
  const subscriber = redis.client.duplicate().on('error', () => {});
  const published: SyncEvent[] = [];
  subscriber.on('message', (_channel, text) => published.push(JSON.parse(text) as SyncEvent));
  await subscriber.subscribe('sync:LAG-1');
  await world.enroll(1);
  await until(() => published.length === 1, { what: 'the first is published' });
  await redis.kill();
  await world.enroll(2);
  await redis.start();
  await world.enroll(3);
  const stream = () => redis.client.xrange('cbt:events', '-', '+');
  await until(async () => (await stream()).length === 3, { what: 'all three are in the stream' });
  const names = (await stream()).map(([, fields]) =>
    JSON.parse(fields[fields.indexOf('data') + 1] as string),
  );
  expect(names.map(({ enrollmentId }) => enrollmentId)).toEqual(['E000001', 'E000002', 'E000003']);
  subscriber.disconnect();
});

test('a listener that was away for longer than events are kept is told that there is a gap', async () => {
  await using folder = await tempFolder('cbt-events');
  await using store = await openControlStore(folder.path);
  const log = await openEventLog(store);
  const happening = { type: 'sync.completed', testCenter: 'LAG-1', data: {} } as const;
  await log.append([happening]);
  const ids: string[] = [];
  for await (const { id } of log.after('')) ids.push(id);
  const [first = ''] = ids;
  await log.append(Array(EVENTS_KEPT - 1).fill(happening));
  expect(log.ofCenter('LAG-1', first).isComplete).toBe(true);
  // The first is not kept any more, and nothing is missed by who has seen it.
  await log.append([happening]);
  expect(log.ofCenter('LAG-1', first).isComplete).toBe(true);
  await log.append([happening]);
  expect(log.ofCenter('LAG-1', first).isComplete).toBe(false);
  expect((await openEventLog(store)).ofCenter('LAG-1', first).isComplete).toBe(false);
});

test('a listener needs its center’s credential, and ends with it', async () => {
  await using world = await openWorld();
  const { server, one, ten } = world;
  const url = `${server.url}/sync/events/LAG-1`;
  expect((await fetch(url)).status).toBe(401);
  expect((await fetch(url, { headers: { authorization: ten.authorization } })).status).toBe(403);
  const wrong = { authorization: one.authorization, 'last-event-id': 'yesterday' };
  expect((await fetch(url, { headers: wrong })).status).toBe(400);
  await using listener = await listen(server.url, one);
  await server.api.request('POST', '/api/centers/LAG-1/secret');
  await listener.ended;
});
