import type { NodeParts } from '../node.ts';
import { countSessions, readResults } from '../standing.ts';
import { steadyNow } from '../sync/steady-time.ts';
import { obstaclesToWiping, wipeReason } from '../wiping.ts';
import type { StatusAnswer } from './schemas.ts';

/** Where the node stands, with all that was written before the call. @throws SyncError not_ready during a repair. */
export async function readFreshStatus(parts: NodeParts): Promise<StatusAnswer> {
  const { update_seq } = await parts.replica.db.info();
  await parts.unpushed.noted(Number(update_seq));
  await parts.results.settled();
  return readStatus(parts);
}

/** Where the node stands; reads memory only. */
export function readStatus(parts: NodeParts): StatusAnswer {
  const { identity, instanceId, sync, digests } = parts;
  const { state, marks, counts } = sync;
  const { mode, everyMinutes, phase, failures, lastError, nextAttemptAt } = state;
  const timeOf = (steadyMs: number) =>
    new Date(parts.exam.clock.now().getTime() + steadyMs - steadyNow()).toISOString();
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
    nextAttemptAt: nextAttemptAt === undefined ? null : timeOf(nextAttemptAt),
    lastError: lastError ? { ...lastError, at: timeOf(lastError.at) } : null,
    progress: { pushed: counts.pushed, pulled: counts.pulled, total: counts.total ?? null },
    packageImport: parts.imports.underWay.standing,
    quarantined: parts.quarantine.size,
    quarantine: parts.quarantine.counts,
    verification: {
      at: marks.comparedAt,
      equal: parts.differences.size > 0 ? false : marks.equal,
      differences: parts.differences.list(),
    },
    hasPin: parts.operator.hasPin,
    ...examStanding(parts),
  };
}

/** What an exam day has left, and whether all of it is safe. */
function examStanding(
  parts: NodeParts,
): Pick<StatusAnswer, 'sessions' | 'results' | 'wipe' | 'registered' | 'logHead' | 'former'> {
  const obstacles = obstaclesToWiping(parts);
  return {
    sessions: countSessions(parts),
    results: readResults(parts),
    wipe: { allowed: obstacles.length === 0, reasons: obstacles.map(wipeReason), obstacles },
    registered: parts.registration.isDone,
    logHead: parts.logbook.head,
    former: [...parts.copies.former],
  };
}

function pendingPull({ state, counts }: NodeParts['sync'], isUp: boolean): number | null {
  if (state.phase === 'pull')
    return counts.total === undefined ? null : Math.max(counts.total - counts.pulled, 0);
  // Between rounds all is here as of the last pull, unless the server has just told of a change.
  return isUp && !state.wanted.pull ? 0 : null;
}
