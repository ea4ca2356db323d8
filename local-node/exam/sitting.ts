import type { Answer } from '../../replication/answer-sheet.ts';
import { mergeAnswers } from '../../replication/conflicts/merge-answers.ts';
import { SyncError } from '../../replication/errors.ts';
import type { AnswerSheet, ExamResult, ExamSession, SubmittedBy } from '../../replication/exam-documents.ts';
import { centerPartition, formatId } from '../../replication/ids.ts';
import type { LogHead } from '../../replication/log-chain.ts';
import { hashAnswers, scoreSheet } from '../../replication/scoring.ts';
import { type PrivateKey, signDocument } from '../../replication/signing.ts';
import type { EnrollmentDocument } from './candidates.ts';
import type { Paper } from './paper.ts';

/** One candidate's sitting of one test, as the node works with it. */
export interface Sitting {
  session: ExamSession;
  sheet: AnswerSheet;
  paper: Paper;
  /** The node's working time at which this sitting's own began. */
  baseMs: number;
  /** Whether the answer sheet in the replica lacks something. */
  isDirty: boolean;
}

/** The node as it stands in what it writes. */
export interface Signer {
  centerId: string;
  nodeId: string;
  keyId: string;
  key: PrivateKey;
}

const MINUTE_MS = 60_000;

/** A sitting that begins. */
export function beginSitting(
  enrollment: EnrollmentDocument,
  sessionId: string,
  paper: Paper,
  { centerId, nodeId, keyId }: Signer,
  at: { now: Date; workingMs: number },
): Sitting {
  const { enrollmentId, registrationNumber, testId } = enrollment;
  const partition = centerPartition(centerId);
  const common = { sessionId, enrollmentId, testId, nodeId, keyId };
  const session: ExamSession = {
    _id: formatId(partition, 'session', enrollmentId),
    type: 'session',
    ...common,
    registrationNumber,
    status: 'running',
    startedAt: at.now.toISOString(),
    durationMinutes: paper.test.durationMinutes,
    extraMinutes: 0,
  };
  const sheet: AnswerSheet = {
    _id: formatId(partition, 'answers', enrollmentId),
    type: 'answers',
    ...common,
    answers: {},
    elapsedMs: 0,
  };
  return { session, sheet, paper, baseMs: at.workingMs, isDirty: true };
}

export function remainingMs({ session, baseMs }: Sitting, workingMs: number): number {
  const allMs = (session.durationMinutes + session.extraMinutes) * MINUTE_MS;
  return Math.max(0, Math.round(allMs - (workingMs - baseMs)));
}

/** What a save has come to: whether it is the answer now, or a later one stands. */
export type SaveOutcome = 'saved' | 'repeated' | 'superseded';

/**
 * What saving an answer would come to. @throws SyncError for a question or an option that the paper does not have, and
 * conflict for a number that was used for another choice of the same question.
 */
export function judgeSave(
  { sheet, paper }: Sitting,
  questionId: string,
  choice: string | null,
  n: number,
): SaveOutcome {
  const question = paper.questions.find((candidate) => candidate.questionId === questionId);
  if (!question) throw new SyncError('not_found', `there is no question ${questionId} in this test`);
  if (choice !== null && !Object.hasOwn(question.options, choice)) {
    throw new SyncError('bad_request', `choice: ${questionId} has no option ${choice}`);
  }
  const known = answerOf(sheet.answers, questionId);
  const knownN = known?.n ?? 0;
  if (!known || n > knownN) return 'saved';
  if (n < knownN) return 'superseded';
  if (known.choice === choice) return 'repeated';
  throw new SyncError(
    'conflict',
    `n: ${n} was used for another choice; the next number is above ${highestN(sheet)}`,
  );
}

/** The highest number of any save of a session. */
export function highestN({ answers }: Pick<AnswerSheet, 'answers'>): number {
  return Object.values(answers).reduce((highest, { n = 0 }) => Math.max(highest, n), 0);
}

/** Two sides' answers in one, by the rule that the hub resolves conflicts by. */
export function joinAnswers(
  a: Readonly<Record<string, Answer>>,
  b: Readonly<Record<string, Answer>>,
): Record<string, Answer> {
  const sides = [a, b].map((answers) => ({ rev: '', fields: { answers } }));
  return mergeAnswers(sides, undefined) as unknown as Record<string, Answer>;
}

/** A question may be called like something that every object has. */
export function answerOf(answers: Readonly<Record<string, Answer>>, questionId: string): Answer | undefined {
  return Object.hasOwn(answers, questionId) ? answers[questionId] : undefined;
}

/** The result of a sitting as its answers stand. */
export function resultOf(
  { session, sheet, paper }: Sitting,
  { centerId, nodeId, key }: Signer,
  { by, now, logHead }: { by: SubmittedBy; now: Date; logHead: LogHead },
): ExamResult {
  const { sessionId, enrollmentId, testId, registrationNumber, startedAt } = session;
  const fields = {
    type: 'result' as const,
    centerId,
    sessionId,
    enrollmentId,
    testId,
    registrationNumber,
    nodeId,
    ...scoreSheet(paper.questions, sheet.answers, paper.test.passingScorePercent),
    answersHash: hashAnswers(sheet.answers),
    startedAt,
    submittedAt: now.toISOString(),
    submittedBy: by,
    logHead,
  };
  return { _id: formatId(centerPartition(centerId), 'result', enrollmentId), ...signDocument(fields, key) };
}

/** The session that a result has ended. */
export function submittedSession(session: ExamSession, result: ExamResult): ExamSession {
  const { nodeId, keyId, submittedAt, submittedBy } = result;
  return { ...session, nodeId, keyId, status: 'submitted', submittedAt, submittedBy };
}
