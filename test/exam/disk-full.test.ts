import { expect, test } from 'vitest';
import { openExamStore } from '../../local-node/exam/store.ts';
import { smallDisk } from '../harness/small-disk.ts';
import { until } from '../harness/until.ts';
import { startRoom } from './room.ts';
import { faultsInHub } from './sitting.ts';

test('records on a full disk are refused, what was acknowledged is intact, and writing goes on when there is room', async () => {
  await using disk = await smallDisk(4);
  const acknowledged = new Map<string, number>();
  {
    await using store = await openExamStore(disk.path);
    const save = async (n: number) => {
      const key = `answer/${String(n).padStart(5, '0')}`;
      await store.write([[key, { n, text: 'x'.repeat(500) }]]);
      acknowledged.set(key, n);
    };
    for (let n = 0; n < 50; n += 1) await save(n);
    await disk.fill();
    const outcomes = await Promise.allSettled(Array.from({ length: 400 }, (_, index) => save(100 + index)));
    const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error).toMatchObject({ code: 'insufficient_storage' });
    await disk.makeRoom();
    for (let n = 1000; n < 1050; n += 1) await save(n);
  }
  await using store = await openExamStore(disk.path);
  const found = new Map<string, number>();
  for await (const [key, { n }] of store.entries<{ n: number }>('answer/')) found.set(key, n);
  expect([...acknowledged].filter(([key, n]) => found.get(key) !== n)).toEqual([]);
});

test('a candidate is told of a full disk, loses nothing, and goes on and submits when there is room', async () => {
  await using disk = await smallDisk(48);
  await using room = await startRoom({ dataDir: disk.path, questions: 8 });
  const { sessionId } = await room.enter(room.candidates[0]!);
  const answers = new Map<string, { choice: string; n: number }>();
  let n = 0;
  const save = async (index: number) => {
    n += 1;
    const questionId = String(room.questions[index]!.questionId);
    const body = { choice: 'B', n };
    const reply = await room.ask('PUT', `/api/sessions/${sessionId}/answers/${questionId}`, body);
    if (reply.status === 200) answers.set(questionId, body);
    return reply;
  };
  expect((await save(0)).status).toBe(200);
  await disk.fill();
  const refused = await until(
    async () => {
      const reply = await save(1);
      return reply.status !== 200 && reply;
    },
    { what: 'a save is refused' },
  );
  expect(refused).toMatchObject({ status: 507, body: { error: 'insufficient_storage' } });
  const submission = await room.ask('POST', `/api/sessions/${sessionId}/submit`);
  expect(submission).toMatchObject({ status: 507, body: { error: 'insufficient_storage' } });
  const view = await room.ask('GET', `/api/sessions/${sessionId}`);
  expect(view.body).toMatchObject({ status: 'running', answers: Object.fromEntries(answers) });

  await disk.makeRoom();
  expect((await save(2)).status).toBe(200);
  // The replica is opened again within a second or so.
  const submit = () => room.ask('POST', `/api/sessions/${sessionId}/submit`);
  await until(async () => (await submit()).status === 200, { what: 'the session is submitted' });
  await room.node.replicate();
  const { enrollmentId } = room.candidates[0]!;
  expect(await faultsInHub(room, [{ enrollmentId, sessionId, answers, repeats: 0 }])).toEqual([]);
});

test('a replica on a full disk refuses writes, and takes them again when there is room', async () => {
  await using disk = await smallDisk(48);
  await using room = await startRoom({ dataDir: disk.path });
  const stored: string[] = [];
  const put = async (n: number) => {
    const id = `center-LAG-1:answers:X${n}`;
    const answers = { Q: { choice: 'x'.repeat(200_000), n } };
    const reply = await room.ask('PUT', `/couch/replica/${id}`, { type: 'answers', answers });
    if (reply.status === 201) stored.push(id);
    return reply.status;
  };
  expect(await put(0)).toBe(201);
  await disk.fill();
  let n = 0;
  await until(async () => (await put(++n)) !== 201, { what: 'a write is refused' });
  for (let more = 0; more < 5; more += 1) await put(++n);
  await disk.makeRoom();
  await until(async () => (await put(++n)) === 201, { what: 'writes are taken again' });
  await room.node.replicate();
  const { rows } = await room.server.api.request<{ rows: { error?: string }[] }>(
    'POST',
    '/couch/cbt/_all_docs',
    { keys: stored },
  );
  expect(rows.filter(({ error }) => error)).toEqual([]);
});
