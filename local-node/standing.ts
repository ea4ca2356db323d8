import type { ResultRevision } from './results.ts';
import type { RoundParts } from './sync/round.ts';

/** A result of which the hub has not confirmed that it has it. */
export interface MissingResult {
  enrollmentId: string;
  resultRev: string;
  reason: string;
}

/** How many results there are, how many the hub has confirmed, and which it has not. */
export interface ResultsStanding {
  total: number;
  confirmed: number;
  missingCount: number;
  /** The first ones. */
  missing: MissingResult[];
}

const MISSING_LISTED = 100;

export function readResults(parts: RoundParts): ResultsStanding {
  const missing: MissingResult[] = [];
  const unconfirmed = new Set<string>();
  for (const result of parts.results.revisions()) {
    const reason = reasonMissing(parts, result);
    if (reason === undefined) continue;
    const { enrollmentId, rev } = result;
    unconfirmed.add(enrollmentId);
    if (missing.length < MISSING_LISTED) missing.push({ enrollmentId, resultRev: rev, reason });
  }
  const { total } = parts.results;
  return { total, confirmed: total - unconfirmed.size, missingCount: unconfirmed.size, missing };
}

/** The enrollments with a result that the hub has not confirmed. */
export function unconfirmedResults(parts: RoundParts): Set<string> {
  const missing = [...parts.results.revisions()].filter(
    (result) => reasonMissing(parts, result) !== undefined,
  );
  return new Set(missing.map(({ enrollmentId }) => enrollmentId));
}

/** Confirmed is what the server has signed for, as long as nothing says that it has lost it since. */
export function reasonMissing(parts: RoundParts, result: ResultRevision): string | undefined {
  const { results, differences, unpushed, quarantine, registration } = parts;
  const refusal = quarantine.refusal(result.id, result.rev);
  if (refusal?.state === 'waiting') return `refused, an administrator decides: ${refusal.reason}`;
  if (refusal?.state === 'returned') return `returned: ${refusal.note || refusal.reason}`;
  if (differences.has(result.id)) return 'the hub does not have it as it is here';
  if (results.hasReceipt(result)) {
    return differences.has(result.receiptId) ? 'the hub has not confirmed it again' : undefined;
  }
  if (unpushed.has(result.id)) return 'not sent yet';
  if (!registration.isDone) return 'this node is not registered with the server yet';
  return 'sent, but not confirmed yet';
}

export function countSessions({ results }: Pick<RoundParts, 'results'>): {
  running: number;
  submitted: number;
} {
  const counts = { running: 0, submitted: 0 };
  for (const { isRunning, isSubmitted } of results.sessions()) {
    if (isRunning) counts.running += 1;
    if (isSubmitted) counts.submitted += 1;
  }
  return counts;
}
