import { expect, test } from 'vitest';
import { refusalToBegin } from '../../local-node/exam/admission.ts';
import type { EnrollmentDocument } from '../../local-node/exam/candidates.ts';
import type { Paper } from '../../local-node/exam/paper.ts';
import { enrollmentDocument, questionDocument, testDocument } from '../harness/documents.ts';
import { CENTER, openRoom, TEST } from './room.ts';

const enrollment = enrollmentDocument(CENTER, TEST, 1) as unknown as EnrollmentDocument;
const paper = {
  test: testDocument(TEST, 2),
  questions: [questionDocument(TEST, 1), questionDocument(TEST, 2)],
} as unknown as Paper;
const during = new Date('2026-12-07T09:00:00Z');

test.each([
  ['the payment is pending', { ...enrollment, paymentStatus: 'pending' }, paper, true, during, 'payment_due'],
  [
    'the enrollment was canceled',
    { ...enrollment, enrollmentStatus: 'cancelled' },
    paper,
    true,
    during,
    'forbidden',
  ],
  ['the test was withdrawn', enrollment, paper, false, during, 'forbidden'],
  ['the test is not here', enrollment, undefined, true, during, 'not_ready'],
  [
    'a question is not here',
    enrollment,
    { ...paper, questions: paper.questions.slice(1) },
    true,
    during,
    'not_ready',
  ],
  ['it is too early', enrollment, paper, true, new Date('2026-12-07T07:59:59.999Z'), 'outside_window'],
  ['it is too late', enrollment, paper, true, new Date('2026-12-07T11:00:00Z'), 'outside_window'],
])('a candidate is not admitted when %s', (_what, who, sheet, isAssigned, now, code) => {
  expect(refusalToBegin(who, sheet, isAssigned, now)).toMatchObject({ code });
});

test('a candidate is admitted from the first moment of the window on', () => {
  expect(refusalToBegin(enrollment, paper, true, new Date('2026-12-07T08:00:00Z'))).toBeUndefined();
});

test.each([
  ['before the window', { opensInMinutes: 5 }, 403, /begins at .*Z; it is /],
  ['after the window', { opensInMinutes: -30, closesInMinutes: -5 }, 403, /ended at .*Z; it is /],
])('%s the node says so', async (_what, window, status, reason) => {
  await using room = await openRoom(window);
  const { accessCode } = room.candidates[0]!;
  const reply = await room.ask('POST', '/api/sessions', { accessCode });
  expect(reply).toMatchObject({ status, body: { error: 'outside_window' } });
  expect(reply.body.reason).toMatch(reason);
});

test('codes that are guessed are refused, then no longer tried', async () => {
  await using room = await openRoom();
  const long = await room.ask('POST', '/api/sessions', { accessCode: 'x'.repeat(20_000) });
  expect(long).toMatchObject({ status: 413, body: { error: 'too_large' } });
  const guess = (n: number) => room.ask('POST', '/api/sessions', { accessCode: `GUESS${n}` });
  expect(await guess(0)).toMatchObject({ status: 404, body: { error: 'not_found' } });
  for (let n = 1; n < 60; n += 1) await guess(n);
  const { accessCode } = room.candidates[0]!;
  const stopped = await room.ask('POST', '/api/sessions', { accessCode });
  expect(stopped).toMatchObject({ status: 429, body: { error: 'too_many_requests' } });
  expect(stopped.headers.get('retry-after')).toBe('60');
});

test('an enrollment that moves away after the pull no longer opens a session, one that comes does', async () => {
  await using room = await openRoom();
  const [moved] = room.candidates;
  const added = enrollmentDocument(CENTER, TEST, 99);
  const path = `/couch/cbt/${encodeURIComponent(`center-${CENTER}:enrollment:${moved!.enrollmentId}`)}`;
  const { _rev } = await room.server.api.request<{ _rev: string }>('GET', path);
  await room.server.api.request('DELETE', `${path}?rev=${_rev}`);
  await room.server.importDocuments([added]);
  await room.node.replicate();
  const gone = await room.ask('POST', '/api/sessions', { accessCode: moved!.accessCode });
  expect(gone.status).toBe(404);
  const come = await room.ask('POST', '/api/sessions', { accessCode: added.accessCode });
  expect(come.status).toBe(201);
});

test('a code that another enrollment got opens that one’s session, once the first is taken out', async () => {
  await using room = await openRoom();
  const [first] = room.candidates;
  const { request } = room.server.api;
  const { _id, ...enrollment } = enrollmentDocument(CENTER, TEST, 99);
  await request('PUT', `/couch/cbt/${_id}`, { ...enrollment, accessCode: first!.accessCode });
  await room.node.replicate();
  await room.ask('POST', '/api/admission', { accessCode: first!.accessCode });
  const path = `/couch/cbt/center-${CENTER}:enrollment:${first!.enrollmentId}`;
  const { _rev } = await request<{ _rev: string }>('GET', path);
  await request('DELETE', `${path}?rev=${_rev}`);
  await room.node.replicate();
  const { body } = await room.ask('POST', '/api/sessions', { accessCode: first!.accessCode });
  expect(body).toMatchObject({ enrollmentId: enrollment.enrollmentId });
});
