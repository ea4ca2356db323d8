import { NODE_REPORT_PREFIX, type NodeReport, nodeReportSchema } from '../../replication/node-report.ts';
import type { ServerParts } from '../parts.ts';

/** How far a center's clients have come, as read from what they leave in the center's `_local` name space. */
export interface SyncProgress {
  /** The center feed's sequence that the newest pull has reached; `undefined` when there was none. */
  since: string | undefined;
  lastPullAt: string | null;
  lastPushAt: string | null;
  /** The newest report of our own node; `undefined` for a stock client. */
  report: NodeReport | undefined;
}

/** A `_local` document as the feed keeps it. */
export interface LocalDocument {
  _id: string;
  /** When the server stored it. */
  stored_at?: string;
  [field: string]: unknown;
}

interface Checkpoint {
  seq: unknown;
  at: string;
}

/** Reads a center's checkpoints and reports. A checkpoint whose sequence is the feed's is a pull, another a push. */
export async function readSyncProgress(
  { store, feed }: Pick<ServerParts, 'store' | 'feed'>,
  centerId: string,
): Promise<SyncProgress> {
  const pulls: Checkpoint[] = [];
  const pushes: Checkpoint[] = [];
  const reports: NodeReport[] = [];
  for await (const [, doc] of store.space<LocalDocument>('local').entries(`${centerId}/`)) {
    if (doc._id.startsWith(NODE_REPORT_PREFIX)) {
      const report = nodeReportSchema.safeParse(doc);
      if (report.success) reports.push(report.data);
      continue;
    }
    const checkpoint = checkpointOf(doc);
    if (checkpoint) (feed.isSequence(checkpoint.seq) ? pulls : pushes).push(checkpoint);
  }
  const report = newest(reports, (entry) => entry.reportedAt);
  const pull = newest(pulls, (entry) => entry.at);
  const push = newest(pushes, (entry) => entry.at);
  const lastPullAt = latest(pull?.at, report?.lastPullAt);
  const reportIsNewer = report?.lastPullAt != null && report.lastPullAt === lastPullAt;
  return {
    since: reportIsNewer ? report.since : ((pull?.seq as string | undefined) ?? report?.since),
    lastPullAt,
    lastPushAt: latest(push?.at, report?.lastPushAt),
    report,
  };
}

/** PouchDB writes `last_seq`, CouchDB `source_last_seq`; both at the top of the document. */
function checkpointOf(doc: LocalDocument): Checkpoint | undefined {
  const seq = doc.last_seq ?? doc.source_last_seq;
  return seq === undefined ? undefined : { seq, at: doc.stored_at ?? '' };
}

function newest<Entry>(entries: Entry[], timeOf: (entry: Entry) => string): Entry | undefined {
  let found: Entry | undefined;
  for (const entry of entries) if (!found || timeOf(entry) >= timeOf(found)) found = entry;
  return found;
}

/** The later of two ISO 8601 UTC times. */
function latest(a: string | undefined, b: string | null | undefined): string | null {
  const times = [a, b].filter((time): time is string => Boolean(time));
  return times.sort().at(-1) ?? null;
}

/** The newest report of each of a center's nodes. */
export async function readReports(store: ServerParts['store'], centerId: string): Promise<NodeReport[]> {
  const reports: NodeReport[] = [];
  const documents = store.space<LocalDocument>('local').entries(`${centerId}/${NODE_REPORT_PREFIX}`);
  for await (const [, doc] of documents) {
    const report = nodeReportSchema.safeParse(doc);
    if (report.success) reports.push(report.data);
  }
  return reports;
}
