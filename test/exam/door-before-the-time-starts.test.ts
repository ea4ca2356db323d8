import { expect, test } from 'vitest';
import type { AdmissionView, SessionTime } from '../../local-node/exam/view.ts';
import type { LogAnswer, RosterAnswer, TestsAnswer } from '../../local-node/routes/roster.ts';
import { enrollmentDocument, studentDocument } from '../harness/documents.ts';
import { CENTER, openRoom, TEST } from './room.ts';

test('a candidate is shown who he is before any time runs, and a code admits to nothing more', async () => {
  await using room = await openRoom();
  const { accessCode, enrollmentId } = room.candidates[0]!;
  const admit = () => room.ask<AdmissionView>('POST', '/api/admission', { accessCode });
  const { status, body } = await admit();
  expect(status).toBe(200);
  expect(body).toMatchObject({
    candidate: { seat: 1 },
    registrationNumber: `2026${enrollmentId.slice(1)}`,
    test: { testId: TEST, durationMinutes: 30, questionCount: 6, calculator: false },
    isRunning: false,
  });
  expect(JSON.stringify(body)).not.toMatch(/sessionId|questions"|accessCode|correct/);
  expect(await room.node.api.request('GET', '/api/operator/sessions')).toEqual({ sessions: [] });

  const { sessionId } = await room.enter(room.candidates[0]!);
  expect((await admit()).body.isRunning).toBe(true);
  const time = () => room.ask<SessionTime>('GET', `/api/sessions/${sessionId}/time`);
  expect((await time()).body).toMatchObject({ status: 'running', extraMinutes: 0 });
  await room.ask('POST', `/api/sessions/${sessionId}/submit`);
  expect((await time()).body).toEqual({ status: 'submitted', remainingMs: 0, extraMinutes: 0 });
  expect(await admit()).toMatchObject({ status: 409, body: { error: 'session_submitted' } });
  expect((await room.ask('GET', '/api/sessions/nothing/time')).status).toBe(404);
  const unknown = await room.ask('POST', '/api/admission', { accessCode: 'NOBODY' });
  expect(unknown).toMatchObject({ status: 404, body: { error: 'not_found' } });
});

test('the operator sees which test is next, how far each candidate is, and what was logged', async () => {
  await using room = await openRoom();
  const { api } = room.node;
  const { sessionId, questions } = await room.enter(room.candidates[0]!);
  await room.ask('PUT', `/api/sessions/${sessionId}/answers/${questions![0]!.questionId}`, {
    choice: 'A',
    n: 1,
  });
  const { sessionId: second } = await room.enter(room.candidates[1]!);
  await room.ask('POST', `/api/sessions/${second}/submit`);
  const { tests } = await api.request<TestsAnswer>('GET', '/api/tests');
  expect(tests).toMatchObject([
    {
      testId: TEST,
      questions: { here: 6, needed: 6 },
      candidates: { total: 3, admitted: 3 },
      obstacles: [],
    },
  ]);
  const { candidates } = await api.request<RosterAnswer>('GET', `/api/operator/candidates?test=${TEST}`);
  expect(candidates).toMatchObject([
    { seat: 1, state: 'working', sessionId, answered: 1, questions: 6 },
    { seat: 2, state: 'submitted', submittedBy: 'candidate', isConfirmed: false },
    { seat: 3, state: 'expected' },
  ]);
  await room.node.replicate();
  await room.node.replicate();
  const after = await api.request<RosterAnswer>('GET', `/api/operator/candidates?test=${TEST}`);
  expect(after.candidates[1]).toMatchObject({ isConfirmed: true });
  const { entries } = await api.request<LogAnswer>('GET', '/api/operator/log?limit=2');
  expect(entries.map(({ n }) => n)).toEqual([entries[0]!.n, entries[0]!.n - 1]);
  const { entries: older } = await api.request<LogAnswer>('GET', '/api/operator/log?before=2');
  expect(older).toMatchObject([{ n: 1, event: 'node started' }]);
});

test('a name and a seat that are corrected online are what the candidate is asked about', async () => {
  await using room = await openRoom();
  const { server, node, candidates } = room;
  const { accessCode } = candidates[0]!;
  const admission = async () =>
    (await room.ask<AdmissionView>('POST', '/api/admission', { accessCode })).body;
  const { candidate } = await admission();
  const corrected = { ...candidate, lastName: 'Adébáyọ̀', seat: 77 };
  await server.importDocuments([
    { ...studentDocument(CENTER, 1), lastName: corrected.lastName },
    { ...enrollmentDocument(CENTER, TEST, 1), seat: corrected.seat },
  ]);
  await node.replicate();
  expect((await admission()).candidate).toEqual(corrected);
});
