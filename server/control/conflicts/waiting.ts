import { sidesOf } from '../../../replication/conflicts/decide.ts';
import type { Conflict } from '../../../replication/conflicts/leaves.ts';
import { centerOfPartition, parseId } from '../../../replication/ids.ts';
import type { ControlStore } from '../store.ts';

/** A conflict that waits for a person. */
export interface WaitingConflict {
  id: string;
  type: string;
  /** Absent for a document of no center. */
  centerId?: string;
  reason: string;
  /** Since when it waits, ISO 8601. */
  since: string;
  /** The revisions of the sides, sorted. */
  leaves: string[];
  /** The number of the audit entry that was undone: until a person decides, no policy resolves it again. */
  undone?: number;
}

export interface WaitingFilter {
  center?: string | undefined;
  type?: string | undefined;
  /** Only ids behind this one. */
  after?: string | undefined;
}

/** The list of what waits for a person, by document id. */
export interface Waiting {
  /** In the order of the ids. */
  of(ids: string[]): Promise<(WaitingConflict | undefined)[]>;
  /** Puts entries, or takes those that are `undefined` off. */
  put(entries: Iterable<[id: string, entry: WaitingConflict | undefined]>): Promise<void>;
  /** Sorted by id. */
  list(filter: WaitingFilter): AsyncIterable<WaitingConflict>;
}

export function openWaiting(store: ControlStore): Waiting {
  const space = store.space<WaitingConflict>('conflicts');
  return {
    of: (ids) => space.getMany(ids),
    put: (entries) => space.batch(entries),
    async *list({ center, type, after = '' }) {
      const prefix = center === undefined ? '' : `center-${center}:`;
      for await (const [id, entry] of space.entries(prefix)) {
        if (id > after && (type === undefined || entry.type === type)) yield entry;
      }
    },
  };
}

/** The entry of a conflict; what was known of it before is kept. */
export function waitingEntry(
  conflict: Conflict,
  reason: string,
  { known, now }: { known: WaitingConflict | undefined; now: Date },
): WaitingConflict {
  const id = parseId(conflict.id);
  const centerId = id && centerOfPartition(id.partition);
  return {
    id: conflict.id,
    type: id?.type ?? '',
    ...(centerId !== undefined && { centerId }),
    reason,
    since: known?.since ?? now.toISOString(),
    leaves: leavesOf(conflict),
    ...(known?.undone !== undefined && { undone: known.undone }),
  };
}

/** The revisions that a person chooses from, sorted. */
export function leavesOf(conflict: Conflict): string[] {
  return sidesOf(conflict)
    .map(({ rev }) => rev)
    .sort();
}
