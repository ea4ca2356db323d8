import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import {
  answersDocument,
  centerShare,
  enrollmentDocument,
  resultDocument,
  studentDocument,
} from '../harness/documents.ts';
import { openServerHere } from '../harness/server.ts';
import { ask, type Json } from './request.ts';

const hash = (digit: string): string => digit.repeat(32);
const answers = (n: number): StoredDocument => answersDocument('L-1', 'T', n, 2);

/** Writes of center L-1 that must be refused, each with a part of the reason. */
const REFUSED: [name: string, doc: object, reason: RegExp][] = [
  ['another center’s document', { ...answersDocument('L-10', 'T', 1) }, /only in its own partition/],
  ['a question', { _id: 'test-T:question:Q', type: 'question' }, /only in its own partition/],
  ['a student', { _id: 'center-L-1:student:9', type: 'student' }, /written online only/],
  ['an assignment', { _id: 'center-L-1:assignment:T-9', type: 'assignment' }, /written online only/],
  ['an unknown type', { _id: 'center-L-1:note:1', type: 'note' }, /written online only/],
  ['an id that is none', { _id: 'answers', type: 'answers' }, /not <partition>:<type>:<key>/],
  ['no id', { type: 'answers' }, /not <partition>:<type>:<key>/],
  ['a type that is not the id’s', { ...answers(2), type: 'result' }, /is not answers/],
  ['answers that are no map', { ...answers(3), answers: 'A' }, /answers/],
  ['a score that is no number', { ...resultDocument('L-1', 'T', 4), score: 'full' }, /score/],
  [
    'a result without its score',
    { ...resultDocument('L-1', 'T', 4), score: undefined },
    /^score: is missing$/,
  ],
  ['a reserved field', { ...answers(5), _secret: 1 }, /^Bad special document member/],
  ['a new enrollment', enrollmentDocument('L-1', 'T', 77), /created online only/],
  ['not even a document', 'text' as never, /not <partition>/],
];

test('one bad document in a batch is refused alone, with its reason, and kept', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  await server.importDocuments(centerShare('L-1', 'T', 2));
  const good = [answers(10), resultDocument('L-1', 'T', 11)];
  const docs = [good[0], ...REFUSED.map(([, doc]) => doc), good[1]];
  const { status, json } = await ask(center, '/_bulk_docs', { body: { docs } });
  expect(status).toBe(201);
  expect(json.length).toBe(docs.length);
  for (const [index, [name, , reason]] of REFUSED.entries()) {
    expect(json[index + 1].error, name).toBe('forbidden');
    expect(json[index + 1].reason, name).toMatch(reason);
  }
  expect([json[0].ok, json.at(-1).ok]).toEqual([true, true]);
  const { entries } = (await ask(center, '/_quarantine')).json;
  expect(entries).toHaveLength(REFUSED.length);
  await ask(center, '/_bulk_docs', { body: { docs } });
  expect((await ask(center, '/_quarantine')).json.entries, 'repeating adds nothing').toHaveLength(
    REFUSED.length,
  );
  const admin = await server.api.request<{ entries: { doc: Json }[] }>('GET', '/api/quarantine?center=L-1');
  expect(admin.entries.map(({ doc }) => doc._id)).toContain('center-L-1:student:9');
});

test('of an enrollment a center changes seat and attendance, from whatever version it had', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  await server.importDocuments(centerShare('L-1', 'T', 1));
  const id = enrollmentDocument('L-1', 'T', 1)._id;
  const at = `/${encodeURIComponent(id)}`;
  const first = (await ask(center, `${at}?revs=true`)).json;
  const moved = { ...enrollmentDocument('L-1', 'T', 1), scheduledAt: '2026-12-08T08:00:00.000Z' };
  await server.importDocuments([moved]);

  const offline = {
    ...first,
    seat: 42,
    attendance: 'present',
    _rev: `2-${hash('e')}`,
    _revisions: { start: 2, ids: [hash('e'), ...first._revisions.ids] },
  };
  const push = await ask(center, '/_bulk_docs', { body: { new_edits: false, docs: [offline] } });
  expect(push.json, 'made on the version before the online change').toEqual([]);
  // What both sides changed is merged; then it is the newest.
  await server.api.request('GET', '/api/conflicts');

  const now = (await ask(center, at)).json;
  expect(now).toMatchObject({ seat: 42, attendance: 'present', scheduledAt: moved.scheduledAt });
  for (const change of [
    { accessCode: 'MINE' },
    { paymentStatus: 'pending' },
    { extra: true },
    { _deleted: true },
  ]) {
    const { status, json } = await ask(center, at, { method: 'PUT', body: { ...now, ...change } });
    expect([status, json.error], JSON.stringify(change)).toEqual([403, 'forbidden']);
  }
  expect((await ask(center, at, { method: 'PUT', body: { ...now, seat: 43 } })).status).toBe(201);
});

test('a change of an enrollment that has moved meanwhile does not bring it back to the old center', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  await server.addCenter('L-10');
  await server.importDocuments([...centerShare('L-1', 'T', 1), ...centerShare('L-10', 'T', 1, 2)]);
  const id = enrollmentDocument('L-1', 'T', 1)._id;
  const at = `/${encodeURIComponent(id)}`;
  const first = (await ask(center, `${at}?revs=true`)).json;
  await server.importDocuments([studentDocument('L-10', 1), enrollmentDocument('L-10', 'T', 1)]);
  expect((await ask(center, at)).json).toEqual({ error: 'not_found', reason: 'deleted' });

  const _rev = `2-${hash('f')}`;
  const _revisions = { start: 2, ids: [hash('f'), ...first._revisions.ids] };
  const docs = [{ ...first, seat: 42, _rev, _revisions }];
  const push = await ask(center, '/_bulk_docs', { body: { new_edits: false, docs } });
  expect(push.json).toMatchObject([{ id, error: 'forbidden', reason: expect.stringContaining('moved') }]);
  expect((await ask(center, at, { method: 'PUT', body: { ...first, seat: 42 } })).status).toBe(403);
  expect((await ask(center, at)).status).toBe(404);
  const { entries } = (await ask(center, '/_quarantine')).json;
  expect(entries).toMatchObject([
    { id, rev: expect.stringMatching(/^0-/) },
    { id, rev: _rev },
  ]);
});

test('a result and a log entry are written once', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  const log = { _id: 'center-L-1:log:n1.1', type: 'log', event: 'start' };
  for (const doc of [resultDocument('L-1', 'T', 1), log]) {
    const at = `/${encodeURIComponent(doc._id)}`;
    const { rev } = (await ask(center, at, { method: 'PUT', body: doc })).json;
    const changed = { ...doc, score: 60, event: 'other', _rev: rev };
    expect((await ask(center, at, { method: 'PUT', body: changed })).json.reason).toMatch(/written once/);
    expect((await ask(center, `${at}?rev=${rev}`, { method: 'DELETE' })).json.reason).toMatch(/written once/);
    const pushed = {
      ...doc,
      score: 60,
      _rev: `2-${hash('f')}`,
      _revisions: { start: 2, ids: [hash('f'), rev.slice(2)] },
    };
    const { json } = await ask(center, '/_bulk_docs', { body: { new_edits: false, docs: [pushed] } });
    expect(json[0].reason).toMatch(/written once/);
    expect((await ask(center, at)).json).toEqual({ ...doc, _rev: rev });
  }
});

test('fifty writers at once: every write is in the changes once, and the hub has them all', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  const writer = async (n: number): Promise<void> => {
    for (let k = 0; k < 8; k += 1) {
      const docs = [answers(n * 100 + k), answers(n * 100 + 50 + k)];
      expect((await ask(center, '/_bulk_docs', { body: { docs } })).json.every(({ ok }: Json) => ok)).toBe(
        true,
      );
    }
  };
  const reading = readUntil(center, 1 + 50 * 16);
  await Promise.all(Array.from({ length: 50 }, (_, n) => writer(n)));
  const seen = await reading;
  expect(new Set(seen).size).toBe(1 + 50 * 16);
  expect(seen.length, 'nothing comes twice').toBe(new Set(seen).size);
});

/** Follows the changes by longpoll, a few rows at a time, until `count` documents were seen. */
async function readUntil(center: Parameters<typeof ask>[0], count: number): Promise<string[]> {
  const seen: string[] = [];
  for (let since = '0'; seen.length < count; ) {
    const { json } = await ask(center, `/_changes?feed=longpoll&timeout=10000&limit=37&since=${since}`);
    seen.push(...json.results.map(({ id }: Json) => id));
    since = json.last_seq;
  }
  return seen;
}
