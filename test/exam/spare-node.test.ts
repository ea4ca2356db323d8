import { expect, test } from 'vitest';
import { answersOf } from '../../local-node/exam/live-sitting.ts';
import { openExamStore } from '../../local-node/exam/store.ts';
import type { SessionView } from '../../local-node/exam/view.ts';
import { openReplica } from '../../local-node/replica.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { openNodeHere, type RunningNode } from '../harness/node.ts';
import { until } from '../harness/until.ts';
import { CENTER, openRoom, type Room, startRoom } from './room.ts';

/** A spare PC of the same center, which has pulled what is online. */
async function bringSpare(room: Room): Promise<RunningNode> {
  const spare = await openNodeHere({ server: room.server.url, center: room.access });
  await spare.replicate();
  return spare;
}

async function ask(
  node: RunningNode,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: SessionView }> {
  const headers = { 'content-type': 'application/json' };
  const init = { method, ...(body && { headers, body: JSON.stringify(body) }) };
  const response = await fetch(node.url + path, init);
  return { status: response.status, body: (await response.json()) as SessionView };
}

function read(
  { api }: Pick<RunningNode, 'api'>,
  database: 'cbt' | 'replica',
  { type, enrollmentId }: { type: string; enrollmentId: string },
): Promise<StoredDocument> {
  const id = encodeURIComponent(`center-${CENTER}:${type}:${enrollmentId}`);
  return api.request('GET', `/couch/${database}/${id}?conflicts=true`);
}

const online = (room: Room, type: string, enrollmentId: string) =>
  read(room.server, 'cbt', { type, enrollmentId });

test('a spare node goes on half-way, and the main one gives the session up with what only it had', async () => {
  await using room = await startRoom({ questions: 5 });
  const [candidate] = room.candidates;
  const [q1, q2, q3, q4] = room.questions.map(({ questionId }) => String(questionId));
  const { sessionId } = await room.enter(candidate!);
  const path = `/api/sessions/${sessionId}`;
  const save = (node: RunningNode, questionId: string | undefined, n: number) =>
    ask(node, 'PUT', `${path}/answers/${questionId}`, { choice: 'B', n });
  await save(room.node, q1, 1);
  await save(room.node, q2, 2);
  await room.node.replicate();
  await save(room.node, q3, 3);
  const before = (await ask(room.node, 'GET', path)).body;
  await room.node.kill();

  await using spare = await bringSpare(room);
  const taken = await ask(spare, 'POST', '/api/sessions', { accessCode: candidate!.accessCode });
  expect(taken.status).toBe(200);
  expect(taken.body).toMatchObject({
    sessionId,
    n: 2,
    questions: before.questions,
    startedAt: before.startedAt,
  });
  expect(taken.body.remainingMs).toBeLessThanOrEqual(before.remainingMs + 60_000);
  await save(spare, q4, 3);
  expect((await ask(spare, 'POST', `${path}/submit`)).status).toBe(200);
  await spare.replicate();

  await room.node.start();
  await room.node.replicate();
  await until(async () => (await ask(room.node, 'GET', path)).status === 404, {
    what: 'the main node gives the session up',
  });
  await room.node.replicate();
  const sheet = await online(room, 'answers', candidate!.enrollmentId);
  expect(Object.keys(sheet.answers as object).sort()).toEqual([q1, q2, q3, q4]);
  const result = await online(room, 'result', candidate!.enrollmentId);
  expect(result).toMatchObject({ counts: { answered: 3 } });
  expect(result._conflicts).toBeUndefined();
  const again = await ask(room.node, 'POST', '/api/sessions', { accessCode: candidate!.accessCode });
  expect(again.status).toBe(409);
});

test('two nodes that each took answers of one candidate without a line lose none, and two results wait for a person', async () => {
  await using room = await openRoom({ questions: 4 });
  await using spare = await bringSpare(room);
  const [candidate] = room.candidates;
  const [q1, q2] = room.questions.map(({ questionId }) => String(questionId));
  for (const [node, questionId, choice] of [
    [room.node, q1, 'A'],
    [spare, q2, 'C'],
  ] as const) {
    const entered = await ask(node, 'POST', '/api/sessions', { accessCode: candidate!.accessCode });
    expect(entered.status).toBe(201);
    const path = `/api/sessions/${entered.body.sessionId}`;
    await ask(node, 'PUT', `${path}/answers/${questionId}`, { choice, n: 1 });
    expect((await ask(node, 'POST', `${path}/submit`)).status).toBe(200);
    await node.replicate();
  }
  const { conflicts } = await until(
    async () => {
      const answer = await room.server.api.request<{ conflicts: object[] }>('GET', '/api/conflicts');
      return answer.conflicts.length > 0 && answer;
    },
    { what: 'the results wait for a person' },
  );
  expect(conflicts).toMatchObject([{ id: `center-${CENTER}:result:${candidate!.enrollmentId}` }]);
  const sheet = await online(room, 'answers', candidate!.enrollmentId);
  expect(sheet.answers).toMatchObject({ [q1!]: { choice: 'A' }, [q2!]: { choice: 'C' } });
  expect(sheet._conflicts).toBeUndefined();
});

for (const told of ['session', 'result'] as const) {
  test(`answers that no sheet has yet are in it after a power cut, though another node’s ${told} says it is over`, async () => {
    await using room = await openRoom();
    const [candidate] = room.candidates;
    const [q1, q2] = room.questions.map(({ questionId }) => String(questionId));
    const { sessionId } = await room.enter(candidate!);
    const save = (questionId: string, n: number) =>
      room.ask('PUT', `/api/sessions/${sessionId}/answers/${questionId}`, { choice: 'B', n });
    await save(q1!, 1);
    await room.node.stop();
    {
      await using store = await openExamStore(room.node.dataDir);
      await store.write([[`${answersOf(sessionId)}${q2}/2`, { choice: 'C', n: 2 }]]);
      await using replica = await openReplica(room.node.dataDir);
      const idOf = (type: string) => `center-${CENTER}:${type}:${candidate!.enrollmentId}`;
      const session = await replica.db.get<StoredDocument>(idOf('session'));
      const end = { nodeId: 'spare', submittedAt: new Date().toISOString(), submittedBy: 'candidate' };
      const { enrollmentId, testId } = session;
      const written =
        told === 'session'
          ? { ...session, ...end, status: 'submitted' }
          : { _id: idOf('result'), type: 'result', sessionId, enrollmentId, testId, ...end };
      await replica.db.put(written);
    }
    await room.node.start();
    const here = (type: string) => read(room.node, 'replica', { type, ...candidate! });
    const sheet = await here('answers');
    expect(sheet.answers).toMatchObject({ [q1!]: { choice: 'B' }, [q2!]: { choice: 'C' } });
    expect(await here('session')).toMatchObject({
      status: 'submitted',
      nodeId: 'spare',
    });
    expect((await save(q1!, 3)).body).toMatchObject({ error: 'session_submitted' });
  });
}
