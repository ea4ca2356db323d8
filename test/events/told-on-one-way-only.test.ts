import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { PACKAGE_MEDIA_TYPE } from '../../replication/package/manifest.ts';
import type { EventType, SyncEvent } from '../../server/events/events.ts';
import { ask } from '../harness/ask.ts';
import { centerDocument, enrollmentDocument, subjectDocument, wholeTest } from '../harness/documents.ts';
import { startRedis } from '../harness/redis.ts';
import { type CenterAccess, openServerHere, type RunningServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { listen } from './listener.ts';

const TEST = 'SCI-P1';
const CENTER = 'LAG-1';
const SESSION = `center-${CENTER}:session:E000001`;
const RESULT = `center-${CENTER}:result:E000001`;

/** Everything that happens at a center, each in turn, with what its event tells of it. */
function happenings(server: RunningServer, { authorization }: CenterAccess) {
  const enrollment = enrollmentDocument(CENTER, TEST, 1);
  const base = { enrollmentId: 'E000001', testId: TEST };
  const named = { documentId: enrollment._id, ...base };
  const session = { _id: SESSION, type: 'session', ...base, status: 'running' };
  const sessionNamed = { ...base, documentId: SESSION };
  const push = (doc: object) =>
    ask(`${server.url}/replicas/${CENTER}/_bulk_docs`, {
      authorization,
      body: { docs: [doc], new_edits: false },
    });
  const steps: [EventType, () => Promise<unknown>, object][] = [
    ['enrollment.created', () => server.importDocuments([enrollment]), named],
    ['enrollment.updated', () => server.importDocuments([{ ...enrollment, accessCode: 'CHANGED1' }]), named],
    ['test.assigned', () => server.assign(TEST, CENTER), { testId: TEST }],
    ['session.started', () => push({ ...session, _rev: '1-a' }), { ...sessionNamed, rev: '1-a' }],
    ['conflict.found', () => push({ ...session, _rev: '1-b' }), sessionNamed],
    ['conflict.resolved', () => resolve(server, '1-a'), sessionNamed],
    [
      'session.submitted',
      async () => push({ ...session, ...(await nextOf(server, SESSION)), status: 'submitted' }),
      sessionNamed,
    ],
    [
      'result.received',
      () => push({ _id: RESULT, type: 'result', ...base, score: 1, _rev: '1-c' }),
      { documentId: RESULT, rev: '1-c', ...base },
    ],
    ['sync.completed', () => checkpoint(server, authorization), { direction: 'upload', records: 4 }],
    ['sync.failed', () => brokenPackage(server, authorization), { direction: 'upload', records: 0 }],
    ['test.withdrawn', () => server.withdraw(TEST, CENTER), { testId: TEST }],
    [
      'enrollment.cancelled',
      () => server.importDocuments([{ ...enrollment, enrollmentStatus: 'cancelled' }]),
      { documentId: enrollment._id },
    ],
  ];
  return steps;
}

async function resolve(server: RunningServer, choose: string): Promise<void> {
  await server.api.request('POST', `/api/conflicts/${encodeURIComponent(SESSION)}`, { choose });
}

/** What a revision on the present one begins with. */
async function nextOf(server: RunningServer, id: string) {
  const { _rev } = await server.api.request<{ _rev: string }>('GET', `/couch/cbt/${encodeURIComponent(id)}`);
  const [generation, hash] = _rev.split('-');
  const start = Number(generation) + 1;
  return { _rev: `${start}-d`, _revisions: { start, ids: ['d', hash] } };
}

function checkpoint(server: RunningServer, authorization: string): Promise<unknown> {
  const url = `${server.url}/replicas/${CENTER}/_local/program`;
  return ask(url, { authorization, method: 'PUT', body: { last_seq: 3 } });
}

async function brokenPackage(server: RunningServer, authorization: string): Promise<void> {
  const headers = { authorization, 'content-type': PACKAGE_MEDIA_TYPE };
  const url = `${server.url}/sync/upload/${CENTER}`;
  const answer = await fetch(url, { method: 'POST', headers, body: 'no package' });
  expect(answer.status).toBe(400);
}

/** The stream's entries as the events that they hold. */
async function streamed(client: Redis): Promise<SyncEvent[]> {
  const entries = await client.xrange('cbt:events', '-', '+');
  return entries.map(([id, pairs]) => {
    const fields = Object.fromEntries(pairs.flatMap((name, at) => (at % 2 ? [] : [[name, pairs[at + 1]]])));
    expect(fields.id).toBe(id);
    return {
      ...fields,
      version: Number(fields.version),
      data: JSON.parse(fields.data as string),
    } as SyncEvent;
  });
}

test('every kind of event comes by the channel, the stream and server-sent events alike', async () => {
  await using redis = await startRedis();
  await using server = await openServerHere({ redisUrl: redis.url, resolveConflicts: false });
  await server.importDocuments([subjectDocument('SCI'), ...wholeTest(TEST, 1), centerDocument(CENTER)]);
  const center = await server.addCenter(CENTER);
  await using listener = await listen(server.url, center);
  const subscriber = redis.client.duplicate().on('error', () => {});
  const published: SyncEvent[] = [];
  subscriber.on('message', (_channel, text) => published.push(JSON.parse(text) as SyncEvent));
  await subscriber.subscribe(`sync:${CENTER}`);
  const steps = happenings(server, center);
  for (const [type, cause, data] of steps) {
    await cause();
    const [event] = await listener.next(1);
    expect(event).toEqual({
      id: expect.stringMatching(/^\d+-\d+$/),
      type,
      testCenter: CENTER,
      timestamp: new Date(Number.parseInt(event?.id ?? '', 10)).toISOString(),
      version: 1,
      data: expect.objectContaining(data),
    });
  }
  const { events, frames } = listener;
  // As a browser reads them: by these lines it knows the event's name, and where to go on.
  for (const [index, { id, type }] of events.entries()) {
    expect(frames[index]?.split('\n')).toEqual(expect.arrayContaining([`id: ${id}`, `event: ${type}`]));
  }
  await until(async () => published.length === steps.length && (await streamed(redis.client)).length, {
    what: 'all are published',
  });
  subscriber.disconnect();
  expect(published).toEqual(events);
  expect(await streamed(redis.client)).toEqual(events);
});
