import { centerPartition, parseId } from '../../replication/ids.ts';
import { NODE_REPORT_PREFIX, nodeReportSchema } from '../../replication/node-report.ts';
import type { LocalDocument } from '../control/sync-progress.ts';
import type { ServerParts } from '../parts.ts';
import { placeInChain } from './chains.ts';
import type { NodeRecord } from './node-records.ts';
import type { NodeAnswer, NodesAnswer } from './schemas.ts';

/** Gaps of a log that are listed. */
const GAPS_LISTED = 20;

/** The numbers of the log entries that the hub has of each node, ascending, and how many are of no chain. */
interface LogNumbers {
  byNode: Map<string, number[]>;
  unchained: number;
}

/** A center's nodes, with what is known of each and of its log. */
export async function readNodes(parts: ServerParts, centerId: string): Promise<NodesAnswer> {
  const { exam, feed } = parts;
  await feed.fresh();
  const numbers = await readLogNumbers(parts, centerId);
  const results = await countResults(parts, centerId);
  const known = exam.records.list(centerId);
  const chained = exam.chains
    .list(centerId)
    .filter(({ instanceId }) => !exam.records.get(centerId, instanceId));
  const records: NodeRecord[] = [
    ...known,
    ...chained.map(({ instanceId }) => ({ centerId, instanceId, suspicions: [] })),
  ];
  const nodes = await Promise.all(
    records.map((record) =>
      nodeAnswer(parts, record, numbers.byNode.get(record.instanceId) ?? [], results.get(record.instanceId)),
    ),
  );
  return { centerId, serverKey: exam.key, nodes, unchainedLogEntries: numbers.unchained };
}

async function nodeAnswer(
  { exam, store }: ServerParts,
  record: NodeRecord,
  numbers: number[],
  results: { stored: number; flagged: number } | undefined,
): Promise<NodeAnswer> {
  const { centerId, instanceId, keyId, suspicions, replacedAt, seen } = record;
  const key = keyId === undefined ? undefined : exam.records.key(keyId);
  const locals = store.space<LocalDocument>('local');
  const stored = await locals.get(`${centerId}/${NODE_REPORT_PREFIX}${instanceId}`);
  const report = nodeReportSchema.safeParse(stored).data;
  return {
    instanceId,
    standing: standingOf(record),
    suspicions,
    replacedAt: replacedAt ?? null,
    formerly: record.formerly ?? null,
    keyId: keyId ?? null,
    publicKey: key?.publicKey ?? null,
    registeredAt: record.registeredAt ?? null,
    lastReportAt: record.lastReportAt ?? null,
    log: logAnswer(exam.chains.get(centerId, instanceId), numbers, seen),
    sessions: report?.sessions ?? null,
    results: {
      stored: results?.stored ?? 0,
      flagged: results?.flagged ?? 0,
      atNode: report?.results?.total ?? null,
      confirmed: report?.results?.confirmed ?? null,
    },
  };
}

function standingOf({ replacedAt, suspicions }: NodeRecord): NodeAnswer['standing'] {
  if (replacedAt !== undefined) return 'replaced';
  return suspicions.length > 0 ? 'rolled back or cloned' : 'known';
}

function logAnswer(
  chain: ReturnType<ServerParts['exam']['chains']['get']>,
  numbers: number[],
  seen: NodeRecord['seen'],
): NodeAnswer['log'] {
  const verified = chain?.verified.n ?? 0;
  const last = numbers.at(-1) ?? 0;
  const furthest = Math.max(last, seen?.n ?? 0);
  const awaited = gapsIn(numbers, furthest);
  const broken = chain?.break && { n: chain.break.n, reason: chain.break.reason };
  // A later entry shows that it is missing, and not only on its way.
  const isMissing = chain !== undefined && last > verified && !numbers.includes(verified + 1);
  const missing = isMissing ? { n: verified + 1, reason: `waits for entry ${verified + 1}` } : undefined;
  return {
    entries: numbers.length,
    n: last,
    verified,
    seen: furthest,
    break: broken ?? missing ?? null,
    awaited: awaited.slice(0, GAPS_LISTED),
  };
}

/** The numbers from 1 to `last` that are not among the ascending ones, as ranges: `4..8`. */
function gapsIn(numbers: readonly number[], last: number): string[] {
  const gaps: string[] = [];
  let next = 1;
  for (const n of [...numbers, last + 1]) {
    if (n > next) gaps.push(`${next}..${n - 1}`);
    next = n + 1;
  }
  return gaps;
}

async function readLogNumbers({ feed, exam }: ServerParts, centerId: string): Promise<LogNumbers> {
  const partition = centerPartition(centerId);
  const byNode = new Map<string, number[]>();
  let unchained = 0;
  const range = { from: `${partition}:log:`, to: `${partition}:log:~` };
  for await (const entries of feed.partitionEntries(partition, range)) {
    for (const [id, { leaves }] of entries) {
      if (leaves[0]?.deleted) continue;
      const place = placeInChain(parseId(id)?.key ?? '');
      if (!place || !exam.chains.get(centerId, place.instanceId)) {
        unchained += 1;
        continue;
      }
      const numbers = byNode.get(place.instanceId) ?? [];
      byNode.set(place.instanceId, numbers);
      numbers.push(place.n);
    }
  }
  return { byNode, unchained };
}

async function countResults({ exam }: ServerParts, centerId: string) {
  const counts = new Map<string, { stored: number; flagged: number }>();
  for await (const [, { nodeId, state }] of exam.verdicts.list({ centerId })) {
    if (nodeId === undefined || state === 'superseded') continue;
    const count = counts.get(nodeId) ?? { stored: 0, flagged: 0 };
    counts.set(nodeId, count);
    count.stored += 1;
    if (state === 'flagged') count.flagged += 1;
  }
  return counts;
}
