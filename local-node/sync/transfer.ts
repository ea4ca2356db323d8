import { parseLogId } from '../../replication/log-chain.ts';
import { isWorkOf } from '../../replication/permissions.ts';
import type { LineSession } from '../line.ts';
import { type Denied, pull, push, type ReplicationHooks } from './replication.ts';
import type { RoundCounts, RoundEvents, RoundParts } from './round.ts';
import { pushAhead } from './upward.ts';

/** What the steps of a round share. */
export interface RoundContext {
  parts: RoundParts;
  session: LineSession;
  signal: AbortSignal;
  counts: RoundCounts;
  events: RoundEvents;
}

/** Pushes what was written here: what matters most goes ahead, and the replicator finds it known. */
export async function pushAll(
  { parts, session, signal, counts, events }: RoundContext,
  { ask }: { ask: boolean },
): Promise<void> {
  events.phase('push');
  await parts.flushWork();
  await parts.logbook.flush();
  const refused: Denied[] = [];
  const hooks = {
    ...hooksOf(parts, signal),
    written(docs: readonly { _id: string }[]) {
      counts.pushed += countOf(docs);
      events.progress(counts);
    },
    denied(document: Denied) {
      const { id } = document;
      // An enrollment that came down and that the server has lost was not written here.
      if (isWorkOf(parts.centerId, id) || parts.unpushed.has(id)) refused.push(document);
    },
  };
  try {
    await pushAhead(parts, session, { ...hooks, ask });
    await session.ready;
    const seq = await push(parts.replica.db, session.remote, parts.centerId, hooks);
    parts.unpushed.settle(seq);
  } finally {
    await quarantineAll(parts, refused);
  }
  parts.marks.lastPushAt = new Date().toISOString();
}

/** What the server has refused is sent only once: it must be in the quarantine before anything else happens. */
export async function quarantineAll(
  { replica, quarantine }: RoundParts,
  refused: readonly Denied[],
): Promise<void> {
  for (const { id, rev, reason } of refused) {
    const doc = await replica.db
      .get(id, rev === undefined ? {} : { rev })
      .catch((error: { status?: number }) => {
        if (error.status !== 404) throw error;
        return undefined;
      });
    await quarantine.add({ id, rev: rev ?? doc?._rev ?? '', reason, state: 'waiting', doc });
  }
}

export async function pullAll({ parts, session, signal, counts, events }: RoundContext): Promise<void> {
  events.phase('pull');
  await session.ready;
  const { importedSince } = parts.marks;
  const hooks: ReplicationHooks = {
    ...hooksOf(parts, signal),
    written(docs) {
      counts.pulled += countOf(docs);
      events.progress(counts);
      // Alongside, so that little is left to be read when the last document has come.
      void parts.digests.catchUp(parts.replica.db).catch(() => {});
    },
  };
  parts.marks.since = await pull(parts.replica.db, session.remote, hooks, importedSince ?? undefined);
  parts.marks.importedSince = null;
  parts.marks.lastPullAt = new Date().toISOString();
}

function hooksOf({ silenceMs }: RoundParts, signal: AbortSignal): Omit<ReplicationHooks, 'written'> {
  return { signal, stallMs: 20 * silenceMs };
}

/** Entries of nodes' logs count for nothing: that they were replicated must not make an entry for the next time. */
function countOf(docs: readonly { _id: string }[]): number {
  return docs.filter(({ _id }) => parseLogId(_id) === undefined).length;
}
