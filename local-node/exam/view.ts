import { z } from 'zod';
import type { ExamSession } from '../../replication/exam-documents.ts';
import type { Admission } from './entrance.ts';
import type { Exam } from './exam.ts';
import type { LiveSitting } from './live-sitting.ts';
import { type Paper, presentedQuestion, presentPaper } from './paper.ts';
import { highestN, remainingMs } from './sitting.ts';

/** What leaves the node about a session: only what is named here. */

const count = z.int().nonnegative();
const time = z.iso.datetime();

/** For "is this you?". */
export const candidateName = z.object({
  firstName: z.string().optional(),
  middleName: z.string().optional(),
  lastName: z.string().optional(),
  seat: z.int().optional(),
});

const shownTest = z.object({
  testId: z.string(),
  title: z.string(),
  subjectCode: z.string(),
  instructions: z.string().optional(),
  calculator: z.boolean(),
});

/** A candidate at the door: no session id, no question. */
export const admissionView = z.object({
  candidate: candidateName,
  registrationNumber: z.string(),
  test: shownTest.extend({ durationMinutes: z.number(), questionCount: count }),
  /** True: the session has begun already and is gone on with. */
  isRunning: z.boolean(),
});
export type AdmissionView = z.infer<typeof admissionView>;

export const sessionTime = z.object({
  status: z.enum(['running', 'submitted']),
  remainingMs: count,
  extraMinutes: z.number(),
});
export type SessionTime = z.infer<typeof sessionTime>;

export const sessionView = z.object({
  sessionId: z.string(),
  enrollmentId: z.string(),
  registrationNumber: z.string(),
  candidate: candidateName,
  status: z.enum(['running', 'submitted']),
  /** By the node's clock; the candidate's may be wrong. */
  now: time,
  startedAt: time,
  durationMinutes: z.number(),
  extraMinutes: z.number(),
  remainingMs: count,
  /** The highest number used so far: the next save takes a higher one. */
  n: count,
  test: shownTest.optional(),
  /** In the order of this session; absent when it is over. */
  questions: z.array(presentedQuestion).optional(),
  answers: z.record(z.string(), z.object({ choice: z.string().nullable(), n: count })),
  submittedAt: time.optional(),
  submittedBy: z.enum(['candidate', 'time', 'operator']).optional(),
});
export type SessionView = z.infer<typeof sessionView>;

export const sessionSummary = z.object({
  sessionId: z.string(),
  enrollmentId: z.string(),
  registrationNumber: z.string(),
  testId: z.string(),
  status: z.enum(['running', 'submitted']),
  startedAt: time,
  remainingMs: count,
  extraMinutes: z.number(),
  answered: count.optional(),
  questions: count.optional(),
  submittedAt: time.optional(),
  submittedBy: z.enum(['candidate', 'time', 'operator']).optional(),
});
export type SessionSummary = z.infer<typeof sessionSummary>;

/** Whom an access code admits to what. */
export async function viewAdmission(
  { enrollment, paper, isRunning }: Admission,
  exam: Exam,
): Promise<AdmissionView> {
  const { durationMinutes, questionCount } = paper.test;
  return {
    candidate: await exam.candidateOf(enrollment),
    registrationNumber: enrollment.registrationNumber,
    test: { ...viewTest(paper), durationMinutes, questionCount },
    isRunning,
  };
}

/** @throws SyncError not_found. */
export function timeOf(sessionId: string, { sittings, clock }: Exam): SessionTime {
  const ended = sittings.ended(sessionId);
  if (ended) return { status: 'submitted', remainingMs: 0, extraMinutes: ended.extraMinutes };
  const { sitting } = sittings.get(sessionId);
  const { extraMinutes } = sitting.session;
  return { status: 'running', remainingMs: remainingMs(sitting, clock.workingMs()), extraMinutes };
}

/** All that a candidate needs to go on, on whatever machine. */
export async function viewRunning({ sitting }: LiveSitting, exam: Exam): Promise<SessionView> {
  const { session, sheet, paper } = sitting;
  const { clock } = exam;
  const answers = Object.entries(sheet.answers).map(
    ([id, { choice, n = 0 }]) => [id, { choice, n }] as const,
  );
  return {
    ...commonView(session),
    candidate: await exam.candidateOf(session),
    status: 'running',
    now: clock.now().toISOString(),
    remainingMs: remainingMs(sitting, clock.workingMs()),
    n: highestN(sheet),
    test: viewTest(paper),
    questions: presentPaper(paper, session.sessionId),
    answers: Object.fromEntries(answers),
  };
}

/** A session that is over. */
export async function viewEnded(session: ExamSession, exam: Exam): Promise<SessionView> {
  const { submittedAt, submittedBy } = session;
  return {
    ...commonView(session),
    candidate: await exam.candidateOf(session),
    status: 'submitted',
    now: exam.clock.now().toISOString(),
    remainingMs: 0,
    n: 0,
    answers: {},
    ...(submittedAt !== undefined && { submittedAt }),
    ...(submittedBy !== undefined && { submittedBy }),
  };
}

/** The sessions of this node, for its operator. */
export function summarize({ sittings, clock }: Exam): SessionSummary[] {
  const workingMs = clock.workingMs();
  const running = sittings.running().map(({ sitting }) => ({
    ...summaryOf(sitting.session),
    remainingMs: remainingMs(sitting, workingMs),
    answered: Object.values(sitting.sheet.answers).filter(({ choice }) => choice !== null).length,
    questions: sitting.paper.questions.length,
  }));
  const ended = sittings.allEnded().map((session) => ({
    ...summaryOf(session),
    remainingMs: 0,
    ...(session.submittedAt !== undefined && { submittedAt: session.submittedAt }),
    ...(session.submittedBy !== undefined && { submittedBy: session.submittedBy }),
  }));
  return [...running, ...ended].sort((a, b) => (a.enrollmentId < b.enrollmentId ? -1 : 1));
}

function viewTest({ test }: Paper): z.infer<typeof shownTest> {
  const { testId, title, subjectCode, instructions, settings } = test;
  return {
    testId,
    title,
    subjectCode,
    ...(instructions !== undefined && { instructions }),
    calculator: settings?.calculator === true,
  };
}

function commonView(session: ExamSession) {
  const { sessionId, enrollmentId, registrationNumber, startedAt, durationMinutes, extraMinutes } = session;
  return { sessionId, enrollmentId, registrationNumber, startedAt, durationMinutes, extraMinutes };
}

function summaryOf(session: ExamSession) {
  const { sessionId, enrollmentId, registrationNumber, testId, status, startedAt, extraMinutes } = session;
  return { sessionId, enrollmentId, registrationNumber, testId, status, startedAt, extraMinutes };
}
