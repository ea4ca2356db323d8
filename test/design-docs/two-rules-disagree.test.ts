import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { refusalOf } from '../../replication/permissions.ts';
import { designFunction } from './design-function.ts';

const validate = await designFunction('center', ['validate_doc_update']);
const NO_ADMINS = { admins: { names: [], roles: [] }, members: {} };

/** The reason the design document refuses a center's write for, `undefined` when it takes it. */
function designRefusal(
  doc: object,
  previous: object | undefined,
  roles = ['center:LAG-1'],
): string | undefined {
  try {
    validate(doc, previous ?? null, { name: 'node', roles, db: 'cbt' }, NO_ADMINS);
    return undefined;
  } catch (error) {
    return (error as { forbidden: string }).forbidden ?? `threw ${error}`;
  }
}

const enrollment = {
  _id: 'center-LAG-1:enrollment:E1',
  type: 'enrollment',
  enrollmentId: 'E1',
  registrationNumber: '20260001',
  testId: 'T1',
  centerId: 'LAG-1',
  accessCode: 'AC1',
  enrollmentStatus: 'enrolled',
  paymentStatus: 'completed',
  scheduledAt: '2026-12-07T08:00:00Z',
};
const result = { _id: 'center-LAG-1:result:E1', type: 'result', score: 40, testId: 'T1' };
const answers = { _id: 'center-LAG-1:answers:E1', type: 'answers', answers: { Q1: { choice: 'A', n: 1 } } };
const session = { _id: 'center-LAG-1:session:E1', type: 'session', startedAt: '2026-12-07T08:00:00.000Z' };

type Case = [what: string, doc: object, previous: object | undefined, taken: boolean];
const cases: Case[] = [
  ['a session', session, undefined, true],
  ['a session changed', { ...session, status: 'open' }, session, true],
  ['a session deleted', { _id: session._id, _deleted: true }, session, true],
  ['a session with an unknown field', { ...session, seatChanges: [1] }, undefined, true],
  ['a session with a local time', { ...session, startedAt: '2026-12-07T08:00:00+01:00' }, undefined, false],
  ['a session on a day that is not', { ...session, startedAt: '2025-02-29T08:00:00Z' }, undefined, false],
  ['a session on a leap day', { ...session, startedAt: '2028-02-29T08:00:00.5Z' }, undefined, true],
  ['a session with a time of no seconds', { ...session, startedAt: '2026-12-07T08:00Z' }, undefined, false],
  ['another center’s session', { ...session, _id: 'center-LAG-10:session:E1' }, undefined, false],
  ['a session that names another center', { ...session, centerId: 'LAG-10' }, undefined, false],
  ['a session that names its center', { ...session, centerId: 'LAG-1' }, undefined, true],
  ['a session of no type', { _id: session._id }, undefined, false],
  ['a session that says it is a result', { ...session, type: 'result' }, undefined, false],
  ['a question', { _id: 'test-T1:question:Q1', type: 'question' }, undefined, false],
  ['a receipt', { _id: 'center-LAG-1:receipt:E1.1-a', type: 'receipt' }, undefined, false],
  ['a subject', { _id: 'common:subject:SCI', type: 'subject' }, undefined, false],
  ['an assignment', { _id: 'center-LAG-1:assignment:T1', type: 'assignment' }, undefined, false],
  ['a student', { _id: 'center-LAG-1:student:1', type: 'student' }, undefined, false],
  ['a type named like a method', { _id: 'center-LAG-1:toString:1', type: 'toString' }, undefined, false],
  ['an id of two parts', { _id: 'center-LAG-1:session', type: 'session' }, undefined, false],
  ['an id with a space', { _id: 'center-LAG-1:session:E 1', type: 'session' }, undefined, false],
  ['answers', answers, undefined, true],
  ['answers, one cleared', { ...answers, answers: { Q1: { choice: null } } }, answers, true],
  ['answers that are a list', { ...answers, answers: ['A'] }, undefined, false],
  ['answers without a choice', { ...answers, answers: { Q1: { n: 1 } } }, undefined, false],
  ['answers with half a count', { ...answers, answers: { Q1: { choice: 'A', n: 1.5 } } }, undefined, false],
  ['answers that are missing', { _id: answers._id, type: 'answers' }, undefined, false],
  ['a result', result, undefined, true],
  ['a result without a score', { ...result, score: undefined }, undefined, false],
  ['a result with a score in words', { ...result, score: '40' }, undefined, false],
  ['a result changed', { ...result, score: 60 }, result, false],
  ['a result repeated', result, result, false],
  ['a result deleted', { _id: result._id, _deleted: true }, result, false],
  ['a result made as a tombstone', { _id: result._id, _deleted: true }, undefined, true],
  ['a log', { _id: 'center-LAG-1:log:1', type: 'log', event: 'start' }, undefined, true],
  ['a log changed', { _id: 'center-LAG-1:log:1', type: 'log' }, { type: 'log' }, false],
  ['an enrollment’s seat', { ...enrollment, seat: 4 }, enrollment, true],
  ['an enrollment’s attendance', { ...enrollment, attendance: 'present' }, enrollment, true],
  ['an enrollment’s seat taken back', enrollment, { ...enrollment, seat: 4 }, true],
  ['an enrollment’s seat below zero', { ...enrollment, seat: -1 }, enrollment, false],
  ['an enrollment’s test', { ...enrollment, testId: 'T2' }, enrollment, false],
  ['an enrollment’s access code', { ...enrollment, accessCode: 'X' }, enrollment, false],
  ['an enrollment’s unknown field', { ...enrollment, note: 'x' }, enrollment, false],
  ['an enrollment’s field dropped', enrollment, { ...enrollment, note: 'x' }, false],
  ['an enrollment that is new', enrollment, undefined, false],
  ['an enrollment deleted', { _id: enrollment._id, _deleted: true }, enrollment, false],
  ['an enrollment canceled', { ...enrollment, enrollmentStatus: 'canceled' }, enrollment, false],
  ['an enrollment of another id', { ...enrollment, enrollmentId: 'E2' }, enrollment, false],
];

describe('what a center may write', () => {
  test.each(cases)('%s', (_what, doc, previous, taken) => {
    expect(designRefusal(doc, previous) === undefined, 'by the design document').toBe(taken);
    const refusal = refusalOf('LAG-1', doc as StoredDocument, previous as StoredDocument | undefined);
    expect(refusal === undefined, 'by the server').toBe(taken);
  });

  test('any document is taken by both or by neither', () => {
    const value = fc.oneof(
      fc.constantFrom('', 'E1', 'T1', 'LAG-1', 'LAG-10', 'a b', 'enrolled', 'completed', '2026-12-07T08:00Z'),
      fc.constantFrom(
        '2026-02-30T08:00:00Z',
        '2026-12-07T24:00:00Z',
        '1900-02-29T00:00:00Z',
        '2026-12-07T08:60:00Z',
      ),
      fc.constantFrom(0, -1, 1.5, 2 ** 53, 7, null, true),
      fc.constantFrom(
        [],
        {},
        { Q: { choice: 'A' } },
        { Q: { choice: 1 } },
        { Q: null },
        { Q: { choice: null, n: -1 } },
      ),
    );
    const names = [
      'enrollmentId',
      'testId',
      'centerId',
      'status',
      'startedAt',
      'submittedAt',
      'answers',
      'score',
    ];
    const more = [
      'at',
      'event',
      'seat',
      'attendance',
      'accessCode',
      'scheduledAt',
      'enrollmentStatus',
      'other',
    ];
    const fields = fc.dictionary(fc.constantFrom(...names, ...more), value, { maxKeys: 4 });
    const types = fc.constantFrom('session', 'answers', 'result', 'log', 'enrollment', 'student');
    fc.assert(
      fc.property(types, fields, fc.boolean(), fc.boolean(), (type, changed, isNew, deleted) => {
        const base = { ...(type === 'enrollment' ? enrollment : {}), _id: `center-LAG-1:${type}:E1`, type };
        const doc = { ...base, ...changed, ...(deleted && { _deleted: true }) };
        const previous = isNew ? undefined : base;
        const refusal = refusalOf('LAG-1', doc as StoredDocument, previous as StoredDocument | undefined);
        expect(designRefusal(doc, previous) === undefined, refusal).toBe(refusal === undefined);
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    ['an administrator may write anything', ['_admin'], true],
    ['a user of no center nothing', [], false],
    ['another center not this partition', ['center:LAG-10'], false],
    ['a user of two centers nothing', ['center:LAG-1', 'center:LAG-10'], false],
  ])('%s', (_what, roles, taken) => {
    expect(designRefusal(session, undefined, roles) === undefined).toBe(taken);
  });
});
