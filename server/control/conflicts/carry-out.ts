import { sidesOf } from '../../../replication/conflicts/decide.ts';
import type { Resolution } from '../../../replication/conflicts/resolution.ts';
import type { StoredDocument } from '../../../replication/documents.ts';
import { messageOf } from '../../../replication/errors.ts';
import { centerOfPartition, partitionOf } from '../../../replication/ids.ts';
import type { Hub } from '../../hub.ts';
import type { Act, AuditEntry, AuditLog } from '../audit.ts';
import type { ControlStore, Space } from '../store.ts';
import { completeDocument, type ReadConflict, shown } from './read.ts';

/** What is to be written, and what the audit log is to say of it. */
export interface Plan extends Resolution {
  act: Act;
}

/** Who decides. */
export interface Decider {
  actor: string;
  /** The address that the request came from. */
  from?: string;
  /** Why, in the decider's own words. */
  note?: string | undefined;
}

/** What an audit entry of a resolution says; undoing it reads this again. */
export interface ResolutionDetails {
  [field: string]: unknown;
  reason: string;
  note?: string;
  /** Why the merge had no base. */
  twoWay?: string;
  base: string | null;
  before: { rev: string; document: StoredDocument }[];
  after: { rev: string; document: StoredDocument };
  writes: { over: string; rev: string }[];
}

/** How one plan went. */
export interface Outcome {
  entry: AuditEntry;
  /** Why the hub did not take it; absent when it did. */
  failure?: string;
}

/** Carries plans out; outcomes come in the order of the plans. */
export type CarryOut = (plans: readonly Plan[]) => Promise<Outcome[]>;

export const RESOLVED = 'conflict.resolved';
export const UNDONE = 'conflict.undone';
const FINISHED = 'finished';

/**
 * Writes each plan into the audit log, then into the hub in one write. In this order no resolution can be without its
 * entry; and since every revision is made of what it stands on, a process that was killed between the two repeats both
 * to the same end: entries that are behind the last finished round are not written a second time.
 */
export async function openCarryOut({
  hub,
  audit,
  store,
}: {
  hub: Hub;
  audit: AuditLog;
  store: ControlStore;
}): Promise<CarryOut> {
  const rounds = store.space<number>('conflict-rounds');
  const unfinished = await entriesBehind(audit, rounds);

  async function log(plans: readonly Plan[]): Promise<AuditEntry[]> {
    const missing = plans.filter((plan) => !unfinished.has(keyOf(plan.act)));
    for (const entry of await audit.appendAll(missing.map(({ act }) => act))) {
      unfinished.set(keyOf(entry), entry);
    }
    return plans.map((plan) => unfinished.get(keyOf(plan.act)) as AuditEntry);
  }

  return async (plans) => {
    if (plans.length === 0) return [];
    const ready = await Promise.all(plans.map((plan) => completeAll(hub, plan)));
    const entries = await log(plans);
    const written = await hub.write(
      ready.flatMap(({ docs }) => docs),
      { newEdits: false },
    );
    const refused = new Map(
      written.flatMap((outcome) => ('error' in outcome ? [[outcome.id, outcome]] : [])),
    );
    const outcomes = entries.map((entry, index): Outcome => {
      const failure = ready[index]?.failure ?? refused.get(plans[index]?.id ?? '')?.reason;
      return failure === undefined ? { entry } : { entry, failure };
    });
    await logFailures(audit, outcomes);
    await rounds.put(FINISHED, Math.max(...entries.map(({ n }) => n)));
    for (const { act } of plans) unfinished.delete(keyOf(act));
    return outcomes;
  };
}

/** What a resolution says of itself in the audit log. */
export function resolutionAct(
  { conflict, base }: ReadConflict,
  resolution: Resolution,
  { actor, from, note, reason, twoWay }: Decider & { reason: string; twoWay?: string | undefined },
): Act {
  const { id, stands, writes } = resolution;
  const sides = sidesOf(conflict);
  const made = writes.find(({ rev }) => rev === stands);
  const kept = sides.find(({ rev }) => rev === stands);
  const centerId = centerOfPartition(partitionOf(id));
  const details: ResolutionDetails = {
    reason,
    ...(note !== undefined && { note }),
    ...(twoWay !== undefined && { twoWay }),
    base: base?._rev ?? null,
    before: sides.map(({ rev, doc }) => ({ rev, document: shown(doc) })),
    after: {
      rev: stands,
      document: kept ? shown(kept.doc) : { _id: id, _rev: stands, ...made?.content.fields },
    },
    writes: writes.map(({ over, rev }) => ({ over, rev })),
  };
  return {
    action: RESOLVED,
    actor,
    ...(from !== undefined && { from }),
    ...(centerId !== undefined && { centerId }),
    documentId: id,
    details,
  };
}

/** What a killed process may have logged and not written. */
async function entriesBehind(audit: AuditLog, rounds: Space<number>): Promise<Map<string, AuditEntry>> {
  const found = new Map<string, AuditEntry>();
  let last = (await rounds.get(FINISHED)) ?? 0;
  for (let next = await audit.get(last + 1); next; next = await audit.get(last + 1)) {
    if (next.action.startsWith('conflict.')) found.set(keyOf(next), next);
    last = next.n;
  }
  if (found.size === 0) await rounds.put(FINISHED, last);
  return found;
}

/** The same for the same revisions of the same document. */
function keyOf({ action, documentId, details }: Pick<Act, 'action' | 'documentId' | 'details'>): string {
  const { writes } = details as ResolutionDetails;
  return `${action} ${documentId} ${writes?.map(({ rev }) => rev).join()}`;
}

/** Attachments whose bytes are gone make a plan impossible; nothing of it is written then. */
async function completeAll(hub: Hub, plan: Plan): Promise<{ docs: StoredDocument[]; failure?: string }> {
  try {
    return { docs: await Promise.all(plan.writes.map((write) => completeDocument(hub.db, plan.id, write))) };
  } catch (error) {
    if ((error as { status?: number }).status !== 404) throw error;
    return { docs: [], failure: `an attachment is not there: ${messageOf(error)}` };
  }
}

async function logFailures(audit: AuditLog, outcomes: readonly Outcome[]): Promise<void> {
  const failed = outcomes.flatMap(({ entry, failure }): Act[] => {
    if (failure === undefined) return [];
    const { action, actor, documentId, centerId, n } = entry;
    return [{ action, actor, documentId, centerId, outcome: 'failed', details: { entry: n, failure } }];
  });
  if (failed.length > 0) await audit.appendAll(failed);
}
