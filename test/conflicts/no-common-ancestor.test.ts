import { expect, test } from 'vitest';
import { baseOf, decide } from '../../replication/conflicts/decide.ts';
import { conflictOf } from '../../replication/conflicts/leaves.ts';
import { leafOf } from './tree.ts';

const ID = 'center-L-1:answers:E1';
const answers = (choices: Record<string, number>) => ({
  type: 'answers',
  answers: Object.fromEntries(Object.entries(choices).map(([q, n]) => [q, { choice: 'A', n }])),
});

test('two roots are merged, and the decision says that it was without a base', () => {
  const conflict = conflictOf(ID, [
    leafOf(ID, ['1-a'], answers({ q1: 1, q2: 2 })),
    leafOf(ID, ['1-b'], answers({ q2: 3, q3: 1 })),
  ]);
  expect(baseOf(conflict)).toBeUndefined();
  const decision = decide(conflict, undefined);
  expect(decision).toMatchObject({ waits: false, twoWay: 'there is no common ancestor' });
  expect(decision?.content?.fields).toEqual(answers({ q1: 1, q2: 3, q3: 1 }));
});

test('a base that is compacted is said to be so, and nothing is taken for removed', () => {
  const conflict = conflictOf(ID, [
    leafOf(ID, ['2-a', '1-r'], { ...answers({}), left: 1 }),
    leafOf(ID, ['2-b', '1-r'], answers({ q1: 1 })),
  ]);
  expect(decide(conflict, undefined)).toMatchObject({ twoWay: 'the common ancestor 1-r is compacted' });
  expect(decide(conflict, undefined)?.content?.fields).toEqual({ ...answers({ q1: 1 }), left: 1 });
});

test.each<[string, string[][], string | undefined]>([
  [
    'of two',
    [
      ['3-x', '2-b', '1-a'],
      ['3-y', '2-b', '1-a'],
    ],
    '2-b',
  ],
  [
    'of three is what all have',
    [
      ['3-x', '2-b', '1-a'],
      ['3-y', '2-b', '1-a'],
      ['2-c', '1-a'],
    ],
    '1-a',
  ],
  ['of a root and a branch of another', [['3-x', '2-b', '1-a'], ['1-z']], undefined],
  [
    'behind stemmed histories',
    [
      ['9-x', '8-w'],
      ['9-y', '8-w'],
    ],
    '8-w',
  ],
])('the newest common ancestor %s', (_what, histories, expected) => {
  const conflict = conflictOf(
    ID,
    histories.map((revs) => leafOf(ID, revs, answers({}))),
  );
  expect(baseOf(conflict)).toBe(expected);
});

test('a center that went on with a revision which was merged meanwhile is compared with that revision', () => {
  const tombstone = { _deleted: true, mergedInto: '3-merged' };
  const conflict = conflictOf(ID, [
    leafOf(ID, ['3-merged', '2-b', '1-a'], {
      type: 'answers',
      answers: { q1: { choice: 'A' }, q2: { choice: 'A' } },
    }),
    leafOf(ID, ['3-tomb', '2-c', '1-a'], tombstone),
    leafOf(ID, ['3-later', '2-c', '1-a'], { type: 'answers', answers: { q1: { choice: 'B' } } }),
  ]);
  expect(baseOf(conflict)).toBe('2-c');
  const base = { _id: ID, _rev: '2-c', type: 'answers', answers: { q1: { choice: 'A' } } };
  expect(decide(conflict, base)?.content?.fields.answers).toEqual({
    q1: { choice: 'B' },
    q2: { choice: 'A' },
  });
});
