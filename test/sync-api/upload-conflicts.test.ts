import { expect, test } from 'vitest';
import type { RecordConflict, RecordOutcome } from '../../server/sync-api/upload.ts';
import { ask } from '../harness/ask.ts';
import { openWorld, type SyncWorld, TEST } from './world.ts';

interface UploadAnswer {
  outcomes?: RecordOutcome[];
  conflicts?: RecordConflict[];
  error?: string;
}

function upload({ server, one }: SyncWorld, body: object) {
  const { authorization } = one;
  return ask<UploadAnswer>(`${server.url}/sync/upload/LAG-1`, { authorization, body });
}

const session = (n: number, more = {}) => ({ enrollmentId: `E00000${n}`, testId: TEST, ...more });
const result = (n: number, score: number) => ({ ...session(n), score });

function nested(levels: number): unknown {
  return levels === 0 ? 1 : { inner: nested(levels - 1) };
}

async function readDocument({ server }: SyncWorld, id: string): Promise<Record<string, unknown> | undefined> {
  const answer = await ask(`${server.url}/couch/cbt/${encodeURIComponent(id)}`, {
    authorization: `Bearer ${server.adminToken}`,
  });
  return answer.status === 200 ? answer.body : undefined;
}

test('records are stored once, however often they are sent', async () => {
  await using world = await openWorld();
  const body = {
    sessions: [session(1, { status: 'submitted' })],
    answers: [session(1, { answers: { 'Q-1': { choice: 'A', n: 1 } } })],
    results: [result(1, 3)],
    logs: [{ key: 'program.1', event: 'sent' }],
    enrollments: [{ enrollmentId: 'E000001', attendance: 'present' }],
  };
  const first = await upload(world, body);
  expect(first.status).toBe(200);
  expect(first.body.outcomes?.map(({ status }) => status)).toEqual(Array(5).fill('stored'));
  const again = await upload(world, body);
  expect(again.body.outcomes?.map(({ status }) => status)).toEqual(Array(5).fill('unchanged'));
  expect(again.body.outcomes?.map(({ rev }) => rev)).toEqual(first.body.outcomes?.map(({ rev }) => rev));
  const enrollment = await readDocument(world, 'center-LAG-1:enrollment:E000001');
  expect(enrollment).toMatchObject({ attendance: 'present', testId: TEST, accessCode: expect.any(String) });
});

test('where one record conflicts nothing is stored, and both versions come back with a suggestion', async () => {
  await using world = await openWorld();
  await upload(world, {
    answers: [session(1, { answers: { A: { choice: 'A', n: 1 }, B: { choice: 'B', n: 5 } } })],
    results: [result(2, 3)],
  });
  const conflicting = await upload(world, {
    sessions: [session(3, { status: 'running' })],
    answers: [session(1, { answers: { A: { choice: 'C', n: 2 }, B: { choice: 'D', n: 4 } } })],
    results: [result(2, 4)],
  });
  expect(conflicting.status).toBe(409);
  const [answers, final] = conflicting.body.conflicts ?? [];
  expect(answers).toMatchObject({
    type: 'answers',
    theirs: { record: { answers: { A: { choice: 'A' } } } },
    suggestion: { action: 'merge', record: { answers: { A: { choice: 'C' }, B: { choice: 'B' } } } },
  });
  const odd = await upload(world, { answers: [session(1, { answers: { A: null, C: { choice: 'C' } } })] });
  expect(odd.body.conflicts?.[0]?.suggestion.record).toMatchObject({
    answers: { A: { choice: 'A' }, C: { choice: 'C' } },
  });
  expect(final).toMatchObject({ type: 'result', suggestion: { action: 'keep_theirs' } });
  expect(await readDocument(world, 'center-LAG-1:session:E000003')).toBeUndefined();

  const merged = { ...answers?.suggestion.record, rev: answers?.theirs.rev };
  expect((await upload(world, { answers: [merged] })).body.outcomes).toMatchObject([{ status: 'stored' }]);
  expect(await readDocument(world, 'center-LAG-1:answers:E000001')).toMatchObject({
    answers: { A: { choice: 'C' }, B: { choice: 'B' } },
  });
});

test('what the sender has seen by its cursor is no conflict', async () => {
  await using world = await openWorld();
  const { server, one } = world;
  await upload(world, { sessions: [session(1, { status: 'running' })] });
  const { authorization } = one;
  const page = await ask<{ nextCursor: string }>(`${server.url}/sync/incremental/LAG-1`, {
    authorization,
    body: {},
  });
  const since = page.body.nextCursor;
  const seen = await upload(world, { since, sessions: [session(1, { status: 'submitted' })] });
  expect(seen.status).toBe(200);
  const unseen = await upload(world, { since, sessions: [session(1, { status: 'running' })] });
  expect(unseen.status).toBe(409);
  expect(unseen.body.conflicts?.[0]?.suggestion).toMatchObject({ action: 'keep_theirs' });
});

test('the same rules as for replicas: what may not be stored is refused alone and kept in quarantine', async () => {
  await using world = await openWorld();
  const { body, status } = await upload(world, {
    sessions: [session(1, { status: 'running' })],
    results: [{ ...session(1), score: 'all' }],
    enrollments: [
      { enrollmentId: 'E000002', accessCode: 'MINE' },
      { enrollmentId: 'E999999', seat: 1 },
    ],
  });
  expect(status).toBe(200);
  expect(body.outcomes?.map(({ status }) => status)).toEqual(['stored', 'refused', 'refused', 'refused']);
  expect(body.outcomes?.[2]?.reason).toContain('accessCode');
  const { entries } = await world.server.api.request<{ entries: unknown[] }>('GET', '/api/quarantine');
  expect(entries).toHaveLength(3);
});

test.each([
  ['a record that is nested a thousand levels deep', { sessions: [session(1, { x: nested(1000) })] }],
  ['a list that is none', { results: 'all' }],
  ['a kind that there is not', { tests: [] }],
  ['a record without its key', { results: [{ score: 1 }] }],
  ['a key that no id may hold', { results: [{ enrollmentId: '../E1', score: 1 }] }],
  ['a record twice', { results: [result(1, 1), result(1, 2)] }],
  ['a field of the database’s own', { results: [{ ...result(1, 1), _deleted: true }] }],
])('%s is refused whole', async (_, body) => {
  await using world = await openWorld();
  expect(await upload(world, body)).toMatchObject({ status: 400, body: { error: 'bad_request' } });
});
