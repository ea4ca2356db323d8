import { addDigest, formatDigest, subtractDigest } from '../../replication/digest.ts';
import { centerOfPartition, type DocumentId } from '../../replication/ids.ts';
import type { ChangedDocument } from './changed-documents.ts';
import {
  type Assignment,
  type Entry,
  keys,
  type LeafState,
  type Level,
  type LogRow,
  type Operation,
  type PartitionTotals,
  readMany,
} from './partition-log.ts';
import { assignmentOf, type FeedState, setAssignment, totalsOf } from './state.ts';

/** What has come into the index. */
export interface Applied {
  partitions: Set<string>;
  documents: DocumentId[];
}

/**
 * Puts changed documents into the index and moves the hub's sequence on, all in one synced batch: positions that a
 * client has seen must never be given out a second time, not even after a power cut.
 */
export async function applyChanged(
  level: Level,
  state: FeedState,
  changed: readonly ChangedDocument[],
  hubSeq: string | number,
): Promise<Applied> {
  const olds = await readMany<Entry>(
    level,
    changed.map(({ id }) => keys.doc(id)),
  );
  const batch: Operation[] = [];
  const totals = new Map<string, RunningTotals>();
  const assignments: [string, string, Assignment][] = [];
  const documents: DocumentId[] = [];
  let position = state.meta.position;
  for (const [index, document] of changed.entries()) {
    const old = olds[index];
    if (old && sameLeaves(old.leaves, document.leaves)) continue;
    position += 1;
    const { partition } = document.parts;
    const running = totals.get(partition) ?? startTotals(totalsOf(state, partition));
    totals.set(partition, running);
    putDocument(batch, document, old, position);
    documents.push(document.parts);
    count(running, old, document, position);
    const centerId = document.parts.type === 'assignment' ? centerOfPartition(partition) : undefined;
    if (centerId !== undefined) {
      const known = assignmentOf(state, centerId, document.parts.key);
      const next = nextAssignment(document, known, position);
      if (next !== known) assignments.push([centerId, document.parts.key, next]);
    }
  }
  const meta = { ...state.meta, position, hubSeq };
  const finished = [...totals].map(([partition, running]) => [partition, endTotals(running)] as const);
  for (const [partition, value] of finished) put(batch, keys.totals(partition), value);
  for (const [centerId, testId, value] of assignments) put(batch, keys.assignment(centerId, testId), value);
  put(batch, keys.meta, meta);
  await level.batch(batch, { sync: true });
  state.meta = meta;
  for (const [partition, value] of finished) state.totals.set(partition, value);
  for (const [centerId, testId, value] of assignments) setAssignment(state, centerId, testId, value);
  return { partitions: new Set(totals.keys()), documents };
}

function putDocument(
  batch: Operation[],
  { id, parts, leaves, digest, body }: ChangedDocument,
  old: Entry | undefined,
  at: number,
): void {
  const first = old?.first ?? firstSeen(leaves, at);
  const entry: Entry = digest === undefined ? { at, first, leaves } : { at, first, leaves, digest };
  const row: LogRow = { id, first, leaves };
  if (old) batch.push({ type: 'del', key: keys.row(parts.partition, old.at) });
  put(batch, keys.row(parts.partition, at), row);
  put(batch, keys.doc(id), entry);
  if (body) batch.push({ type: 'put', key: keys.body(id), value: `${body.history}\n${body.body}` });
  else if (old) batch.push({ type: 'del', key: keys.body(id) });
}

/** A document that the index meets at a later generation may be as old as anything: so it is after a rebuild. */
function firstSeen(leaves: LeafState[], at: number): number {
  return leaves.every(({ rev }) => rev.startsWith('1-')) ? at : 0;
}

function put(batch: Operation[], key: string, value: object): void {
  batch.push({ type: 'put', key, value: JSON.stringify(value) });
}

function sameLeaves(a: LeafState[], b: LeafState[]): boolean {
  return a.length === b.length && a.every((leaf, index) => leaf.rev === b[index]?.rev);
}

/**
 * What an assignment document's change means for the center's scope. Only a change of status moves `since`: an edit of
 * another field must not make a center receive the whole test again.
 */
function nextAssignment(
  document: Pick<ChangedDocument, 'winner'>,
  known: Assignment | undefined,
  position: number,
): Assignment {
  const { winner } = document;
  const status = !winner._deleted && winner.status === 'assigned' ? 'assigned' : 'withdrawn';
  if (known?.status === status) return known;
  const wasWithdrawn = known?.status === 'withdrawn' || winner.withdrawnAt !== undefined;
  return { status, since: position, again: status === 'assigned' && wasWithdrawn };
}

interface RunningTotals extends Omit<PartitionTotals, 'digest'> {
  sum: bigint;
}

function startTotals({ digest, ...rest }: PartitionTotals): RunningTotals {
  return { ...rest, sum: BigInt(`0x${digest}`) };
}

function endTotals({ sum, ...rest }: RunningTotals): PartitionTotals {
  return { ...rest, digest: formatDigest(sum) };
}

function count(
  running: RunningTotals,
  old: Entry | undefined,
  changed: ChangedDocument,
  position: number,
): void {
  if (old) tally(running, old.leaves, -1);
  tally(running, changed.leaves, 1);
  if (old?.digest) running.sum = subtractDigest(running.sum, old.digest);
  if (changed.digest) running.sum = addDigest(running.sum, changed.digest);
  running.last = position;
}

function tally(running: RunningTotals, leaves: LeafState[], by: 1 | -1): void {
  if (leaves[0]?.deleted) running.deleted += by;
  else running.documents += by;
  if (leaves.filter((leaf) => !leaf.deleted).length > 1) running.conflicts += by;
}
