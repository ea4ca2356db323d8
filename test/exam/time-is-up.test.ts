import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test as base, expect } from 'vitest';
import type { SessionView } from '../../local-node/exam/view.ts';
import type { LogAnswer } from '../../local-node/routes/roster.ts';
import { ROOT } from '../harness/child.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
import { type Candidate, type Room, type RoomOfProcesses, startRoom } from './room.ts';

const DURATION_MS = 4000;

/** One room for all, whose node's system time is what `setClock` says; each test has candidates of its own. */
const test = base.extend<{ $file: { room: RoomOfProcesses & { setClock(hours: number): Promise<void> } } }>({
  room: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from its first argument
    async ({}, use) => {
      await using folder = await tempFolder('cbt-clock');
      const shift = join(folder.path, 'shift');
      const setClock = (hours: number) => writeFile(shift, String(hours * 3_600_000));
      await setClock(0);
      const preload = pathToFileURL(join(ROOT, 'test/exam/shifted-date.ts')).href;
      await using room = await startRoom({
        candidates: 10,
        durationMinutes: DURATION_MS / 60_000,
        env: { NODE_OPTIONS: `--import ${preload}`, SHIFT_FILE: shift },
      });
      await use({ ...room, setClock });
    },
    { scope: 'file' },
  ],
});

const ownCandidates = (room: Room, first: number): [Candidate, Candidate, Candidate] =>
  room.candidates.slice(first, first + 3) as [Candidate, Candidate, Candidate];

function ended(room: Room, sessionId: string): Promise<SessionView> {
  return until(
    async () => {
      const { body } = await room.ask('GET', `/api/sessions/${sessionId}`);
      return body.status === 'submitted' && body;
    },
    { what: `session ${sessionId} is submitted by the node` },
  );
}

const lastedMs = ({ startedAt, submittedAt }: SessionView) =>
  Date.parse(submittedAt!) - Date.parse(startedAt);

test('the node submits by itself when the time is up, and takes no answer after it', async ({ room }) => {
  const [candidate] = ownCandidates(room, 0);
  const { sessionId, questions } = await room.enter(candidate);
  const path = `/api/sessions/${sessionId}`;
  const answer = `${path}/answers/${questions![0]!.questionId}`;
  await room.ask('PUT', answer, { choice: 'A', n: 1 });
  const view = await ended(room, sessionId);
  expect(view).toMatchObject({ submittedBy: 'time' });
  expect(lastedMs(view)).toBeGreaterThanOrEqual(DURATION_MS);
  expect(lastedMs(view)).toBeLessThan(30_000);
  expect(await room.ask('PUT', answer, { choice: 'B', n: 2 })).toMatchObject({
    status: 409,
    body: { error: 'session_submitted' },
  });
  const again = await room.ask('POST', '/api/sessions', { accessCode: candidate.accessCode });
  expect(again).toMatchObject({ status: 409, body: { error: 'session_submitted' } });
});

test('time goes on while the node is started again, and its end is kept', async ({ room }) => {
  const [candidate] = ownCandidates(room, 1);
  const { sessionId, remainingMs } = await room.enter(candidate);
  await room.node.kill();
  await room.node.start();
  const { body } = await room.ask('GET', `/api/sessions/${sessionId}`);
  expect(body.remainingMs).toBeLessThan(remainingMs);
  const view = await ended(room, sessionId);
  expect(view).toMatchObject({ submittedBy: 'time' });
  expect(lastedMs(view)).toBeLessThan(30_000);
});

test('extra minutes put the end off, for one and for all, and are logged', async ({ room }) => {
  const [first, second] = ownCandidates(room, 2);
  const [one, all] = [await room.enter(first), await room.enter(second)];
  const give = (body: object) => room.node.api.request('POST', '/api/operator/extra-time', body);
  expect(await give({ minutes: 5, reason: 'arrived late', sessionId: one.sessionId })).toEqual({
    sessions: 1,
  });
  expect(await give({ minutes: 2, reason: 'power cut' })).toEqual({ sessions: 2 });
  for (const [{ sessionId }, minutes] of [
    [one, 7],
    [all, 2],
  ] as const) {
    const { body } = await room.ask('GET', `/api/sessions/${sessionId}`);
    expect(body.extraMinutes).toBe(minutes);
    expect(body.remainingMs).toBeGreaterThan((minutes - 1) * 60_000);
    expect(body.remainingMs).toBeLessThanOrEqual(minutes * 60_000 + DURATION_MS);
  }
  const { rows } = await room.node.api.request<{ rows: { doc: { event: string; details: object } }[] }>(
    'GET',
    `/couch/replica/_all_docs?include_docs=true&startkey=%22center-LAG-1:log:%22&endkey=%22center-LAG-1:log;%22`,
  );
  const given = rows.filter(({ doc }) => doc.event === 'extra time').map(({ doc }) => doc.details);
  expect(given).toMatchObject([
    { minutes: 5, reason: 'arrived late', enrollmentIds: [first.enrollmentId] },
    { minutes: 2, reason: 'power cut' },
  ]);
  for (const { sessionId } of [one, all]) await room.ask('POST', `/api/sessions/${sessionId}/submit`);
});

for (const [hours, candidate] of [
  [1, 4],
  [-1, 7],
] as const) {
  test(`a system time that is set by ${hours} hours while a session runs moves neither its end nor the window`, async ({
    room,
  }) => {
    const [first, second, third] = ownCandidates(room, candidate);
    const begun = await room.enter(first);
    await room.setClock(hours);
    const { body } = await room.ask('GET', `/api/sessions/${begun.sessionId}`);
    expect(body.remainingMs).toBeGreaterThan(0);
    expect((await room.enter(second)).status).toBe('running');
    await room.node.kill();
    await room.node.start();
    expect((await room.enter(third)).status).toBe('running');
    const view = await ended(room, begun.sessionId);
    expect(lastedMs(view)).toBeGreaterThanOrEqual(DURATION_MS);
    expect(lastedMs(view)).toBeLessThan(60_000);
    const { entries } = await room.node.api.request<LogAnswer>('GET', '/api/operator/log');
    const jumps = entries.filter(({ event }) => event === 'clock jump');
    expect(jumps[0]?.details).toMatchObject({ by: 'system', ms: expect.any(Number) });
    expect(Number(jumps[0]?.details.ms) / hours).toBeGreaterThan(3_590_000);
  });
}
