import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { StoredDocument } from '../replication/documents.ts';
import type { Space } from './control/store.ts';
import type { Hub } from './hub.ts';
import { createDrain, hubChanged } from './hub-changes.ts';

/** A changed document of the hub: its winner, and all its leaves. */
export interface HubDocument {
  id: string;
  /** The winning leaf; a tombstone when the document is deleted. */
  doc: StoredDocument;
  /** All leaf revisions, deleted ones too, the winner first. */
  revs: string[];
}

export interface HubFollowerOptions {
  hub: Hub;
  /** Names the place in `marks` up to which the hub has been followed. */
  name: string;
  marks: Space<HubMark>;
  log: FastifyBaseLogger;
  /** Handles a batch; it comes again when this throws, or when the process dies before it has ended. */
  handle(documents: HubDocument[]): Promise<void>;
}

/** How far a hub has been followed, and which one. */
export interface HubMark {
  hubId: string;
  seq: string | number;
}

/** Follows the hub's changes at least once each, from where it stopped. */
export interface HubFollower extends AsyncDisposable {
  /** Resolves when all that the hub acknowledged before the call has been handled. @throws what `handle` throws. */
  drain(): Promise<void>;
}

const BATCH = 500;
const RETRY_MS = 1000;

/** A hub that is another one, or an older state of the same, is read from its beginning. */
export async function followHub({ hub, name, marks, log, handle }: HubFollowerOptions): Promise<HubFollower> {
  const stop = new AbortController();
  const hubId = await hub.identity();
  const known = await marks.get(name);
  let seq = known?.hubId === hubId && !(await hub.isBefore(known.seq)) ? known.seq : 0;

  async function readToEnd(): Promise<void> {
    while (!stop.signal.aborted) {
      const paging = { since: seq, limit: BATCH, batch_size: BATCH };
      const { results, last_seq } = await hub.db.changes({
        ...paging,
        style: 'all_docs',
        include_docs: true,
      });
      if (results.length === 0) return;
      await handle(
        results.map(({ id, doc, changes }) => ({
          id,
          doc: doc as StoredDocument,
          revs: changes.map(({ rev }) => rev),
        })),
      );
      seq = last_seq;
      await marks.put(name, { hubId, seq });
      if (results.length < BATCH) return;
    }
  }

  const drain = createDrain(readToEnd);

  async function follow(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await drain.run();
        await hubChanged(hub, seq, stop.signal);
      } catch (error) {
        if (stop.signal.aborted) return;
        log.error({ err: error, follower: name }, 'the hub cannot be followed; it is tried again');
        await delay(RETRY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  }

  const following = follow();
  return {
    drain: drain.run,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
      await drain.ended();
    },
  };
}
