import { SyncError } from '../../replication/errors.ts';
import { compareSequences, ZERO } from '../../replication/sequence-order.ts';
import { readReports, readSyncProgress } from '../control/sync-progress.ts';
import type { ServerParts } from '../parts.ts';

/** What a package begins after: what all nodes of the center have confirmed, everything, or a sequence of the feed. */
export type Since = 'last' | 'zero' | (string & {});

/** @throws SyncError bad_request for what is no sequence of this feed. */
export async function sequenceFor(parts: ServerParts, centerId: string, since: Since): Promise<string> {
  if (since === 'zero') return ZERO;
  if (since === 'last') return lastConfirmed(parts, centerId);
  if (since !== ZERO && !parts.feed.isSequence(since)) {
    throw new SyncError('bad_request', `since is not a sequence of this feed: ${since.slice(0, 80)}`);
  }
  const { updateSeq } = parts.feed.info(centerId);
  if (compareSequences(since, updateSeq) === 1) {
    throw new SyncError(
      'bad_request',
      `since is after all there is for ${centerId}, which ends at ${updateSeq}`,
    );
  }
  return since;
}

/** What every node of the center has reached, by line or by file; `0` when one has reached nothing that is known. */
async function lastConfirmed(parts: ServerParts, centerId: string): Promise<string> {
  const { exam, packages, feed } = parts;
  const reports = await readReports(parts.store, centerId);
  const nodes = exam.records.list(centerId).filter(({ replacedAt }) => replacedAt === undefined);
  if (nodes.length === 0) return known((await readSyncProgress(parts, centerId)).since);
  const reached = nodes.map(({ instanceId }) => {
    const byLine = known(reports.find((report) => report.instanceId === instanceId)?.since);
    const byFile = known(packages.reachedBy(centerId, instanceId));
    return compareSequences(byLine, byFile) === -1 ? byFile : byLine;
  });
  return reached.reduce((least, one) => (compareSequences(one, least) === -1 ? one : least));

  function known(sequence: string | undefined): string {
    return feed.isSequence(sequence) ? (sequence as string) : ZERO;
  }
}
