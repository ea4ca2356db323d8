import { expect, test } from 'vitest';
import type { Operation } from '../../server/control/operations.ts';
import type { ChangesPage } from '../../server/sync-api/incremental.ts';
import { ask } from '../harness/ask.ts';
import { until } from '../harness/until.ts';
import { openWorld, type SyncWorld, TEST } from './world.ts';

function pageOf({ server, one }: SyncWorld, body: object): Promise<{ body: ChangesPage }> {
  const { authorization } = one;
  return ask<ChangesPage>(`${server.url}/sync/incremental/LAG-1`, { authorization, body });
}

/** Reads page after page to the end. */
async function readAll(world: SyncWorld, query: object, since = '0') {
  const ids: string[] = [];
  const deleted: string[] = [];
  for (let cursor = since; ; ) {
    const { body } = await pageOf(world, { ...query, since: cursor });
    for (const change of body.changes) (change.deleted ? deleted : ids).push(change.id);
    cursor = body.nextCursor;
    if (!body.hasMore) return { ids, deleted, cursor };
  }
}

test('pages of any size bring the same, each document once', async () => {
  await using world = await openWorld(5);
  const whole = await readAll(world, { limit: 1000 });
  // The center, its assignment, 5 students and enrollments, the subject, the test and 4 questions.
  expect(whole.ids).toHaveLength(1 + 1 + 10 + 1 + 5);
  for (const limit of [1, 3, 7]) {
    expect((await readAll(world, { limit })).ids.sort()).toEqual([...whole.ids].sort());
  }
  const some = await readAll(world, { limit: 2, types: ['enrollment', 'question'] });
  const wanted = whole.ids.filter((id) => /:(enrollment|question):/.test(id));
  expect(some.ids.sort()).toEqual(wanted.sort());
  const after = await pageOf(world, { since: whole.cursor });
  expect(after.body).toMatchObject({ changes: [], hasMore: false });
});

test('what has left a center comes as deletions, with nothing of it', async () => {
  await using world = await openWorld();
  const before = await readAll(world, { limit: 1000 });
  await world.server.withdraw(TEST, 'LAG-1');
  const after = await readAll(world, { limit: 2 }, before.cursor);
  expect(after.deleted.sort()).toEqual(before.ids.filter((id) => id.startsWith('test-')).sort());
  expect(after.ids).toEqual([`center-LAG-1:assignment:${TEST}`]);
});

test('a cursor that is none is refused, one of another index begins anew', async () => {
  await using world = await openWorld();
  const { server, one } = world;
  const { authorization } = one;
  const url = `${server.url}/sync/incremental/LAG-1`;
  const wrong = await ask(url, { authorization, body: { since: 'yesterday' } });
  expect(wrong).toMatchObject({ status: 400, body: { error: 'bad_request' } });
  // Nothing would ever come of it.
  const unknown = await ask(url, { authorization, body: { types: ['results'] } });
  expect(unknown).toMatchObject({ status: 400, body: { reason: expect.stringContaining('types.0') } });
  const other = await readAll(world, { limit: 1000 }, '7-anotherindex');
  expect(other.ids).toEqual((await readAll(world, { limit: 1000 })).ids);
});

test('a program’s transfers are operations, on record and in pages', async () => {
  await using world = await openWorld();
  const { server, one } = world;
  const { authorization } = one;
  await readAll(world, { limit: 1000 });
  const { body } = await ask<{ operations: object[]; next: null }>(`${server.url}/sync/operations/LAG-1`, {
    authorization,
  });
  expect(body.operations[0]).toMatchObject({ type: 'download', records: 14, error: null });
  const status = await ask(`${server.url}/sync/status/LAG-1`, { authorization });
  expect(status.body).toMatchObject({ centerId: 'LAG-1', status: 'pending', conflicts: 0 });
  const logs = [{ key: 'program.1', event: 'sent' }];
  await ask(`${server.url}/sync/upload/LAG-1`, { authorization, body: { logs } });
  const page = async (query: string) => {
    const answer = await ask<{ operations: Operation[]; next: string | null }>(
      `${server.url}/sync/operations/LAG-1?${query}`,
      { authorization },
    );
    return answer.body;
  };
  const { operations } = await until(
    async () => {
      const both = await page('');
      return both.operations.length === 2 && both.operations.every(({ endedAt }) => endedAt) && both;
    },
    { what: 'both have ended' },
  );
  expect(operations.map(({ status }) => status)).toEqual(['completed', 'completed']);
  const first = await page('limit=1');
  const second = await page(`limit=1&before=${first.next}`);
  expect([...first.operations, ...second.operations]).toEqual(operations);
  expect(second.next).toBeNull();
});
