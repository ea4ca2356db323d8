import { sidesOf } from '../../../replication/conflicts/decide.ts';
import type { Leaf } from '../../../replication/conflicts/leaves.ts';
import { documentOf, putBack, type RevisionWrite } from '../../../replication/conflicts/resolution.ts';
import { SyncError } from '../../../replication/errors.ts';
import type { Act, AuditEntry, AuditLog } from '../audit.ts';
import { type Decider, RESOLVED, type ResolutionDetails, UNDONE } from './carry-out.ts';
import { type ReadConflict, shown } from './read.ts';

/** The audit entry of a resolution that was carried out. @throws SyncError not_found, bad_request. */
export async function resolutionEntry(
  audit: AuditLog,
  n: number,
): Promise<AuditEntry & { documentId: string; details: ResolutionDetails }> {
  const entry = await audit.get(n);
  if (!entry) throw new SyncError('not_found', `there is no audit entry ${n}`);
  const { documentId, action, outcome } = entry;
  if (action !== RESOLVED || outcome !== 'done' || documentId === undefined) {
    throw new SyncError('bad_request', `audit entry ${n} is not the resolution of a conflict`);
  }
  return { ...entry, documentId, details: entry.details as ResolutionDetails };
}

/**
 * What brings the sides of a resolved conflict back: each over what the resolution wrote over it. Where that has been
 * written on since, the later work stands beside the sides that come back.
 * @throws SyncError conflict when nothing of the resolution is a leaf any more: undone already, or decided anew.
 */
export function undoing(
  { n, details }: AuditEntry & { details: ResolutionDetails },
  { conflict }: ReadConflict,
): RevisionWrite[] {
  const leaves: Leaf[] = [...conflict.live, ...conflict.deletions, ...conflict.merged];
  const writes = putBack(
    details.before.map(({ rev, document }) => {
      const written = details.writes.find(({ over }) => over === rev)?.rev;
      return { rev, doc: document, over: leaves.find((leaf) => leaf.rev === written) };
    }),
  );
  if (conflict.live.length === 0 && !details.after.document._deleted) {
    throw new SyncError('conflict', 'the document was deleted since');
  }
  if (writes.length > 0) return writes;
  throw new SyncError(
    'conflict',
    `what audit entry ${n} wrote is no longer there: it was undone or decided anew`,
  );
}

/** What an undoing says of itself in the audit log. */
export function undoneAct(
  { n, documentId, centerId }: AuditEntry & { documentId: string },
  { conflict }: ReadConflict,
  { writes, by: { note, ...by } }: { writes: readonly RevisionWrite[]; by: Decider },
): Act {
  const details = {
    reason: undoneReason(n),
    ...(note !== undefined && { note }),
    undone: n,
    before: sidesOf(conflict).map(({ rev, doc }) => ({ rev, document: shown(doc) })),
    after: writes.map((write) => ({ rev: write.rev, document: shown(documentOf(documentId, write)) })),
    writes: writes.map(({ over, rev }) => ({ over, rev })),
  };
  return { action: UNDONE, ...by, centerId, documentId, details };
}

export function undoneReason(n: number): string {
  return `the resolution of audit entry ${n} was undone`;
}
