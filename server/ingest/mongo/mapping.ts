import type { Document } from 'mongodb';
import type { StoredDocument } from '../../../replication/documents.ts';
import type { FormName } from '../csv/forms.ts';
import { assignmentId, enrollmentId, questionId } from '../document-ids.ts';

/**
 * How the registration service's collections become the authority's forms. All that is particular to the service
 * stands in this file: for another one, write another.
 */

/** A collection, one document of which is one row of a form. */
export interface CollectionMapping {
  collection: string;
  form: FormName;
  /** The field with the name by which a document is known outside MongoDB. */
  key: string;
  /** Fields that hold the ObjectId of a document of another collection. */
  references: Record<string, string>;
  isWanted?(doc: Document): boolean;
  /** The row's cells; `ref` gives the key of the document that a field refers to. */
  row(doc: Document, ref: (field: string) => string): Record<string, unknown>;
  /** Lists of ObjectIds that are rows of other forms. */
  lists?: ListMapping[];
  /** What goes with a document that is deleted, or that has another key than before. */
  removed?(key: string, center: string): StoredDocument[];
  /** The field that says at which center a document is. */
  center?: string;
  /** The service's ids that the hub's document keeps, by name: the field they stand in. */
  sourceIds?: Record<string, string>;
}

/** A list in a document. Members that it had before and has no longer are taken out. */
export interface ListMapping {
  field: string;
  to: string;
  form: FormName;
  row(key: string, member: string, index: number): Record<string, unknown>;
  removed(key: string, member: string, now: Date): StoredDocument;
  /** A member that comes into a list that was known without it. */
  added?(key: string, member: string, now: Date): StoredDocument;
}

/** In the order in which they refer to each other. */
export const MAPPINGS: readonly CollectionMapping[] = [
  {
    collection: 'subjects',
    form: 'subjects',
    key: 'code',
    references: {},
    row: ({ code, name }) => ({ subject_code: code, name }),
  },
  {
    collection: 'testcenters',
    form: 'centers',
    key: 'centerId',
    references: {},
    row: ({ centerId, name, town, state, seats, timezone }) => ({
      ...{ center_id: centerId, name, town, state, seats, timezone },
    }),
  },
  {
    collection: 'questions',
    form: 'questions',
    key: 'questionId',
    references: { subject: 'subjects' },
    row: (doc, ref) => ({
      question_id: doc.questionId,
      subject_code: ref('subject'),
      text: doc.questionText,
      ...optionsOf(doc.answers),
      difficulty: doc.difficulty,
      points: doc.points,
    }),
  },
  {
    collection: 'tests',
    form: 'tests',
    key: 'testId',
    references: { subject: 'subjects' },
    row: (doc, ref) => ({
      test_id: doc.testId,
      title: doc.title,
      subject_code: ref('subject'),
      duration_minutes: doc.duration,
      question_count: doc.totalQuestions,
      passing_score_percent: doc.passingScore,
      starts_at: doc.schedule?.startDate,
      ends_at: doc.schedule?.endDate,
      status: doc.status,
    }),
    lists: [
      {
        field: 'questions',
        to: 'questions',
        form: 'test-questions',
        row: (test, question, index) => ({ test_id: test, question_id: question, position: index + 1 }),
        removed: (test, question) => ({ _id: questionId(test, question), _deleted: true }),
      },
      {
        field: 'testCenters',
        to: 'testcenters',
        form: 'test-centers',
        row: (test, center) => ({ test_id: test, center_id: center }),
        removed: (test, center, now) =>
          assignment(test, center, { status: 'withdrawn', withdrawnAt: now.toISOString() }),
        added: (test, center, now) =>
          assignment(test, center, { status: 'assigned', assignedAt: now.toISOString() }),
      },
    ],
  },
  {
    collection: 'users',
    form: 'students',
    key: 'studentRegNumber',
    references: {},
    isWanted: ({ role }) => role === 'student',
    row: (doc) => ({
      registration_number: doc.studentRegNumber,
      first_name: doc.firstName,
      middle_name: doc.middleName,
      last_name: doc.lastName,
      email: doc.email,
      phone: doc.phoneNumber,
      date_of_birth: doc.dateOfBirth instanceof Date ? day(doc.dateOfBirth) : doc.dateOfBirth,
      sex: doc.sex,
    }),
  },
  {
    collection: 'testenrollments',
    form: 'enrollments',
    key: 'enrollmentId',
    references: { student: 'users', test: 'tests', testCenter: 'testcenters' },
    row: (doc, ref) => ({
      enrollment_id: doc.enrollmentId,
      registration_number: ref('student'),
      test_id: ref('test'),
      center_id: ref('testCenter'),
      access_code: doc.accessCode,
      enrollment_status: doc.enrollmentStatus,
      payment_status: doc.paymentStatus,
      scheduled_at: doc.scheduledDate,
      seat: doc.seat,
    }),
    center: 'testCenter',
    removed: (key, center) => [{ _id: enrollmentId(center, key), _deleted: true }],
    sourceIds: { enrollment: '_id', student: 'student', test: 'test', testCenter: 'testCenter' },
  },
];

/** The field by which polling finds what has changed. */
export const CHANGED_FIELD = 'updatedAt';

function optionsOf(answers: unknown): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const answer of Array.isArray(answers) ? (answers as (Document | null)[]) : []) {
    const { id, text, isCorrect } = answer ?? {};
    options[`option_${String(id).toLowerCase()}`] = text;
    if (isCorrect === true) options.correct_option = id;
  }
  return options;
}

function assignment(testId: string, centerId: string, fields: object): StoredDocument {
  return { _id: assignmentId(centerId, testId), type: 'assignment', centerId, testId, ...fields };
}

/** A date as the authority writes it: YYYY-MM-DD. */
function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
