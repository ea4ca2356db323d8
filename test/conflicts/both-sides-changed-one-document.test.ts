import { describe, expect, test } from 'vitest';
import { decide } from '../../replication/conflicts/decide.ts';
import type { Conflict } from '../../replication/conflicts/leaves.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import {
  assignmentDocument,
  centerDocument,
  enrollmentDocument,
  questionDocument,
  resultDocument,
  studentDocument,
  testDocument,
} from '../harness/documents.ts';
import { conflictOver } from './tree.ts';

const TIME = (minute: number) => `2026-12-07T09:${String(minute).padStart(2, '0')}:00.000Z`;

/** Decides what two sides made of one document; `2-b` is CouchDB's winner. */
function decided(base: StoredDocument, a: object, b: object, prepare?: (conflict: Conflict) => void) {
  const conflict = conflictOver(base._id, { '2-a': { ...base, ...a }, '2-b': { ...base, ...b } });
  prepare?.(conflict);
  return decide(conflict, { ...base, _rev: '1-base' });
}

const enrollment = enrollmentDocument('L-1', 'T', 1);
const student = studentDocument('L-1', 1);
const session = {
  _id: 'center-L-1:session:E1',
  type: 'session',
  enrollmentId: 'E1',
  status: 'running',
  startedAt: TIME(5),
  extraMinutes: 0,
  nodeId: 'main',
  keyId: 'k-main',
};
const sheet = (answers: object, more: object = {}) => ({
  _id: 'center-L-1:answers:E1',
  type: 'answers',
  enrollmentId: 'E1',
  answers,
  ...more,
});

describe('what both sides left of one document', () => {
  test.each<[string, StoredDocument, object, object, object]>([
    ['a student: fields are merged', student, { phone: '1' }, { email: 'x@y' }, { phone: '1', email: 'x@y' }],
    [
      'a student: one field changed twice goes to the winner',
      student,
      { phone: '1' },
      { phone: '2' },
      { phone: '2' },
    ],
    ['a student: a field taken out stays out', student, { email: undefined }, { phone: '2' }, { phone: '2' }],
    [
      'an enrollment: the seat is the center’s',
      enrollment,
      { seat: 7 },
      { seat: 9, scheduledAt: TIME(1) },
      { seat: 7, scheduledAt: TIME(1) },
    ],
    [
      'an enrollment: the seat is the center’s, though it loses',
      enrollment,
      { seat: 7, attendance: 'present' },
      { seat: 9, accessCode: 'NEW' },
      { seat: 7, attendance: 'present', accessCode: 'NEW' },
    ],
    [
      'an enrollment: who marked attendance is the center',
      enrollment,
      { seat: 7, attendance: 'present' },
      { seat: 9 },
      { seat: 7, attendance: 'present' },
    ],
    [
      'an enrollment: a seat changed online alone',
      enrollment,
      { seat: 9 },
      { attendance: 'present' },
      { seat: 9, attendance: 'present' },
    ],
    [
      'a session: submitted once, submitted for good',
      session,
      { status: 'submitted', submittedAt: TIME(50), nodeId: 'spare' },
      { extraMinutes: 5 },
      { status: 'submitted', submittedAt: TIME(50), nodeId: 'spare', extraMinutes: 5 },
    ],
    [
      'a session: the later submission, the most extra time, the first start',
      session,
      {
        status: 'submitted',
        submittedAt: TIME(50),
        submittedBy: 'candidate',
        nodeId: 'spare',
        keyId: 'k-spare',
        extraMinutes: 10,
      },
      {
        status: 'submitted',
        submittedAt: TIME(40),
        submittedBy: 'time',
        extraMinutes: 5,
        startedAt: TIME(2),
      },
      {
        status: 'submitted',
        submittedAt: TIME(50),
        submittedBy: 'candidate',
        nodeId: 'spare',
        keyId: 'k-spare',
        extraMinutes: 10,
        startedAt: TIME(2),
      },
    ],
    [
      'a sheet: by question the higher n',
      sheet({ q1: { choice: 'A', n: 1 } }),
      { answers: { q1: { choice: 'B', n: 5 }, q2: { choice: 'C', n: 2 } } },
      { answers: { q1: { choice: 'D', n: 3 }, q3: { choice: null, n: 4 } } },
      { answers: { q1: { choice: 'B', n: 5 }, q2: { choice: 'C', n: 2 }, q3: { choice: null, n: 4 } } },
    ],
    [
      'a sheet: of equal n the later time, whatever its precision',
      sheet({}),
      { answers: { q1: { choice: 'B', n: 5, at: '2026-12-07T09:00:00.5Z' } } },
      { answers: { q1: { choice: 'D', n: 5, at: '2026-12-07T09:00:00Z' } } },
      { answers: { q1: { choice: 'B', n: 5, at: '2026-12-07T09:00:00.5Z' } } },
    ],
    [
      'a sheet: of equal n and time the lower revision',
      sheet({}),
      { answers: { q1: { choice: 'B', n: 5 } } },
      { answers: { q1: { choice: 'D', n: 5 } } },
      { answers: { q1: { choice: 'B', n: 5 } } },
    ],
    [
      'a sheet: without n, what was changed',
      sheet({ q1: { choice: 'A' } }),
      { answers: { q1: { choice: 'A' } } },
      { answers: { q1: { choice: 'D' } } },
      { answers: { q1: { choice: 'D' } } },
    ],
    [
      'a sheet: no answer goes, the most time used stays',
      sheet({ q1: { choice: 'A', n: 1 } }, { elapsedMs: 1 }),
      { answers: {}, elapsedMs: 9 },
      { answers: { q1: { choice: 'A', n: 1 } }, elapsedMs: 3 },
      { answers: { q1: { choice: 'A', n: 1 } }, elapsedMs: 9 },
    ],
    ['a center', centerDocument('L-1'), { seats: 1 }, { town: 'Epe' }, { town: 'Epe' }],
    ['a test', testDocument('T'), { title: 'x' }, { status: 'closed' }, { status: 'closed' }],
    [
      'a question: never half of one and half of another',
      questionDocument('T', 1),
      { text: 'x' },
      { correctOption: 'D' },
      { correctOption: 'D' },
    ],
    [
      'an assignment',
      assignmentDocument('T', 'L-1'),
      { assignedAt: TIME(1) },
      { status: 'withdrawn' },
      { status: 'withdrawn' },
    ],
  ])('%s', (_what, base, a, b, expected) => {
    const decision = decided(base, a, b);
    const { _id, ...fields } = { ...base, ...expected };
    const gone = Object.keys(a).filter((name) => (a as Record<string, unknown>)[name] === undefined);
    for (const name of gone) delete (fields as Record<string, unknown>)[name];
    expect(decision).toMatchObject({ waits: false });
    expect(decision?.twoWay).toBeUndefined();
    expect(decision?.content?.fields).toEqual(fields);
  });

  test('an enrollment’s seat is of the side that is recorded as the center’s', () => {
    for (const rev of ['2-a', '2-b']) {
      const { content } = decided(enrollment, { seat: 1000 }, { seat: 2000 }, ({ live }) => {
        const leaf = live.find((each) => each.rev === rev);
        if (leaf) leaf.byCenter = { centerId: 'L-1', at: TIME(1) };
      }) as { content: { fields: object } };
      expect(content.fields).toMatchObject({ seat: rev === '2-a' ? 1000 : 2000 });
    }
  });

  test('a merge that would not be valid waits for a person', () => {
    const decision = decided(student, { firstName: '' }, { phone: '1' });
    expect(decision).toMatchObject({ waits: true, reason: expect.stringContaining('firstName') });
    expect(decided(sheet({}), { answers: [] }, { answers: { q: { choice: 'A' } } })).toMatchObject({
      waits: true,
    });
  });
});

describe('results of one enrollment', () => {
  const scored = (more: object) => ({
    ...resultDocument('L-1', 'T', 1),
    score: 3,
    outcomes: { q1: { choice: 'A', correct: true, points: 3 } },
    ...more,
  });
  const marks = (node: string) => ({
    nodeId: node,
    keyId: `k-${node}`,
    signature: `s-${node}`,
    logHead: { n: 1, hash: node },
    answersHash: `h-${node}`,
    startedAt: TIME(1),
    submittedAt: TIME(node.length),
    submittedBy: node,
  });
  const base = scored({});

  test('that say the same are one, with its signature as it was', () => {
    const decision = decided(base, marks('main'), marks('spare'));
    expect(decision).toMatchObject({ waits: false, content: { fields: marks('spare') } });
  });

  test('that differ wait for a person, who is shown the fuller one', () => {
    const fuller = { ...marks('main'), score: 2, counts: { answered: 2 } };
    const decision = decided(base, fuller, { ...marks('spare'), counts: { answered: 1 } });
    expect(decision).toMatchObject({ waits: true, content: { fields: fuller } });
    const withoutOutcomes = { outcomes: undefined };
    const hashes = decided(
      base,
      { ...marks('main'), ...withoutOutcomes },
      { ...marks('spare'), ...withoutOutcomes },
    );
    expect(hashes).toMatchObject({ waits: true });
  });
});

describe('what no merge may touch', () => {
  test('a log that forks: nothing is suggested, both entries stay', () => {
    const log = { _id: 'center-L-1:log:n.00000001', type: 'log', n: 1 };
    const decision = decided(log, { event: 'x' }, { event: 'y' });
    expect(decision).toMatchObject({ waits: true, reason: expect.stringContaining('forks') });
    expect(decision?.content).toBeUndefined();
  });

  test('a deletion beside an edit: what happened at a center lives, and of an enrollment a person is asked', () => {
    const gone = { _deleted: true };
    expect(decided(sheet({}) as StoredDocument, gone, { answers: { q: { choice: 'A' } } })).toBeUndefined();
    expect(decided(session, { status: 'submitted' }, gone)).toBeUndefined();
    expect(decided(enrollment, { attendance: 'present' }, gone)).toMatchObject({ waits: true });
    expect(decided(student, { phone: '1' }, gone)).toBeUndefined();
    // What a resolution put over a loser is nobody's deletion.
    expect(decided(enrollment, { seat: 3 }, { ...gone, mergedInto: '2-a' })).toBeUndefined();
  });

  test('a document of an unknown type', () => {
    expect(decided({ _id: 'common:notice:1' }, { x: 1 }, { x: 2 })).toMatchObject({ waits: true });
  });
});
