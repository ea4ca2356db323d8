import { SyncError } from '../../replication/errors.ts';
import { centerPartition } from '../../replication/ids.ts';
import type { Database } from '../../replication/pouch.ts';

/** A document that the server refused to store. */
export interface Denied {
  id: string;
  rev: string | undefined;
  reason: string;
}

export interface ReplicationHooks {
  signal: AbortSignal;
  /** Documents that have been written at the target. */
  written(docs: readonly { _id: string }[]): void;
  /** Longer without any sign of life, and the replication is given up. */
  stallMs: number;
}

const BATCHES_AHEAD = 2;
/** A server that takes no batch of one size may take smaller ones. */
const PUSH_BATCHES = [1000, 100, 10, 1];
const PULL_BATCH = 1000;

/** Pushes what was written in the center's partition. @returns the replica's sequence up to which all is there. */
export async function push(
  replica: Database,
  remote: Database,
  centerId: string,
  hooks: ReplicationHooks & { denied(document: Denied): void },
): Promise<number> {
  const own = centerPartition(centerId);
  // The range of the ids that begin with `<partition>:`.
  const selector = { _id: { $gt: `${own}:`, $lt: `${own};` } };
  for (const batchSize of PUSH_BATCHES) {
    const options = { batch_size: batchSize, batches_limit: BATCHES_AHEAD, selector };
    const replication = replica.replicate.to(remote, options);
    replication.on('denied', (error) => hooks.denied(readDenied(error)));
    try {
      return Number(await settled(replication, hooks));
    } catch (error) {
      if (statusOf(error) !== 413 || batchSize === 1) throw error;
    }
  }
  throw new SyncError('too_large', 'the server takes no batch of any size');
}

/**
 * Pulls what is new online. @returns the feed's sequence that is reached.
 * @param since what a package has brought up to; it becomes the checkpoint on both sides.
 */
export async function pull(
  replica: Database,
  remote: Database,
  hooks: ReplicationHooks,
  since?: string,
): Promise<string> {
  const options = {
    batch_size: PULL_BATCH,
    batches_limit: BATCHES_AHEAD,
    ...(since === undefined ? {} : { since }),
  };
  return String(await settled(replica.replicate.from(remote, options), hooks));
}

/** Pulls some documents again, whatever the checkpoint says. */
export async function pullDocuments(
  replica: Database,
  remote: Database,
  ids: string[],
  hooks: ReplicationHooks,
): Promise<void> {
  const options = { doc_ids: ids, since: 0, checkpoint: false as const, batch_size: PULL_BATCH };
  await settled(replica.replicate.from(remote, options as PouchDB.Replication.ReplicateOptions), hooks);
}

/** Waits for a replication's end; cancels it on abort, and when it shows no sign of life. */
async function settled(
  replication: PouchDB.Replication.Replication<object>,
  { signal, written, stallMs }: ReplicationHooks,
): Promise<number | string> {
  let stalled = false;
  const cancel = () => replication.cancel();
  const timer = setTimeout(() => {
    stalled = true;
    cancel();
  }, stallMs);
  const alive = () => void timer.refresh();
  replication.on('change', ({ docs }) => {
    alive();
    written(docs as unknown as { _id: string }[]);
  });
  // Not in the types: the replicator tells of each of its steps.
  (replication as unknown as NodeJS.EventEmitter).on('checkpoint', alive);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const { last_seq } = await replication;
    signal.throwIfAborted();
    if (stalled) throw new SyncError('unreachable', `the replication stood still for ${stallMs / 1000} s`);
    return last_seq as number | string;
  } catch (error) {
    // PouchDB's replicator goes on behind its own failure, past the batches that it has dropped.
    cancel();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
  }
}

function readDenied(error: unknown): Denied {
  const { id, rev, reason, message } = error as {
    id: string;
    rev?: string;
    reason?: string;
    message?: string;
  };
  return { id, rev, reason: reason ?? message ?? 'the server refused it' };
}

function statusOf(error: unknown): number | undefined {
  return (error as { status?: number }).status;
}
