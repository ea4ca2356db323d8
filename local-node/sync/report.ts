import { SyncError } from '../../replication/errors.ts';
import { EMPTY_LOG } from '../../replication/log-chain.ts';
import { NODE_REPORT_PREFIX, type NodeReport } from '../../replication/node-report.ts';
import { countSessions, readResults } from '../standing.ts';
import type { Mode } from './machine.ts';
import type { RoundParts } from './round.ts';

/** Tells the server how far this node is. */
export async function report(parts: RoundParts, mode: Mode, signal: AbortSignal): Promise<void> {
  const { replica, digests, differences, unpushed, marks, instanceId } = parts;
  await Promise.all([digests.catchUp(replica.db), parts.results.settled()]);
  const totals = [...digests.totals()].filter(([, { documents }]) => documents > 0);
  const { total, confirmed } = readResults(parts);
  const body: NodeReport = {
    instanceId,
    since: marks.since ?? '0',
    mode,
    pendingPush: unpushed.size,
    documents: totals.reduce((sum, [, { documents }]) => sum + documents, 0),
    digests: Object.fromEntries(totals.map(([partition, { digest }]) => [partition, digest])),
    differences: differences.list(),
    log: parts.logbook.head,
    publicKey: parts.publicKey(),
    sessions: countSessions(parts),
    results: { total, confirmed },
    lastPullAt: marks.lastPullAt,
    lastPushAt: marks.lastPushAt,
    reportedAt: new Date().toISOString(),
  };
  try {
    await put(parts, body, signal);
  } catch (error) {
    if (!isCode(error, 'conflict')) throw error;
    await meetOther(parts, mode, signal);
  }
}

async function put(
  { line, marks, instanceId }: RoundParts,
  body: NodeReport,
  signal: AbortSignal,
): Promise<void> {
  const doc = marks.reportRev === null ? body : { ...body, _rev: marks.reportRev };
  const { rev } = await line.request<{ rev: string }>('PUT', pathOf(instanceId), doc, signal);
  marks.reportRev = rev;
}

/** Another revision is there: of before the state was lost, of an older server, or of a copy of this node. */
async function meetOther(parts: RoundParts, mode: Mode, signal: AbortSignal): Promise<void> {
  const seen = await readReport(parts, signal);
  parts.marks.reportRev = seen?._rev ?? null;
  await parts.copies.compare(seen?.log ?? EMPTY_LOG);
  await report(parts, mode, signal);
}

/** This node's report as the server has it, `undefined` when it has none. */
export async function readReport(
  { line, instanceId }: RoundParts,
  signal: AbortSignal,
): Promise<(NodeReport & { _rev: string }) | undefined> {
  return line
    .request<NodeReport & { _rev: string }>('GET', pathOf(instanceId), undefined, signal)
    .catch((error: unknown) => {
      if (isCode(error, 'not_found')) return undefined;
      throw error;
    });
}

function pathOf(instanceId: string): string {
  return `/${NODE_REPORT_PREFIX}${instanceId}`;
}

function isCode(error: unknown, code: SyncError['code']): boolean {
  return error instanceof SyncError && error.code === code;
}
