import { test as base, describe, expect } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import type { SyncError } from '../../replication/errors.ts';
import { enrollmentDocument, resultDocument, studentDocument } from '../harness/documents.ts';
import { leafOf } from './tree.ts';
import { type ConflictWorld, openConflictWorld } from './world.ts';

/** One server that resolves by itself and one that does not; each test has a center of its own. */
const test = base.extend<{ $file: { world: ConflictWorld; held: ConflictWorld } }>({
  world: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from its first argument
    async ({}, use) => {
      await using world = await openConflictWorld();
      await use(world);
    },
    { scope: 'file' },
  ],
  held: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      await using world = await openConflictWorld({ resolveConflicts: false });
      await use(world);
    },
    { scope: 'file' },
  ],
});

/** Two results of one candidate, each a root. */
function results(n: number, centerId = 'L-1'): StoredDocument[] {
  const doc = resultDocument(centerId, 'T', n);
  return ['1-a', '1-b'].map((rev, score) => leafOf(doc._id, [rev], { ...doc, score }));
}

/** Two edits of one student. */
function students(centerId: string): StoredDocument[] {
  const doc = studentDocument(centerId, 1);
  return [
    leafOf(doc._id, ['1-r'], doc),
    leafOf(doc._id, ['2-a', '1-r'], { ...doc, phone: '1' }),
    leafOf(doc._id, ['2-b', '1-r'], { ...doc, email: 'new@example.org' }),
  ];
}

const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => 'no error',
    (error: SyncError) => error.code,
  );

describe('the list', () => {
  test('comes in pages, by center and by type', async ({ world }) => {
    await world.replicate([...results(1), ...results(2), ...results(1, 'L-10'), ...results(3)]);
    const enrollment = enrollmentDocument('L-1', 'T', 1);
    await world.replicate([
      leafOf(enrollment._id, ['2-a', '1-r'], { ...enrollment, attendance: 'present' }),
      leafOf(enrollment._id, ['2-b', '1-r'], { _deleted: true }),
    ]);
    const ids = async (query: string) => (await world.waiting(query)).conflicts.map(({ id }) => id);
    const all = await ids('');
    expect(all).toHaveLength(5);
    expect(all).toEqual([...all].sort());
    expect(await ids('?center=L-1&type=result')).toEqual(
      [1, 2, 3].map((n) => resultDocument('L-1', 'T', n)._id),
    );
    expect(await ids('?center=L-10')).toEqual([resultDocument('L-10', 'T', 1)._id]);
    const first = await world.waiting('?limit=2');
    expect(first.next).toBe(first.conflicts[1]?.id);
    const rest = await world.waiting(`?limit=3&after=${first.next}`);
    expect(rest.next).toBeNull();
    expect([...first.conflicts, ...rest.conflicts].map(({ id }) => id)).toEqual(all);
  });

  test('with the resolver off holds what policy would decide, and suggests that', async ({ held }) => {
    await held.replicate(students('L-2'));
    const { _id } = studentDocument('L-2', 1);
    const shown = await held.show(_id);
    expect(shown).toMatchObject({ merge: 'three-way', twoWay: null, base: { rev: '1-r' } });
    expect(shown.suggestion).toMatchObject({ rev: null, document: { phone: '1', email: 'new@example.org' } });
    const { suggestion } = shown;
    const { audit, leaves } = await held.decide(_id, { merged: suggestion?.document });
    expect(await held.live(_id)).toMatchObject([{ _rev: leaves[0], phone: '1', email: 'new@example.org' }]);
    expect(audit).toBeGreaterThan(0);
    expect((await held.waiting('?center=L-2')).conflicts).toEqual([]);
    expect(await codeOf(held.show(_id))).toBe('not_found');
  });
});

describe('a decision', () => {
  test('about leaves that have changed since is refused, and loses nothing', async ({ held: world }) => {
    await world.replicate(students('L-3'));
    const { _id, ...doc } = studentDocument('L-3', 1);
    const { leaves } = await world.show(_id);
    await world.replicate([leafOf(_id, ['3-c', '2-b', '1-r'], { ...doc, email: 'newest@example.org' })]);
    const stale = [
      { choose: '2-b' },
      { choose: '2-a' },
      { choose: '2-a', leaves },
      { merged: { ...doc, phone: '9' } },
    ];
    for (const body of stale)
      expect([body, await codeOf(world.decide(_id, body))]).toEqual([body, 'conflict']);
    expect(await world.live(_id)).toMatchObject([
      { phone: '1' },
      { _rev: '3-c', email: 'newest@example.org' },
    ]);
    const now = (await world.waiting('?center=L-3')) as { conflicts: { leaves?: string[] }[] };
    expect(now.conflicts).toMatchObject([{ leaves: ['2-a', '3-c'] }]);
    expect(await world.decide(_id, { choose: '2-a', leaves: ['3-c', '2-a'] })).toMatchObject({
      leaves: ['2-a'],
    });
  });

  test('is checked: by the schema, by the type, by who asks', async ({ held: world }) => {
    const { server } = world;
    const center = await server.addCenter('L-4');
    await world.replicate([...students('L-4'), ...results(1, 'L-4')]);
    const student = studentDocument('L-4', 1);
    const result = resultDocument('L-4', 'T', 1);
    const log = 'center-L-4:log:n.00000001';
    await world.replicate(['1-a', '1-b'].map((rev) => leafOf(log, [rev], { type: 'log', event: rev })));
    const wrong: [string, object, string][] = [
      [student._id, {}, 'bad_request'],
      [student._id, { choose: '2-a', merged: student }, 'bad_request'],
      [student._id, { merged: { ...student, firstName: '' } }, 'bad_request'],
      [student._id, { merged: { ...student, _id: 'other' } }, 'bad_request'],
      [student._id, { merged: { ...student, _deleted: true } }, 'bad_request'],
      [student._id, { merged: { ...student, _attachments: { photo: {} } } }, 'bad_request'],
      [student._id, { merged: { ...student, registrationNumber: 'X' } }, 'bad_request'],
      [student._id, { choose: '1-r' }, 'conflict'],
      [result._id, { merged: result }, 'bad_request'],
      [log, { choose: '1-a' }, 'bad_request'],
      ['center-L-4:student:none', { choose: '1-a' }, 'not_found'],
    ];
    for (const [id, body, code] of wrong)
      expect([id, body, await codeOf(world.decide(id, body))]).toEqual([id, body, code]);
    const asCenter = await fetch(`${server.url}/sync/resolve-conflicts/L-4`, {
      method: 'POST',
      headers: { authorization: center.authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ id: student._id, choose: '2-a' }),
    });
    expect(asCenter.status).toBe(401);
    const named = (centerId: string) =>
      server.api.request('POST', `/sync/resolve-conflicts/${centerId}`, { id: student._id, choose: '2-a' });
    expect(await codeOf(named('L-40'))).toBe('not_found');
    expect(await named('L-4')).toMatchObject({ id: student._id, leaves: ['2-a'] });
  });

  test('on an enrollment that was deleted online while the center used it goes either way', async ({
    world,
  }) => {
    for (const [n, rev, live] of [
      [1, '2-a', 1],
      [2, '2-b', 0],
    ] as const) {
      const { _id, ...enrollment } = enrollmentDocument('L-5', 'T', n);
      await world.replicate([
        leafOf(_id, ['1-r'], enrollment),
        leafOf(_id, ['2-a', '1-r'], { ...enrollment, attendance: 'present' }),
        leafOf(_id, ['2-b', '1-r'], { _deleted: true }),
      ]);
      const shown = await world.show(_id);
      expect(shown.sides.map(({ rev, deleted }) => [rev, deleted])).toEqual([
        ['2-a', false],
        ['2-b', true],
      ]);
      const { audit } = await world.decide(_id, { choose: rev });
      expect(await world.live(_id)).toHaveLength(live);
      expect((await world.waiting('?center=L-5')).conflicts).toEqual([]);
      await world.undo(audit);
      expect(await world.live(_id)).toMatchObject([{ attendance: 'present' }]);
      expect((await world.waiting('?center=L-5')).conflicts).toMatchObject([{ id: _id, undone: audit }]);
      await world.decide(_id, { choose: (await world.show(_id)).sides[0]?.rev });
    }
  });
});

describe('undoing', () => {
  test('brings the sides back, which then wait for a person and for no policy', async ({ world }) => {
    await world.replicate(students('L-6'));
    const { _id } = studentDocument('L-6', 1);
    expect((await world.waiting('?center=L-6')).conflicts).toEqual([]);
    const [merged] = await world.live(_id);
    expect(merged).toMatchObject({ phone: '1', email: 'new@example.org' });

    await world.undoOf(_id);
    const { conflicts } = await world.waiting('?center=L-6');
    expect(conflicts).toMatchObject([
      { id: _id, undone: expect.any(Number), reason: expect.stringContaining('undone') },
    ]);
    const back = await world.live(_id);
    expect(back.map(({ phone, email }) => [phone === '1', email === 'new@example.org']).sort()).toEqual([
      [false, true],
      [true, false],
    ]);
    // It survives a restart, and work that goes on on one side.
    await world.server.stop();
    await world.server.start();
    const [first] = back as [StoredDocument];
    await world.server.api.request('PUT', `/couch/cbt/${_id}?rev=${back[1]?._rev}`, { ...back[1], sex: 'F' });
    expect((await world.waiting('?center=L-6')).conflicts).toMatchObject([
      { id: _id, undone: expect.any(Number) },
    ]);
    expect(await codeOf(world.undoOf(_id))).toBe('conflict');
    await world.show(_id);
    const { audit } = await world.decide(_id, { choose: first._rev });
    expect(await world.live(_id)).toEqual([first]);
    // Decided, it is the policy's again.
    await world.replicate([leafOf(_id, ['2-z', '1-r'], { ...studentDocument('L-6', 1), town: 'Epe' })]);
    expect((await world.waiting('?center=L-6')).conflicts).toEqual([]);
    expect(await codeOf(world.undo(audit + 100))).toBe('not_found');
  });

  test('leaves what was written since as it is', async ({ world }) => {
    await world.replicate(students('L-7'));
    const { _id } = studentDocument('L-7', 1);
    await world.waiting('?center=L-7');
    const [merged] = (await world.live(_id)) as [StoredDocument];
    await world.server.api.request('PUT', `/couch/cbt/${_id}`, { ...merged, town: 'Epe' });
    await world.undoOf(_id);
    const towns = (await world.live(_id)).map(({ phone, town }) => [phone, town]);
    expect(towns).toHaveLength(2);
    expect(towns).toEqual(
      expect.arrayContaining([
        ['1', 'Epe'],
        ['1', undefined],
      ]),
    );
  });

  test('of a document that was deleted since, or of another act, is refused', async ({ world }) => {
    await world.replicate([...students('L-8'), ...results(1, 'L-8')]);
    const { _id } = studentDocument('L-8', 1);
    await world.waiting('?center=L-8');
    const [merged] = (await world.live(_id)) as [StoredDocument];
    await world.server.api.request('DELETE', `/couch/cbt/${_id}?rev=${merged._rev}`);
    expect(await codeOf(world.undoOf(_id))).toBe('conflict');
    expect(await world.live(_id)).toEqual([]);
    const result = resultDocument('L-8', 'T', 1)._id;
    const chosen = await world.decide(result, { choose: '1-a' });
    const undone = await world.undo(chosen.audit);
    expect(undone.leaves).toHaveLength(2);
    expect(await codeOf(world.undo(undone.audit))).toBe('bad_request');
    expect((await world.live(result)).map(({ score }) => score).sort()).toEqual([0, 1]);
  });
});
