import { createHmac } from 'node:crypto';
import { SyncError } from '../../replication/errors.ts';
import type { EnrollmentDocument } from './candidates.ts';
import type { Paper } from './paper.ts';

/**
 * A session's id: whoever has it may work in the session. It cannot be guessed without the access code, and is the
 * same on every node of the center.
 */
export function sessionIdOf({ enrollmentId, accessCode }: EnrollmentDocument): string {
  return createHmac('sha256', accessCode).update(enrollmentId).digest('base64url').slice(0, 32);
}

/** Why a candidate may not begin now, in words for the candidate; `undefined` when admitted. */
export function refusalToBegin(
  enrollment: EnrollmentDocument,
  paper: Paper | undefined,
  isAssigned: boolean,
  now: Date,
): SyncError | undefined {
  if (enrollment.paymentStatus !== 'completed') {
    return new SyncError('payment_due', 'the payment for this enrollment is not completed');
  }
  if (enrollment.enrollmentStatus !== 'enrolled') {
    return new SyncError('forbidden', `this enrollment is ${enrollment.enrollmentStatus}, not enrolled`);
  }
  if (!isAssigned) return new SyncError('forbidden', `test ${enrollment.testId} is not held at this center`);
  if (!paper)
    return new SyncError('not_ready', `test ${enrollment.testId} has not arrived at this center yet`);
  const { title, questionCount, startsAt, endsAt } = paper.test;
  if (paper.questions.length < questionCount) {
    const reason = `only ${paper.questions.length} of ${questionCount} questions of ${title} have arrived at this center`;
    return new SyncError('not_ready', reason);
  }
  if (now.getTime() < Date.parse(startsAt)) {
    return new SyncError('outside_window', `${title} begins at ${startsAt}; it is ${now.toISOString()}`);
  }
  if (now.getTime() >= Date.parse(endsAt)) {
    return new SyncError('outside_window', `${title} ended at ${endsAt}; it is ${now.toISOString()}`);
  }
  return undefined;
}
