import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { outOfSpace } from '../../replication/errors.ts';
import type { OnFailure } from '../../replication/pouch.ts';
import type { Hub } from '../hub.ts';
import { stopAtFailure } from '../stop-at-failure.ts';

/**
 * The index beside the hub: for each partition the order in which its documents changed. LevelDB keys:
 *
 *     meta                          what the index is, how far it has read the hub
 *     d/<id>                        Entry: where a document stands
 *     l/<partition>/<position>      LogRow, one per document: its newest change
 *     b/<id>                        the winning leaf, serialized: history, newline, body
 *     a/<centerId>/<testId>         Assignment
 *     p/<partition>                 PartitionTotals
 *
 * All of it is derived from the hub: deleting the folder only means that it is built again.
 */

export interface LeafState {
  rev: string;
  deleted: boolean;
}

/**
 * Where a document stands. Leaves begin with the winner. `first` is the position at which the document was made, 0 when
 * the index cannot know: it decides whether a withdrawal owes a center the document's tombstone.
 */
export interface Entry {
  at: number;
  first: number;
  leaves: LeafState[];
  /** Digest of the document, absent when it has no live leaf. */
  digest?: string;
}

export interface LogRow {
  id: string;
  first: number;
  leaves: LeafState[];
}

/** A test's place in a center's scope. `since` is the position of the last change of `status`. */
export interface Assignment {
  status: 'assigned' | 'withdrawn';
  since: number;
  /** Assigned again after a withdrawal: the test's documents must be touched before they live again. */
  again: boolean;
}

export interface PartitionTotals {
  documents: number;
  deleted: number;
  conflicts: number;
  digest: string;
  /** The newest position in the partition. */
  last: number;
}

export interface Meta {
  layout: number;
  indexId: string;
  /** The hub that was read, by its own identity. */
  hubId: string;
  /** The hub's sequence up to which the index is complete. */
  hubSeq: string | number;
  position: number;
}

export type Level = ClassicLevel<string, string>;
export type Operation = { type: 'put'; key: string; value: string } | { type: 'del'; key: string };

const LAYOUT = 1;
const POSITION_DIGITS = 16;

export const keys = {
  meta: 'meta',
  doc: (id: string) => `d/${id}`,
  body: (id: string) => `b/${id}`,
  row: (partition: string, position: number) =>
    `l/${partition}/${String(position).padStart(POSITION_DIGITS, '0')}`,
  assignment: (centerId: string, testId: string) => `a/${centerId}/${testId}`,
  totals: (partition: string) => `p/${partition}`,
};

/** The position that a row's key ends with. */
export function positionOfKey(key: string): number {
  return Number(key.slice(-POSITION_DIGITS));
}

/**
 * Opens the index; a new empty one when there is none, when it cannot be read, and when it was made of another hub, of
 * a later state of this one (restored from a backup), or in another layout.
 */
export async function openPartitionLog(
  dataDir: string,
  hub: Pick<Hub, 'identity' | 'isBefore'>,
  onFailure: OnFailure = () => {},
): Promise<{ level: Level; meta: Meta }> {
  const folder = join(dataDir, 'feed');
  const hubId = await hub.identity();
  const level = await openLevel(folder, onFailure).catch(undefinedIfUnreadable);
  const stored = await level?.get(keys.meta);
  const meta = stored === undefined ? undefined : (JSON.parse(stored) as Meta);
  const isOurs = meta?.layout === LAYOUT && meta.hubId === hubId && !(await hub.isBefore(meta.hubSeq));
  if (level && isOurs) return { level, meta };
  await level?.close();
  await rm(folder, { recursive: true, force: true });
  const indexId = randomBytes(5).toString('hex');
  return {
    level: await openLevel(folder, onFailure),
    meta: { layout: LAYOUT, indexId, hubId, hubSeq: 0, position: 0 },
  };
}

/**
 * What cannot be read can be built again. What another process has open is not ours to remove, and one that a full disk
 * keeps closed is whole.
 */
function undefinedIfUnreadable(error: Error): undefined {
  const isLocked = (error.cause as NodeJS.ErrnoException | undefined)?.code === 'LEVEL_LOCKED';
  if (isLocked || outOfSpace(error)) throw error;
}

async function openLevel(folder: string, onFailure: OnFailure): Promise<Level> {
  const level: Level = new ClassicLevel(folder, { cacheSize: 16 << 20, writeBufferSize: 8 << 20 });
  stopAtFailure(level, onFailure);
  await level.open();
  return level;
}

/** Reads values of one kind by key, `undefined` where there is none. */
export async function readMany<Value>(level: Level, names: string[]): Promise<(Value | undefined)[]> {
  const values = await level.getMany(names);
  return values.map((value) => (value === undefined ? undefined : (JSON.parse(value) as Value)));
}

const ROWS_READ = 500;

/** A partition's rows after one position and up to another, in order, in batches. */
export async function* readRows(
  level: Level,
  partition: string,
  after: number,
  last: number,
): AsyncGenerator<LogRow[]> {
  if (after >= last) return;
  const iterator = level.values({ gt: keys.row(partition, after), lte: keys.row(partition, last) });
  try {
    for (;;) {
      const rows = await iterator.nextv(ROWS_READ);
      if (rows.length === 0) return;
      yield rows.map((row) => JSON.parse(row) as LogRow);
    }
  } finally {
    await iterator.close();
  }
}
