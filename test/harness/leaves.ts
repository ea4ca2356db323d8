import type { ApiClient } from '../../replication/api-client.ts';
import { COMMON_PARTITION, centerPartition, partitionOf, testPartition } from '../../replication/ids.ts';
import type { Database } from '../../replication/pouch.ts';

/** One database's live documents: id to its live leaf revisions, sorted. Design documents are left out. */
export type Leaves = ReadonlyMap<string, readonly string[]>;

/** What is between a replica and the hub's documents in its scope. */
export interface ReplicaDifference {
  missing: string[];
  /** In the replica, though the hub or the scope does not have it. */
  extra: string[];
  /** On both sides, with other revisions. */
  other: string[];
}

interface ChangesAnswer {
  results: { id: string; deleted?: boolean; changes: { rev: string }[] }[];
}

type OpenRevs = { ok?: { _rev: string; _deleted?: boolean } }[];

/** Reads a database behind HTTP: `/couch/cbt` of a server, `/couch/replica` of a node. */
export function readLeaves(api: ApiClient, path: string): Promise<Leaves> {
  return liveLeaves(api.request<ChangesAnswer>('GET', `${path}/_changes?style=all_docs`), (id) =>
    api.request<OpenRevs>('GET', `${path}/${encodeURIComponent(id)}?open_revs=all`),
  );
}

/** Reads a PouchDB in this process. */
export function readLeavesOf(db: Database): Promise<Leaves> {
  return liveLeaves(
    db.changes({ style: 'all_docs' }) as unknown as Promise<ChangesAnswer>,
    (id) => db.get(id, { open_revs: 'all' }) as unknown as Promise<OpenRevs>,
  );
}

async function liveLeaves(
  changes: Promise<ChangesAnswer>,
  openRevs: (id: string) => Promise<OpenRevs>,
): Promise<Leaves> {
  const leaves = new Map<string, readonly string[]>();
  for (const { id, deleted, changes: revs } of (await changes).results) {
    if (deleted || id.startsWith('_design/')) continue;
    // The feed tells leaves, not which of them are deleted; a single one is alive.
    const live =
      revs.length === 1
        ? revs.map(({ rev }) => rev)
        : (await openRevs(id)).flatMap(({ ok }) => (ok && !ok._deleted ? [ok._rev] : []));
    leaves.set(id, live.sort());
  }
  return leaves;
}

/** The documents of the hub that a center must hold, from their ids alone. */
export function scopeOf(hub: Leaves, centerId: string, assignedTests: readonly string[]): Leaves {
  const partitions = new Set([
    COMMON_PARTITION,
    centerPartition(centerId),
    ...assignedTests.map((testId) => testPartition(testId)),
  ]);
  return new Map([...hub].filter(([id]) => partitions.has(partitionOf(id))));
}

/** Compares ids and revisions; `undefined` when they are the same. */
export function compareLeaves(expected: Leaves, replica: Leaves): ReplicaDifference | undefined {
  const missing = [...expected.keys()].filter((id) => !replica.has(id));
  const extra = [...replica.keys()].filter((id) => !expected.has(id));
  const other = [...expected].flatMap(([id, revs]) => {
    const found = replica.get(id);
    return found && found.join() !== revs.join() ? [id] : [];
  });
  const count = missing.length + extra.length + other.length;
  return count > 0 ? { missing, extra, other } : undefined;
}
