import type { NodeParts } from '../node.ts';
import type { StatusAnswer } from './schemas.ts';

/** Where the node stands, with all that was written before the call. @throws SyncError not_ready during a repair. */
export async function readFreshStatus(parts: NodeParts): Promise<StatusAnswer> {
  const { update_seq } = await parts.replica.db.info();
  await parts.unpushed.noted(Number(update_seq));
  return readStatus(parts);
}

/** Where the node stands; reads memory only. */
export function readStatus({ identity, instanceId, sync, digests, ...parts }: NodeParts): StatusAnswer {
  const { state, marks, counts } = sync;
  const { mode, everyMinutes, phase, failures, lastError, nextAttemptAt } = state;
  const isUp = failures === 0 && state.lastRoundAt !== undefined;
  return {
    centerId: identity.centerId,
    server: identity.server,
    instanceId,
    mode,
    everyMinutes,
    phase,
    line: failures > 0 ? 'down' : isUp ? 'up' : 'unknown',
    documents: [...digests.totals().values()].reduce((sum, { documents }) => sum + documents, 0),
    pendingPush: parts.unpushed.size,
    pendingPull: pendingPull(sync, isUp),
    lastPullAt: marks.lastPullAt,
    lastPushAt: marks.lastPushAt,
    nextAttemptAt: nextAttemptAt === undefined ? null : new Date(nextAttemptAt).toISOString(),
    lastError: lastError ? { reason: lastError.reason, at: new Date(lastError.at).toISOString() } : null,
    progress: { pushed: counts.pushed, pulled: counts.pulled, total: counts.total ?? null },
    quarantined: parts.quarantine.size,
    verification: {
      at: marks.comparedAt,
      equal: parts.differences.size > 0 ? false : marks.equal,
      differences: parts.differences.list(),
    },
  };
}

function pendingPull({ state, counts }: NodeParts['sync'], isUp: boolean): number | null {
  if (state.phase === 'pull')
    return counts.total === undefined ? null : Math.max(counts.total - counts.pulled, 0);
  // Between rounds all is here as of the last pull, unless the server has just told of a change.
  return isUp && !state.wanted.pull ? 0 : null;
}
