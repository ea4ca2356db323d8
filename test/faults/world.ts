import { expect } from 'vitest';
import { type Database, pouchAt, pouchIn } from '../../replication/pouch.ts';
import { compareLeaves, type Leaves, readLeaves, readLeavesOf, scopeOf } from '../harness/leaves.ts';
import type { RunningServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';

/** A center's replica in this process: a stock PouchDB on LevelDB, gone when its scope ends. */
export interface StockReplica extends AsyncDisposable {
  readonly db: Database;
}

export async function openStockReplica(): Promise<StockReplica> {
  const folder = await tempFolder('cbt-replica');
  const db = new (pouchIn(folder.path))('replica');
  return {
    db,
    async [Symbol.asyncDispose]() {
      await db.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A center's feed for a stock client in this process. */
export function stockRemote(url: string): Database {
  const remote = pouchAt(url);
  const info = remote.info.bind(remote);
  // The replicator asks for it after each batch, to report progress, and leaves a failure of that unhandled.
  remote.info = () => info().catch(() => ({ db_name: '', doc_count: 0, update_seq: 0 }));
  return remote;
}

/** Expects a replica to hold exactly what the hub has in the center's scope, by id and revision. */
export async function expectEqual(
  server: RunningServer,
  centerId: string,
  assigned: readonly string[],
  replica: Database | Leaves,
): Promise<void> {
  const hub = await readLeaves(server.api, '/couch/cbt');
  const held = replica instanceof Map ? replica : await readLeavesOf(replica as Database);
  expect(compareLeaves(scopeOf(hub, centerId, assigned), held)).toBeUndefined();
}

/** How a replication went: its result, or that it broke off. */
export type Outcome = { docsRead: number; docsWritten: number } | 'broken off';

/**
 * Waits for a replication to end, well or not. One that has failed is canceled as well: PouchDB's replicator else goes
 * on with the batch it is at, and then with the changes after those that it had dropped when it failed.
 */
export async function outcomeOf(replication: PouchDB.Replication.Replication<object>): Promise<Outcome> {
  try {
    const { docs_read, docs_written } = await replication;
    return { docsRead: docs_read, docsWritten: docs_written };
  } catch {
    replication.cancel();
    return 'broken off';
  }
}
