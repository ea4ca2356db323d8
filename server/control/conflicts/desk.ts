import { type Decision, decide } from '../../../replication/conflicts/decide.ts';
import { type Conflict, conflictOf } from '../../../replication/conflicts/leaves.ts';
import { documentOf, type RevisionWrite } from '../../../replication/conflicts/resolution.ts';
import { SyncError } from '../../../replication/errors.ts';
import type { AuditLog } from '../audit.ts';
import { type Decider, type Plan, resolutionAct } from './carry-out.ts';
import { type PersonDecision, resolutionFor } from './person.ts';
import { type ReadConflict, readConflict } from './read.ts';
import { type ResolverParts, waitsBecause } from './resolver.ts';
import { resolutionEntry, undoing, undoneAct, undoneReason } from './undo.ts';
import { leavesOf, type WaitingConflict, waitingEntry } from './waiting.ts';

/** A conflict as a person sees it. */
export interface ConflictView extends ReadConflict {
  decision: Decision;
  entry: WaitingConflict;
}

/** What was done, and where the audit log tells of it. */
export interface Done {
  id: string;
  /** The live leaves afterwards, sorted. */
  leaves: string[];
  /** The number of the audit entry. */
  audit: number;
}

/** Where persons decide. */
export interface Desk {
  show(id: string): Promise<ConflictView>;
  decide(id: string, decision: PersonDecision, by: Decider): Promise<Done>;
  undo(auditEntry: number, by: Decider): Promise<Done>;
}

/** How many conflicts are remembered as shown, to know whether a decision is about what there is. */
const SHOWN_AT_MOST = 10_000;

export function createDesk(parts: ResolverParts & { audit: AuditLog }): Desk {
  const { sources, waiting, audit } = parts;
  const shown = new Map<string, string[]>();

  async function done(id: string, entry: number): Promise<Done> {
    shown.delete(id);
    const live = (await readConflict(sources, id))?.conflict.live ?? [];
    return { id, leaves: live.map(({ rev }) => rev).sort(), audit: entry };
  }

  return {
    async show(id) {
      const found = await view(parts, id);
      if (shown.size >= SHOWN_AT_MOST) shown.clear();
      shown.set(id, leavesOf(found.conflict));
      return found;
    },
    async decide(id, decision, by) {
      const read = await view(parts, id);
      const resolution = resolutionFor(read, decision, decision.leaves?.toSorted() ?? shown.get(id));
      const reason = decision.choose === undefined ? 'a person merged the sides' : 'a person chose a side';
      const act = resolutionAct(read, resolution, { ...by, reason, twoWay: read.decision.twoWay });
      const n = await carryOne(parts, { ...resolution, act });
      await waiting.put([[id, undefined]]);
      return done(id, n);
    },
    async undo(auditEntry, by) {
      const entry = await resolutionEntry(audit, auditEntry);
      const { documentId: id } = entry;
      const read = await readConflict(sources, id);
      if (!read) throw new SyncError('conflict', `the hub no longer has ${id}`);
      const writes = undoing(entry, read);
      const act = undoneAct(entry, read, { writes, by });
      // Before the hub: the resolver must not see the sides again without knowing that a person wants them.
      await waiting.put([[id, heldEntry(read.conflict, writes, auditEntry)]]);
      return done(id, await carryOne(parts, { id, stands: '', writes, act }));
    },
  };
}

async function view({ sources, waiting, automatic }: ResolverParts, id: string): Promise<ConflictView> {
  const read = await readConflict(sources, id);
  const decision = read && decide(read.conflict, read.base);
  const [known] = await waiting.of([id]);
  if (read && decision) {
    const reason = waitsBecause(decision, known, automatic) ?? decision.reason;
    return { ...read, decision, entry: waitingEntry(read.conflict, reason, { known, now: new Date() }) };
  }
  if (known) await waiting.put([[id, undefined]]);
  throw new SyncError('not_found', `${id} is in no conflict`);
}

async function carryOne({ carryOut }: ResolverParts, plan: Plan): Promise<number> {
  const [outcome] = await carryOut([plan]);
  if (outcome && outcome.failure === undefined) return outcome.entry.n;
  throw new SyncError('conflict', `the hub did not take it: ${outcome?.failure}`);
}

/** The entry of a conflict that is about to be there again. */
function heldEntry(before: Conflict, writes: readonly RevisionWrite[], undone: number): WaitingConflict {
  const gone = new Set(writes.map(({ over }) => over));
  const kept = [...before.live, ...before.deletions, ...before.merged].filter(({ rev }) => !gone.has(rev));
  const again = conflictOf(before.id, [
    ...kept.map(({ doc }) => doc),
    ...writes.map((write) => documentOf(before.id, write)),
  ]);
  return { ...waitingEntry(again, undoneReason(undone), { known: undefined, now: new Date() }), undone };
}
