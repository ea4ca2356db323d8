import { z } from 'zod';
import { answersSchema, logSchema, receiptSchema, resultSchema, sessionSchema } from './exam-documents.ts';
import { count, idPart, text, timestamp } from './fields.ts';
import { COMMON_PARTITION, centerPartition, parseId, testPartition } from './ids.ts';

/**
 * The types of documents, one schema each. All are loose: unknown fields are kept. A parsed value is never stored;
 * parse to check, store what arrived, since a revision id hashes the JSON as it came.
 */

export const centerSchema = z.looseObject({
  type: z.literal('center'),
  centerId: idPart,
  name: text,
  town: z.string().optional(),
  state: z.string().optional(),
  seats: count.optional(),
  timezone: z.string().optional(),
});

const subjectSchema = z.looseObject({ type: z.literal('subject'), subjectCode: idPart, name: text });

const testSchema = z.looseObject({
  type: z.literal('test'),
  testId: idPart,
  title: text,
  subjectCode: idPart,
  durationMinutes: z.number().positive(),
  questionCount: count,
  passingScorePercent: z.number().min(0).max(100),
  startsAt: timestamp,
  endsAt: timestamp,
  status: text,
  settings: z
    .looseObject({
      shuffleQuestions: z.boolean().optional(),
      shuffleAnswers: z.boolean().optional(),
      calculator: z.boolean().optional(),
    })
    .optional(),
});

const questionSchema = z.looseObject({
  type: z.literal('question'),
  testId: idPart,
  questionId: idPart,
  subjectCode: idPart,
  position: count,
  text,
  options: z.record(z.string(), z.string()),
  correctOption: text,
  difficulty: z.string().optional(),
  points: z.number().nonnegative(),
});

const assignmentSchema = z.looseObject({
  type: z.literal('assignment'),
  centerId: idPart,
  testId: idPart,
  status: z.enum(['assigned', 'withdrawn']),
  assignedAt: timestamp.optional(),
  withdrawnAt: timestamp.optional(),
});

const studentSchema = z.looseObject({
  type: z.literal('student'),
  registrationNumber: idPart,
  firstName: text,
  middleName: z.string().optional(),
  lastName: text,
  email: z.string().optional(),
  phone: z.string().optional(),
  dateOfBirth: z.iso.date({ error: 'not a date (YYYY-MM-DD)' }).optional(),
  sex: z.string().optional(),
});

const enrollmentSchema = z.looseObject({
  type: z.literal('enrollment'),
  enrollmentId: idPart,
  registrationNumber: idPart,
  testId: idPart,
  centerId: idPart,
  accessCode: text,
  enrollmentStatus: z.literal('enrolled'),
  paymentStatus: z.literal('completed'),
  scheduledAt: timestamp,
  seat: count.optional(),
  attendance: z.string().optional(),
});

/** Every document of the system, told apart by `type`. */
const documentSchema = z.discriminatedUnion('type', [
  centerSchema,
  subjectSchema,
  testSchema,
  questionSchema,
  assignmentSchema,
  studentSchema,
  enrollmentSchema,
  sessionSchema,
  answersSchema,
  resultSchema,
  logSchema,
  receiptSchema,
]);

export type SyncDocument = z.infer<typeof documentSchema>;
export type DocumentType = SyncDocument['type'];
export const documentType = z.enum(documentSchema.options.map(({ shape }) => shape.type.value));

/** What CouchDB and PouchDB add to a document on the wire. */
export interface StoredDocument {
  _id: string;
  _rev?: string;
  _deleted?: boolean;
  _revisions?: { start: number; ids: string[] };
  _attachments?: Record<string, AttachmentStub>;
  _conflicts?: string[];
  type?: string;
  [field: string]: unknown;
}

/** An attachment as it stands in a document: a stub, inline base64 `data`, or announced by `follows`. */
export interface AttachmentStub {
  content_type: string;
  digest?: string;
  length?: number;
  revpos?: number;
  stub?: boolean;
  follows?: boolean;
  /** How `follows` is sent, where that is not as it is: CouchDB's `gzip`. */
  encoding?: string;
  encoded_length?: number;
  data?: string | Buffer;
}

/** The types that are written at a center and travel up; all others are written online and travel down. */
export const CENTER_WRITTEN_TYPES: ReadonlySet<string> = new Set(['session', 'answers', 'result', 'log']);

/** What is wrong with a document: the field (empty for the document as a whole) and the reason, in plain words. */
export interface DocumentIssue {
  field: string;
  reason: string;
}

const CENTER_TYPES = new Set([
  'center',
  'assignment',
  'student',
  'enrollment',
  'receipt',
  ...CENTER_WRITTEN_TYPES,
]);
const TEST_TYPES = new Set(['test', 'question']);

/** The fields of a document that repeat a part of its id, by type. */
const KEY_FIELDS: Partial<Record<DocumentType, string>> = {
  center: 'centerId',
  subject: 'subjectCode',
  test: 'testId',
  question: 'questionId',
  assignment: 'testId',
  student: 'registrationNumber',
  enrollment: 'enrollmentId',
};

/**
 * Checks a live document against the schema of its type and against its own id. Tombstones have nothing to check.
 * @returns the issues, none when the document is right.
 */
export function checkDocument(doc: StoredDocument): DocumentIssue[] {
  const id = parseId(doc._id);
  if (!id) return [{ field: '_id', reason: 'is not <partition>:<type>:<key> of A-Z a-z 0-9 . _ -' }];
  if (doc.type !== id.type) return [{ field: 'type', reason: `is not ${id.type}, as the id says` }];
  const parsed = documentSchema.safeParse(doc, { error: missing });
  if (!parsed.success) {
    return parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), reason: issue.message }));
  }
  const issues: DocumentIssue[] = [];
  if (!belongs(id.partition, id.type)) {
    issues.push({ field: '_id', reason: `${id.type} documents do not belong in partition ${id.partition}` });
  }
  const keyField = KEY_FIELDS[parsed.data.type];
  if (keyField && doc[keyField] !== id.key) {
    issues.push({ field: keyField, reason: `is not ${id.key}, as the id says` });
  }
  if (typeof doc.centerId === 'string' && id.partition !== centerPartition(doc.centerId)) {
    issues.push({ field: 'centerId', reason: `is not the center of partition ${id.partition}` });
  }
  if (TEST_TYPES.has(id.type) && id.partition !== testPartition(String(doc.testId))) {
    issues.push({ field: 'testId', reason: `is not the test of partition ${id.partition}` });
  }
  return issues;
}

function missing({ input }: { input?: unknown }): string | undefined {
  return input === undefined ? 'is missing' : undefined;
}

function belongs(partition: string, type: string): boolean {
  if (partition === COMMON_PARTITION) return !CENTER_TYPES.has(type) && !TEST_TYPES.has(type);
  if (partition.startsWith('center-')) return CENTER_TYPES.has(type);
  return partition.startsWith('test-') && TEST_TYPES.has(type);
}
