import { expect, test } from 'vitest';
import type { SessionView } from '../../local-node/exam/view.ts';
import { CENTER, openRoom, startRoom } from './room.ts';

const SHUFFLED = { shuffleQuestions: true, shuffleAnswers: true };

function orderOf({ questions = [] }: SessionView) {
  return questions.map(({ questionId, options }) => [questionId, options.map(({ option }) => option)]);
}

test('a candidate goes on after a crash of the browser, on another machine, and after a kill of the node', async () => {
  await using room = await startRoom({ questions: 12, settings: SHUFFLED });
  const [candidate, other] = room.candidates;
  const begun = await room.enter(candidate!);
  const { sessionId } = begun;
  const answers = begun.questions!.slice(0, 5).map(({ questionId, options }, index) => {
    return { questionId, choice: options[0]!.option, n: index + 1 };
  });
  for (const { questionId, choice, n } of answers) {
    const { body } = await room.ask('PUT', `/api/sessions/${sessionId}/answers/${questionId}`, { choice, n });
    expect(body).toMatchObject({ outcome: 'saved' });
  }
  const expected = Object.fromEntries(
    answers.map(({ questionId, choice, n }) => [questionId, { choice, n }]),
  );

  const reloaded = (await room.ask('GET', `/api/sessions/${sessionId}`)).body;
  const elsewhere = await room.ask('POST', '/api/sessions', { accessCode: candidate!.accessCode });
  expect(elsewhere.status).toBe(200);
  await room.node.kill();
  await room.node.start();
  const restarted = (await room.ask('GET', `/api/sessions/${sessionId}`)).body;
  for (const view of [reloaded, elsewhere.body, restarted]) {
    expect(view).toMatchObject({ sessionId, answers: expected, n: 5, startedAt: begun.startedAt });
    expect(orderOf(view)).toEqual(orderOf(begun));
    expect(view.remainingMs).toBeLessThanOrEqual(begun.remainingMs);
    expect(view.remainingMs).toBeGreaterThan(begun.remainingMs - 60_000);
  }

  const neighbour = await room.enter(other!);
  expect(orderOf(neighbour)).not.toEqual(orderOf(begun));
  expect(orderOf(neighbour).flat(2).sort()).toEqual(orderOf(begun).flat(2).sort());
});

test('two machines that begin at the same moment are in one session', async () => {
  await using room = await openRoom();
  const views = await Promise.all(Array.from({ length: 8 }, () => room.enter(room.candidates[0]!)));
  expect(new Set(views.map(({ startedAt }) => startedAt)).size).toBe(1);
});

test('a candidate whose access code was replaced goes on in the same session', async () => {
  await using room = await openRoom();
  const [candidate] = room.candidates;
  const { sessionId, questions } = await room.enter(candidate!);
  const { questionId } = questions![0]!;
  await room.ask('PUT', `/api/sessions/${sessionId}/answers/${questionId}`, { choice: 'B', n: 1 });
  const path = `/couch/cbt/center-${CENTER}:enrollment:${candidate!.enrollmentId}`;
  const enrollment = await room.server.api.request<object>('GET', path);
  await room.server.api.request('PUT', path, { ...enrollment, accessCode: 'REPLACED' });
  await room.node.replicate();
  const view = await room.enter({ ...candidate!, accessCode: 'REPLACED' });
  expect(view).toMatchObject({ sessionId, answers: { [questionId]: { choice: 'B', n: 1 } } });
  expect((await room.ask('POST', '/api/sessions', candidate)).status).toBe(404);
  const { sessions } = await room.node.api.request<{ sessions: object[] }>('GET', '/api/operator/sessions');
  expect(sessions).toHaveLength(1);
});

test('without settings the order is the authority’s', async () => {
  await using room = await openRoom();
  const view = await room.enter(room.candidates[0]!);
  expect(orderOf(view)).toEqual(
    room.questions.map(({ questionId, options }) => [questionId, Object.keys(options as object).sort()]),
  );
});

test('nothing that a candidate gets tells which option is correct', async () => {
  await using room = await openRoom({ settings: SHUFFLED });
  const view = await room.enter(room.candidates[0]!);
  const { questionId, options } = view.questions![0]!;
  const path = `/api/sessions/${view.sessionId}`;
  const replies = [
    view,
    await room.ask('GET', path),
    await room.ask('PUT', `${path}/answers/${questionId}`, { choice: options[0]!.option, n: 1 }),
    await room.ask('PUT', `${path}/answers/${questionId}`, { choice: 'nonsense', n: 2 }),
    await room.ask('POST', `${path}/submit`),
    await room.ask('GET', path),
  ];
  const seen = JSON.stringify(replies);
  expect(seen).not.toMatch(/correct|score|accessCode/i);
  expect(Object.keys(view.questions![0]!).sort()).toEqual(['options', 'points', 'questionId', 'text']);
});
