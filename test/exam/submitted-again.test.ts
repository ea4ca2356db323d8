import { expect, test } from 'vitest';
import { readIdentity } from '../../local-node/identity.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import type { ExamResult } from '../../replication/exam-documents.ts';
import { hashAnswers, type ScoredQuestion, scoreSheet } from '../../replication/scoring.ts';
import { isSignedBy, publicKeyOf } from '../../replication/signing.ts';
import { CENTER, openRoom, type Room, startRoom } from './room.ts';

function read(room: Room, type: string, enrollmentId: string): Promise<StoredDocument> {
  const id = encodeURIComponent(`center-${CENTER}:${type}:${enrollmentId}`);
  return room.node.api.request('GET', `/couch/replica/${id}`);
}

test('a session that is submitted again, by several at once, has one result, scored and signed', async () => {
  await using room = await startRoom({ questions: 5 });
  const [candidate] = room.candidates;
  const { sessionId } = await room.enter(candidate!);
  const path = `/api/sessions/${sessionId}`;
  const chosen = [
    { questionId: String(room.questions[0]!.questionId), choice: String(room.questions[0]!.correctOption) },
    { questionId: String(room.questions[1]!.questionId), choice: 'A' },
    { questionId: String(room.questions[2]!.questionId), choice: null },
  ];
  for (const [index, { questionId, choice }] of chosen.entries()) {
    await room.ask('PUT', `${path}/answers/${questionId}`, { choice, n: index + 1 });
  }
  const submit = () => room.ask('POST', `${path}/submit`);
  const replies = [...(await Promise.all([submit(), submit(), submit()])), await submit()];
  await room.node.kill();
  await room.node.start();
  replies.push(await submit());
  for (const { status, body } of replies) {
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'submitted', submittedBy: 'candidate' });
    expect(body.submittedAt).toBe(replies[0]!.body.submittedAt);
  }

  const result = (await read(room, 'result', candidate!.enrollmentId)) as unknown as ExamResult;
  const sheet = await read(room, 'answers', candidate!.enrollmentId);
  const answers = sheet.answers as Parameters<typeof hashAnswers>[0];
  const scored = scoreSheet(room.questions as unknown as ScoredQuestion[], answers, 50);
  expect(result).toMatchObject({ ...scored, answersHash: hashAnswers(answers), submittedBy: 'candidate' });
  expect(result._rev?.startsWith('1-')).toBe(true);
  const identity = await readIdentity(room.node.dataDir);
  expect(isSignedBy(result, publicKeyOf(identity!.privateKey!))).toBe(true);
  expect(await read(room, 'session', candidate!.enrollmentId)).toMatchObject({ status: 'submitted' });
});

test('the operator submits for a candidate who has left', async () => {
  await using room = await openRoom();
  const { sessionId } = await room.enter(room.candidates[0]!);
  const { sessions } = await room.node.api.request<{ sessions: object[] }>('GET', '/api/operator/sessions');
  expect(sessions).toMatchObject([{ sessionId, status: 'running', answered: 0, questions: 6 }]);
  await room.node.api.request('POST', `/api/operator/sessions/${sessionId}/submit`);
  const { body } = await room.ask('GET', `/api/sessions/${sessionId}`);
  expect(body).toMatchObject({ status: 'submitted', submittedBy: 'operator' });
});

test('a session goes on and is scored when its test is withdrawn in the middle of it', async () => {
  await using room = await startRoom({ questions: 4 });
  const { sessionId } = await room.enter(room.candidates[0]!);
  await room.server.withdraw('SCI-P1', CENTER);
  await room.node.replicate();
  await room.node.kill();
  await room.node.start();
  const question = room.questions[0]!;
  const path = `/api/sessions/${sessionId}`;
  const saved = await room.ask('PUT', `${path}/answers/${question.questionId}`, {
    choice: question.correctOption,
    n: 1,
  });
  expect(saved.status).toBe(200);
  expect((await room.ask('POST', `${path}/submit`)).status).toBe(200);
  expect(await read(room, 'result', room.candidates[0]!.enrollmentId)).toMatchObject({
    score: 1,
    maximumScore: 4,
  });
  const late = await room.ask('POST', '/api/sessions', { accessCode: room.candidates[1]!.accessCode });
  expect(late).toMatchObject({ status: 403, body: { error: 'forbidden' } });
});

test('what is being saved when a session is submitted is in its result, or is refused', async () => {
  await using room = await openRoom({ questions: 40, candidates: 4 });
  for (const candidate of room.candidates) {
    const { sessionId } = await room.enter(candidate);
    const path = `/api/sessions/${sessionId}`;
    const saves = room.questions.map(async ({ questionId }, index) => {
      const reply = await room.ask('PUT', `${path}/answers/${questionId}`, { choice: 'B', n: index + 1 });
      return { questionId: String(questionId), status: reply.status };
    });
    await Promise.race(saves);
    expect((await room.ask('POST', `${path}/submit`)).status).toBe(200);
    const outcomes = await Promise.all(saves);
    const acknowledged = outcomes.filter(({ status }) => status === 200).map(({ questionId }) => questionId);
    const sheet = await read(room, 'answers', candidate.enrollmentId);
    expect(Object.keys(sheet.answers as object).sort()).toEqual(acknowledged.sort());
    const result = (await read(room, 'result', candidate.enrollmentId)) as unknown as ExamResult;
    expect(result.answersHash).toBe(hashAnswers(sheet.answers as Parameters<typeof hashAnswers>[0]));
    expect(outcomes.every(({ status }) => status === 200 || status === 409)).toBe(true);
  }
});

test('extra time that is given while a session is submitted does not let it run again', async () => {
  await using room = await openRoom();
  const [candidate, other] = room.candidates;
  const { sessionId } = await room.enter(candidate!);
  await room.enter(other!);
  const give = (of: object) =>
    room.node.api.request('POST', '/api/operator/extra-time', { minutes: 5, reason: 'noise', ...of });
  const submission = room.ask('POST', `/api/sessions/${sessionId}/submit`);
  await Promise.allSettled([{ sessionId }, {}, {}, { sessionId }].map(give));
  expect((await submission).body).toMatchObject({ status: 'submitted' });
  const standing = await read(room, 'session', candidate!.enrollmentId);
  expect(standing).toMatchObject({ status: 'submitted' });
  await expect(give({ sessionId })).rejects.toMatchObject({ code: 'session_submitted' });
  expect(await give({})).toEqual({ sessions: 1 });
  await expect(give({ reason: ' ' })).rejects.toMatchObject({ code: 'bad_request' });
});
