import { z } from 'zod';
import { type Answer, answerMap } from './answer-sheet.ts';
import { idPart, timestamp } from './fields.ts';
import type { LogHead } from './log-chain.ts';
import type { Score } from './scoring.ts';
import type { Signed } from './signing.ts';

/**
 * What happened at a center. The schemas require only what every reader relies on, since other programs may write
 * these types too; the interfaces are what the exam API writes. All of one candidate's documents have the key of the
 * enrollment: `center-<centerId>:session:<enrollmentId>`, and likewise answers and result.
 */

export const sessionSchema = z.looseObject({
  type: z.literal('session'),
  enrollmentId: idPart.optional(),
  testId: idPart.optional(),
  status: z.string().optional(),
  startedAt: timestamp.optional(),
  submittedAt: timestamp.optional(),
});

export const answersSchema = z.looseObject({
  type: z.literal('answers'),
  enrollmentId: idPart.optional(),
  testId: idPart.optional(),
  answers: answerMap,
});

export const resultSchema = z.looseObject({
  type: z.literal('result'),
  enrollmentId: idPart.optional(),
  testId: idPart.optional(),
  score: z.number(),
  submittedAt: timestamp.optional(),
});

export const logSchema = z.looseObject({
  type: z.literal('log'),
  at: timestamp.optional(),
  event: z.string().optional(),
});

/** Written online and replicated down; see receipt.ts. */
export const receiptSchema = z.looseObject({
  type: z.literal('receipt'),
  resultId: z.string(),
  resultRev: z.string(),
  keyId: z.string(),
  signature: z.string(),
});

/** What a candidate's three documents have in common. */
interface OfCandidate {
  _id: string;
  _rev?: string;
  /** Unguessable, made from enrollment and access code: the same on every node of the center. */
  sessionId: string;
  enrollmentId: string;
  testId: string;
  /** The instance id of the node that wrote it last. */
  nodeId: string;
  /** The key of the node that wrote it last; a result is signed with it. */
  keyId: string;
}

/** Who ended a session. */
export type SubmittedBy = 'candidate' | 'time' | 'operator';

/** One candidate's sitting of one test. */
export interface ExamSession extends OfCandidate {
  type: 'session';
  registrationNumber: string;
  status: 'running' | 'submitted';
  startedAt: string;
  durationMinutes: number;
  /** Given by the operator, in all. */
  extraMinutes: number;
  submittedAt?: string;
  submittedBy?: SubmittedBy;
}

/** The whole answer sheet of a session. */
export interface AnswerSheet extends OfCandidate {
  type: 'answers';
  answers: Record<string, Answer>;
  /** Working time used when it was last saved; on another node the session goes on from here. */
  elapsedMs: number;
}

/** Written once, at submission, and signed with the node's key. */
export interface ExamResult extends OfCandidate, Score, Signed {
  type: 'result';
  registrationNumber: string;
  centerId: string;
  /** SHA-256 over the canonical JSON of the sheet's answers. */
  answersHash: string;
  startedAt: string;
  submittedAt: string;
  submittedBy: SubmittedBy;
  /** Where the node's log stood: entries cut off behind it show. */
  logHead: LogHead;
}
