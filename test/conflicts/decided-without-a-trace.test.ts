import { expect, test } from 'vitest';
import { resultDocument, studentDocument } from '../harness/documents.ts';
import { leafOf } from './tree.ts';
import { openConflictWorld } from './world.ts';

test('the audit log tells before, after and why of a policy’s decision, a person’s, and its undoing', async () => {
  await using world = await openConflictWorld();
  const entriesOn = async (id: string) => {
    const path = `/api/audit?document=${encodeURIComponent(id)}`;
    return (await world.server.api.request<{ entries: object[] }>('GET', path)).entries;
  };
  const { _id, ...student } = studentDocument('L-1', 1);
  const result = resultDocument('L-1', 'T', 1);
  await world.replicate([
    leafOf(_id, ['1-r'], student),
    leafOf(_id, ['2-a', '1-r'], { ...student, phone: '1' }),
    leafOf(_id, ['2-b', '1-r'], { ...student, sex: 'F' }),
    ...['1-a', '1-b'].map((rev, score) => leafOf(result._id, [rev], { ...result, score })),
  ]);
  await world.waiting();
  expect(await entriesOn(_id)).toMatchObject([
    {
      actor: 'server',
      details: {
        reason: 'merged field by field',
        before: [
          { rev: '2-b', document: { sex: 'F' } },
          { rev: '2-a', document: { phone: '1' } },
        ],
        after: { document: { phone: '1', sex: 'F' } },
      },
    },
  ]);

  const { audit } = await world.decide(result._id, { choose: '1-a', note: 'the other PC had stopped' });
  await world.undo(audit, { note: 'it had not' });
  const scores = (...all: number[]) => all.map((score) => ({ document: { score } }));
  expect(await entriesOn(result._id)).toMatchObject([
    {
      ...{ action: 'conflict.undone', actor: 'admin', from: expect.any(String) },
      details: {
        ...{ note: 'it had not', reason: `the resolution of audit entry ${audit} was undone` },
        ...{ undone: audit, before: scores(0), after: scores(1) },
      },
    },
    {
      ...{ action: 'conflict.resolved', actor: 'admin', from: expect.any(String) },
      details: {
        ...{ note: 'the other PC had stopped', reason: 'a person chose a side' },
        ...{ before: scores(1, 0), after: { rev: '1-a', document: { score: 0 } } },
      },
    },
  ]);
  const tooLong = { choose: '1-a', note: 'x'.repeat(2001) };
  await expect(world.decide(result._id, tooLong)).rejects.toMatchObject({ code: 'bad_request' });
  await expect(world.undo(audit, { why: 'a slip' })).rejects.toMatchObject({ code: 'bad_request' });
});
