import type { StoredDocument } from '../../replication/documents.ts';
import { centerPartition, formatId } from '../../replication/ids.ts';
import { EMPTY_LOG } from '../../replication/log-chain.ts';
import { hashAnswers, scoreSheet } from '../../replication/scoring.ts';
import { keyIdOf, makeKey, publicKeyOf, signDocument } from '../../replication/signing.ts';
import { answersDocument, questionDocument } from './documents.ts';

/** What candidates of a test have left, as the exam API writes it. */
export interface SittingOptions {
  centerId: string;
  testId: string;
  questions?: number;
  /** The node's; one that no server knows when absent. */
  privateKey?: string;
  nodeId?: string;
}

const UNKNOWN_KEY = makeKey();
const STARTED_AT = '2026-12-07T08:00:00.000Z';
const SUBMITTED_AT = '2026-12-07T09:00:00.000Z';

/** Session, answer sheet and result of candidate `n`, who has submitted. */
export function finishedSitting(n: number, options: SittingOptions): StoredDocument[] {
  const { centerId, testId, questions = 10, privateKey = UNKNOWN_KEY } = options;
  const [session, sheet] = runningSitting(n, options) as [StoredDocument, StoredDocument];
  const ended = { submittedAt: SUBMITTED_AT, submittedBy: 'candidate' };
  const answers = sheet.answers as Parameters<typeof hashAnswers>[0];
  const paper = Array.from({ length: questions }, (_, index) => questionDocument(testId, index + 1));
  const { status: _status, durationMinutes: _minutes, extraMinutes: _extra, ...common } = session;
  const result = {
    ...common,
    _id: idOf(centerId, 'result', n),
    type: 'result',
    centerId,
    ...ended,
    ...scoreSheet(paper as never, answers, 50),
    answersHash: hashAnswers(answers),
    logHead: EMPTY_LOG,
  };
  return [{ ...session, ...ended, status: 'submitted' }, sheet, { ...signDocument(result, privateKey) }];
}

/** Session and answer sheet of candidate `n`, who is still at work. */
export function runningSitting(n: number, options: SittingOptions): StoredDocument[] {
  const { centerId, testId, questions = 10, privateKey = UNKNOWN_KEY, nodeId = 'another-node' } = options;
  const sheet = answersDocument(centerId, testId, n, questions);
  const common = {
    sessionId: `session-${n}`,
    enrollmentId: String(sheet.enrollmentId),
    testId,
    nodeId,
    keyId: keyIdOf(publicKeyOf(privateKey)),
  };
  const session = {
    _id: idOf(centerId, 'session', n),
    type: 'session',
    ...common,
    registrationNumber: `2026${String(n).padStart(6, '0')}`,
    startedAt: STARTED_AT,
    status: 'running',
    durationMinutes: 60,
    extraMinutes: 0,
  };
  return [session, { ...sheet, ...common, elapsedMs: 3_540_000 }];
}

function idOf(centerId: string, type: string, n: number): string {
  return formatId(centerPartition(centerId), type, `E${String(n).padStart(6, '0')}`);
}
