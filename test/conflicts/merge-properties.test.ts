import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../replication/canonical.ts';
import { contentOf, sameContent } from '../../replication/conflicts/content.ts';
import { baseOf, decide } from '../../replication/conflicts/decide.ts';
import { type Conflict, conflictOf } from '../../replication/conflicts/leaves.ts';
import { documentOf, resolveWith } from '../../replication/conflicts/resolution.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { enrollmentDocument, questionDocument, studentDocument } from '../harness/documents.ts';
import { leafOf } from './tree.ts';

const RUNS = { numRuns: 400 };
const time = fc.constantFrom('2026-12-07T09:00:00Z', '2026-12-07T09:00:00.5Z', '2026-12-07T10:00:00Z');
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 2 });

const answer = fc.record(
  { choice: fc.constantFrom('A', 'B', null), n: fc.nat({ max: 3 }), at: time },
  { requiredKeys: ['choice'] },
);
const answers = fc.dictionary(fc.constantFrom('q1', 'q2', 'q3', '__proto__', 'constructor'), answer, {
  maxKeys: 4,
});

/** What a side may say, by type. */
const FIELDS: Record<string, fc.Arbitrary<object>> = {
  answers: fc.record({ answers, elapsedMs: fc.nat({ max: 5 }), nodeId: maybe(fc.constantFrom('m', 's')) }),
  session: fc.record({
    status: fc.constantFrom('running', 'submitted'),
    startedAt: maybe(time),
    submittedAt: maybe(time),
    extraMinutes: fc.nat({ max: 3 }),
    nodeId: fc.constantFrom('m', 's'),
  }),
  enrollment: fc.record({
    seat: fc.nat({ max: 3 }),
    attendance: maybe(fc.constantFrom('present', 'absent')),
    room: maybe(fc.constantFrom('R1', 'R2')),
  }),
  student: fc.record({ phone: maybe(fc.constantFrom('1', '2')), email: maybe(fc.constantFrom('a', 'b')) }),
  question: fc.record({ text: fc.constantFrom('x', 'y', 'z'), points: fc.nat({ max: 2 }) }),
};
const WHOLE: Record<string, StoredDocument> = {
  answers: { _id: 'center-L-1:answers:E1', type: 'answers', enrollmentId: 'E1' },
  session: { _id: 'center-L-1:session:E1', type: 'session', enrollmentId: 'E1' },
  enrollment: enrollmentDocument('L-1', 'T', 1),
  student: studentDocument('L-1', 1),
  question: questionDocument('T', 1),
};

interface Tree {
  id: string;
  leaves: StoredDocument[];
  base: StoredDocument | undefined;
}

/** Leaves over one ancestor, its body there or compacted away, or each from a root of its own. */
function trees(type: string, count: { minLength: number; maxLength: number }): fc.Arbitrary<Tree> {
  const whole = WHOLE[type] as StoredDocument;
  const fields = FIELDS[type] as fc.Arbitrary<object>;
  const bodyOf = (said: object): object => JSON.parse(JSON.stringify({ ...whole, ...said }));
  const hashes = fc.uniqueArray(fc.constantFrom('0a', '1b', '7c', 'cd', 'fe'), count);
  return fc
    .tuple(
      hashes,
      fc.array(fields, { minLength: 6, maxLength: 6 }),
      fc.constantFrom('base', 'compacted', 'roots'),
    )
    .map(([revs, said, root]) => ({
      id: whole._id,
      leaves: revs.map((hash, index) =>
        leafOf(
          whole._id,
          root === 'roots' ? [`1-${hash}`] : [`2-${hash}`, '1-base'],
          bodyOf(said[index] as object),
        ),
      ),
      base:
        root === 'base' ? ({ ...bodyOf(said[5] as object), _rev: '1-base' } as StoredDocument) : undefined,
    }));
}

const anyTree = fc
  .constantFrom(...Object.keys(FIELDS))
  .chain((type) => trees(type, { minLength: 2, maxLength: 4 }));
const anyPair = fc
  .constantFrom(...Object.keys(FIELDS))
  .chain((type) => trees(type, { minLength: 2, maxLength: 2 }));

function resolve({ id, leaves, base }: Tree) {
  const conflict = conflictOf(id, leaves);
  const decision = decide(conflict, base);
  if (!decision?.content || decision.waits) throw new Error(`not decided: ${decision?.reason}`);
  return { conflict, content: decision.content, resolution: resolveWith(conflict, decision.content) };
}

const written = (id: string, writes: ReturnType<typeof resolveWith>['writes']) =>
  writes.map((write) => documentOf(id, write));

describe('a merge', () => {
  test('does not depend on the order of the leaves, to the byte of the revisions', () => {
    fc.assert(
      fc.property(
        anyTree.chain((tree) =>
          fc.tuple(fc.constant(tree), fc.shuffledSubarray(tree.leaves, { minLength: tree.leaves.length })),
        ),
        ([tree, shuffled]) => {
          const [one, other] = [resolve(tree), resolve({ ...tree, leaves: shuffled })];
          expect(written(tree.id, other.resolution.writes)).toEqual(written(tree.id, one.resolution.writes));
          expect(other.resolution.stands).toBe(one.resolution.stands);
        },
      ),
      RUNS,
    );
  });

  test('leaves one live leaf, which holds what was decided', () => {
    fc.assert(
      fc.property(anyTree, (tree) => {
        const { content, resolution } = resolve(tree);
        const after = conflictAfter(tree, resolution.writes);
        expect(after.live.map(({ rev }) => rev)).toEqual([resolution.stands]);
        expect(after.merged).toHaveLength(tree.leaves.length - 1);
        expect(sameContent(contentOf(after.live[0] as Conflict['live'][number]), content)).toBe(true);
        expect(decide(after, undefined)).toBeUndefined();
      }),
      RUNS,
    );
  });

  test('twice changes nothing, though the first one was cut before its tombstones', () => {
    fc.assert(
      fc.property(anyPair, (tree) => {
        const { content, resolution } = resolve(tree);
        const made = resolution.writes.filter(({ deleted }) => !deleted);
        const cut = conflictAfter(tree, made);
        const base = tree.base && baseOf(cut) === '1-base' ? tree.base : undefined;
        const again = decide(cut, base);
        expect(again?.content && canonicalJson(again.content.fields)).toBe(canonicalJson(content.fields));
      }),
      RUNS,
    );
  });

  test('of answer sheets: no answer of any side is absent, unless a higher n or a later time replaced it', () => {
    fc.assert(
      fc.property(trees('answers', { minLength: 2, maxLength: 4 }), (tree) => {
        const merged = resolve(tree).content.fields.answers as Record<string, Answer>;
        for (const leaf of tree.leaves) {
          for (const [question, answer] of Object.entries(leaf.answers as Record<string, Answer>)) {
            expect(Object.hasOwn(merged, question)).toBe(true);
            const kept = Object.getOwnPropertyDescriptor(merged, question)?.value as Answer;
            expect(rankOf(kept)).toBeGreaterThanOrEqual(rankOf(answer));
            const sides = tree.leaves.map(({ answers }) => Object(answers)[question]);
            expect(sides).toContainEqual(kept);
          }
        }
      }),
      RUNS,
    );
  });

  test('throws for nothing that a database may hold', () => {
    fc.assert(
      fc.property(
        fc.array(fc.object(), { minLength: 2, maxLength: 3 }),
        fc.constantFrom(...Object.keys(FIELDS)),
        (bodies, type) => {
          const id = `center-L-1:${type}:E1`;
          const hashes = ['a', 'b', 'c'];
          const own = (body: object) =>
            Object.fromEntries(Object.entries(body).filter(([name]) => !name.startsWith('_')));
          const leaves = bodies.map((body, index) => leafOf(id, [`2-${hashes[index]}`, '1-r'], own(body)));
          const decision = decide(conflictOf(id, leaves), undefined);
          expect(decision === undefined || typeof decision.waits === 'boolean').toBe(true);
        },
      ),
      RUNS,
    );
  });
});

interface Answer {
  n?: number;
  at?: string;
}

function rankOf({ n = -1, at }: Answer): number {
  return n + (at ? Date.parse(at) / 1e14 : 0);
}

function conflictAfter({ id, leaves }: Tree, writes: ReturnType<typeof resolveWith>['writes']): Conflict {
  const over = new Set(writes.map((write) => write.over));
  const kept = leaves.filter(({ _rev }) => !over.has(_rev as string));
  return conflictOf(id, [...kept, ...written(id, writes)]);
}
