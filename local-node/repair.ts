import { documentDigest } from '../replication/digest.ts';
import type { Difference } from '../replication/node-report.ts';
import { isWorkOf } from '../replication/permissions.ts';
import { readLiveLeaves } from './digests.ts';
import { purgeDocument } from './disk/mend.ts';
import { type RawLevel, readDocument } from './disk/scan.ts';
import { pullDocuments } from './sync/replication.ts';
import type { RoundParts } from './sync/round.ts';
import type { Sync } from './sync/sync.ts';

/** What a repair has done. */
export interface RepairReport {
  /** The documents that differed, by name. */
  repaired: Difference[];
  /** Those that still do. */
  remaining: Difference[];
}

const PULLED_AT_ONCE = 1000;

/**
 * Brings back the documents in which the replica differs from the hub, and only those: each is copied to the
 * quarantine, purged and pulled again. What was written here is pushed first, and stays if the hub lacks it all the
 * same. @throws when the server is not reached.
 */
export async function repair(parts: RoundParts, sync: Sync): Promise<RepairReport> {
  await sync.replicate();
  const found = parts.differences.list();
  if (found.length > 0) {
    await sync.paused(() => replace(parts, found));
    await sync.replicate();
  }
  const remaining = parts.differences.list();
  const left = new Set(remaining.map(({ id }) => id));
  return { repaired: found.filter(({ id }) => !left.has(id)), remaining };
}

async function replace(parts: RoundParts, found: readonly Difference[]): Promise<void> {
  const { replica, digests, unpushed, line } = parts;
  await digests.catchUp(replica.db);
  const lacking = await lackedByHub(parts, found);
  const taken = await replica.closed(async (level) => {
    const ids: string[] = [];
    for (const { id, problem } of found) {
      if (!lacking.has(id) && (await takeOut(parts, level, id, problem))) ids.push(id);
    }
    return ids;
  });
  await digests.forget(taken);
  parts.results.reread(taken);
  unpushed.forget(taken, Number((await replica.db.info()).update_seq));
  const { signal } = new AbortController();
  await using session = await line.begin({ signal, inlineBodies: () => false });
  const hooks = { signal, stallMs: 20 * parts.silenceMs, written() {} };
  for (let from = 0; from < taken.length; from += PULLED_AT_ONCE) {
    await pullDocuments(replica.db, session.remote, taken.slice(from, from + PULLED_AT_ONCE), hooks);
  }
}

/** The center's own work of which the hub has not every leaf: the replica may be the only place where it is. */
async function lackedByHub(
  { replica, line, centerId }: RoundParts,
  found: readonly Difference[],
): Promise<Set<string>> {
  const asked: Record<string, string[]> = {};
  for (const { id } of found) {
    if (!isWorkOf(centerId, id)) continue;
    const leaves = await readLiveLeaves(replica.db, id);
    if (leaves.length > 0) asked[id] = leaves.map(({ rev }) => rev);
  }
  return new Set(Object.keys(await line.request<object>('POST', '/_revs_diff', asked)));
}

/** Takes one document out; false when it was written to since it was compared, for that is work not yet pushed. */
async function takeOut(
  { digests, unpushed, quarantine }: RoundParts,
  level: RawLevel,
  id: string,
  problem: Difference['problem'],
): Promise<boolean> {
  const document = await readDocument(level, id);
  const leaves = document?.kind === 'sound' ? document.leaves : [];
  const digest = leaves.length > 0 ? documentDigest(id, leaves) : undefined;
  if (unpushed.has(id) || digest !== (await digests.digestOf(id))) return false;
  for (const { rev, body } of leaves) {
    await quarantine.add({
      id,
      rev,
      reason: `taken out by a repair: it was ${problem}`,
      state: 'kept',
      doc: body,
    });
  }
  await purgeDocument(level, id);
  return true;
}
