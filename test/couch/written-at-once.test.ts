import { expect, test } from 'vitest';
import { ask } from '../harness/ask.ts';
import { openServerHere } from '../harness/server.ts';

interface Outcome {
  error?: string;
}

test('of writers that write the same in the same moment one is first', async () => {
  await using server = await openServerHere();
  const authorization = `Bearer ${server.adminToken}`;
  const write = () =>
    ask<Outcome[]>(`${server.url}/couch/cbt/_bulk_docs`, {
      authorization,
      body: { docs: [{ _id: 'lock' }] },
    });
  const answers = await Promise.all(Array.from({ length: 12 }, write));
  const outcomes = answers.map(({ body }) => body[0]?.error ?? 'first').sort();
  expect(outcomes).toEqual([...Array<string>(11).fill('conflict'), 'first']);
});

test('a batch may be the first that is asked of a database', async () => {
  await using server = await openServerHere();
  const authorization = `Bearer ${server.adminToken}`;
  const own = `${server.url}/couch/own`;
  await ask(own, { authorization, method: 'PUT' });
  await server.stop();
  await server.start();
  const access = { authorization: `Bearer ${server.adminToken}` };
  const { body } = await ask(`${own}/_bulk_docs`, { ...access, body: { docs: [{ _id: 'a' }] } });
  expect(body).toMatchObject([{ ok: true, id: 'a' }]);
});
