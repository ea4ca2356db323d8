import { SyncError } from '../../replication/errors.ts';
import { NODE_REPORT_PREFIX, type NodeReport } from '../../replication/node-report.ts';
import type { Line } from '../line.ts';
import type { Mode } from './machine.ts';
import type { RoundParts } from './round.ts';

/** Tells the server how far this node is. */
export async function report(parts: RoundParts, mode: Mode, signal: AbortSignal): Promise<void> {
  const { line, replica, digests, differences, unpushed, marks, instanceId } = parts;
  await digests.catchUp(replica.db);
  const totals = [...digests.totals()].filter(([, { documents }]) => documents > 0);
  const body: NodeReport = {
    instanceId,
    since: marks.since ?? '0',
    mode,
    pendingPush: unpushed.size,
    documents: totals.reduce((sum, [, { documents }]) => sum + documents, 0),
    digests: Object.fromEntries(totals.map(([partition, { digest }]) => [partition, digest])),
    differences: differences.list(),
    lastPullAt: marks.lastPullAt,
    lastPushAt: marks.lastPushAt,
    reportedAt: new Date().toISOString(),
  };
  marks.reportRev = await putReport(
    line,
    `/${NODE_REPORT_PREFIX}${instanceId}`,
    body,
    marks.reportRev,
    signal,
  );
}

/** @returns the revision stored. */
async function putReport(
  line: Line,
  path: string,
  body: NodeReport,
  known: string | null,
  signal: AbortSignal,
): Promise<string> {
  const put = async (rev: string | null): Promise<string> => {
    const doc = rev === null ? body : { ...body, _rev: rev };
    return (await line.request<{ rev: string }>('PUT', path, doc, signal)).rev;
  };
  try {
    return await put(known);
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== 'conflict') throw error;
    return put((await line.request<{ _rev: string }>('GET', path, undefined, signal))._rev);
  }
}
