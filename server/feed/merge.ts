import { COMMON_PARTITION, centerPartition, testPartition } from '../../replication/ids.ts';
import type { FeedRow } from './feed.ts';
import { keys, type Level, type LogRow, positionOfKey } from './partition-log.ts';
import { formatSequence, isAfter, type Place } from './sequence.ts';
import { type FeedState, totalsOf } from './state.ts';
import { withdrawalRevision } from './withdrawal.ts';

/**
 * A center's changes are a merge, by place, of the logs of the partitions it sees. Three kinds of log:
 *
 * - plain: each row stands at its own position.
 * - assigned: rows older than the assignment stand at the position of the assignment, in their old order.
 * - withdrawn: every document that was there at the withdrawal stands at its position, as a tombstone.
 */
type Source =
  | { kind: 'plain'; partition: string }
  | { kind: 'assigned' | 'withdrawn'; partition: string; since: number };

interface PlacedRow {
  place: Place;
  row: LogRow;
}

const READ_ROWS = 100;

/** Rows of a center after `since`, in batches, none of them newer than position `until`. */
export async function* mergeChanges(
  level: Level,
  state: FeedState,
  centerId: string,
  range: { since: Place; until: number; limit: number },
): AsyncGenerator<FeedRow[]> {
  const cursors: Cursor[] = [];
  try {
    for (const source of sourcesOf(state, centerId)) {
      const cursor = openCursor(level, state, source, range);
      if (!cursor) continue;
      cursors.push(cursor);
    }
    await Promise.all(cursors.map((cursor) => cursor.fill()));
    yield* inOrder(cursors, state.indexId, range.limit);
  } finally {
    await Promise.all(cursors.map((cursor) => cursor.close()));
  }
}

async function* inOrder(cursors: Cursor[], indexId: string, limit: number): AsyncGenerator<FeedRow[]> {
  let batch: FeedRow[] = [];
  for (let count = 0; count < limit; count += 1) {
    const cursor = earliest(cursors);
    if (!cursor) break;
    batch.push(feedRow(cursor.take(), cursor.withdrawn, indexId));
    if (cursor.isEmpty) await cursor.fill();
    if (batch.length === READ_ROWS) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** How many rows of a center follow `since`. */
export async function countChanges(
  level: Level,
  state: FeedState,
  centerId: string,
  range: { since: Place; until: number },
): Promise<number> {
  let rows = 0;
  for await (const batch of mergeChanges(level, state, centerId, { ...range, limit: Infinity })) {
    rows += batch.length;
  }
  return rows;
}

function sourcesOf(state: FeedState, centerId: string): Source[] {
  const sources: Source[] = [
    { kind: 'plain', partition: COMMON_PARTITION },
    { kind: 'plain', partition: centerPartition(centerId) },
  ];
  for (const [testId, { status, since }] of state.assignments.get(centerId) ?? []) {
    sources.push({ kind: status, partition: testPartition(testId), since });
  }
  return sources;
}

/** A source's rows from a place on, read ahead. */
interface Cursor {
  readonly withdrawn: boolean;
  readonly isEmpty: boolean;
  readonly head: PlacedRow | undefined;
  take(): PlacedRow;
  fill(): Promise<void>;
  close(): Promise<void>;
}

/** Where in a source's log reading starts, by position; `undefined` when no row of it can follow `since`. */
function startOf(state: FeedState, source: Source, { at, sub }: Place): number | undefined {
  const { last } = totalsOf(state, source.partition);
  const newer = last > at ? at : undefined;
  if (source.kind === 'plain') return newer;
  if (at < source.since) return 0;
  const inside = at === source.since && sub !== Number.POSITIVE_INFINITY;
  if (inside) return sub;
  return source.kind === 'assigned' ? newer : undefined;
}

function openCursor(
  level: Level,
  state: FeedState,
  source: Source,
  range: { since: Place; until: number },
): Cursor | undefined {
  const start = startOf(state, source, range.since);
  if (start === undefined) return undefined;
  const withdrawn = source.kind === 'withdrawn';
  // A tombstone is owed for a document however new its last edit is: only the other kinds stop at `until`.
  const end = withdrawn ? Number.MAX_SAFE_INTEGER : range.until;
  const iterator = level.iterator({
    gt: keys.row(source.partition, start),
    lte: keys.row(source.partition, end),
  });
  let rows: PlacedRow[] = [];
  let next = 0;
  let ended = false;
  return {
    withdrawn,
    get isEmpty() {
      return next >= rows.length;
    },
    get head() {
      return rows[next];
    },
    take: () => rows[next++] as PlacedRow,
    async fill() {
      while (!ended && next >= rows.length) {
        const entries = await iterator.nextv(READ_ROWS);
        ended = entries.length === 0;
        rows = placeRows(source, entries, range.since);
        next = 0;
      }
    },
    close: () => iterator.close(),
  };
}

/** Places a source's rows and leaves out what is not after `since`. */
function placeRows(source: Source, entries: [string, string][], since: Place): PlacedRow[] {
  const placed: PlacedRow[] = [];
  for (const [key, value] of entries) {
    const position = positionOfKey(key);
    const row = JSON.parse(value) as LogRow;
    const place = placeOf(source, position);
    const owed = source.kind !== 'withdrawn' || row.first < source.since;
    if (owed && isAfter(place, since)) placed.push({ place, row });
  }
  return placed;
}

function placeOf(source: Source, position: number): Place {
  const isOrdinary = source.kind === 'plain' || (source.kind === 'assigned' && position > source.since);
  return isOrdinary ? { at: position, sub: 0 } : { at: source.since, sub: position };
}

function earliest(cursors: Cursor[]): Cursor | undefined {
  let found: Cursor | undefined;
  for (const cursor of cursors) {
    if (cursor.head && (!found?.head || isAfter(found.head.place, cursor.head.place))) found = cursor;
  }
  return found;
}

function feedRow({ place, row }: PlacedRow, withdrawn: boolean, indexId: string): FeedRow {
  const seq = formatSequence(place, indexId);
  if (!withdrawn) {
    const revs = row.leaves.map((leaf) => leaf.rev);
    return { seq, id: row.id, revs, deleted: row.leaves[0]?.deleted === true };
  }
  const revs = row.leaves.map((leaf) => (leaf.deleted ? leaf.rev : withdrawalRevision(row.id, leaf.rev)));
  return { seq, id: row.id, revs, deleted: true };
}
