import { type LogEntry, logId } from '../replication/log-chain.ts';
import type { NodeParts } from './node.ts';

/** The newest entries of this node's log, or those before number `before`; the newest first. */
export async function readLog(
  { replica, logbook, centerId, instanceId }: NodeParts,
  { limit, before = Number.MAX_SAFE_INTEGER }: { limit: number; before?: number | undefined },
): Promise<LogEntry[]> {
  const last = Math.min(logbook.head.n, before - 1);
  const count = Math.max(0, Math.min(limit, last));
  const keys = Array.from({ length: count }, (_, index) => logId(centerId, instanceId, last - index));
  const { rows } = await replica.db.allDocs({ keys, include_docs: true });
  return rows.flatMap((row) => ('doc' in row && row.doc ? [row.doc as unknown as LogEntry] : []));
}
