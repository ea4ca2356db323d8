import { SyncError } from '../../replication/errors.ts';
import type { CenterFeed } from '../feed/feed.ts';
import { isWithdrawalRevision } from '../feed/withdrawal.ts';
import type { Hub } from '../hub.ts';

/** What is missing of a document: the revisions asked about that are not here, and leaves they may descend from. */
interface Missing {
  missing: string[];
  possible_ancestors?: string[];
}

/**
 * `_revs_diff`. What is outside the center's scope is missing, as what does not exist. Two things are known all the
 * same, or clients would send them up for ever: tombstones that withdrawals made, and a withdrawn test's documents
 * at a center that has not seen the withdrawal yet.
 */
export async function revsDiff(
  { feed, hub }: { feed: CenterFeed; hub: Hub },
  centerId: string,
  asked: Record<string, unknown>,
): Promise<Record<string, Missing>> {
  const ids = Object.keys(asked);
  const entries = await feed.entries(ids);
  const diff: Record<string, Missing> = {};
  const doubtful: Record<string, string[]> = {};
  for (const [index, id] of ids.entries()) {
    const revs = revisionList(asked[id]).filter((rev) => !isWithdrawalRevision(id, rev));
    const entry = entries[index];
    const isVisible = feed.inScope(centerId, id) || (entry && feed.wasInScope(centerId, id, entry));
    const leaves = isVisible ? (entry?.leaves.map((leaf) => leaf.rev) ?? []) : [];
    const unknown = revs.filter((rev) => !leaves.includes(rev));
    if (unknown.length === 0) continue;
    if (isVisible) doubtful[id] = unknown;
    else diff[id] = { missing: unknown };
  }
  return { ...diff, ...(await askHub(hub, doubtful)) };
}

/** `_missing_revs`, the older question: only what is missing. */
export function missingRevs(diff: Record<string, Missing>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(diff).map(([id, { missing }]) => [id, missing]));
}

async function askHub(hub: Hub, asked: Record<string, string[]>): Promise<Record<string, Missing>> {
  if (Object.keys(asked).length === 0) return {};
  return (await hub.db.revsDiff(asked)) as Record<string, Missing>;
}

function revisionList(value: unknown): string[] {
  if (!Array.isArray(value)) throw new SyncError('bad_request', 'a document’s revisions are not a list');
  return value.map(String);
}
