import { type Decision, decide } from '../../../replication/conflicts/decide.ts';
import type { Conflict } from '../../../replication/conflicts/leaves.ts';
import { resolveWith } from '../../../replication/conflicts/resolution.ts';
import { parseId } from '../../../replication/ids.ts';
import type { HubChange } from '../../hub-follower.ts';
import { type CarryOut, type Plan, resolutionAct } from './carry-out.ts';
import { type ReadConflict, readConflicts, type Sources } from './read.ts';
import { undoneReason } from './undo.ts';
import { type Waiting, type WaitingConflict, waitingEntry } from './waiting.ts';

/** What the resolver works with. */
export interface ResolverParts {
  sources: Sources;
  waiting: Waiting;
  carryOut: CarryOut;
  /** False: every conflict waits for a person. */
  automatic: boolean;
}

export interface Resolver {
  /** Handles a batch of the hub's changes. */
  resolve(changes: readonly HubChange[]): Promise<void>;
  /** Whether a change is what the resolver itself has written, and nothing else since. */
  wrote(change: HubChange): boolean;
}

/**
 * Of documents with more than one leaf, what policy decides is resolved, and what it does not is put on the list;
 * documents that are no longer in conflict leave the list.
 */
export function createResolver({ sources, waiting, carryOut, automatic }: ResolverParts): Resolver {
  const own = createOwnWrites();

  async function carryOutAll(
    found: readonly ReadConflict[],
    plans: readonly Plan[],
  ): Promise<WaitingConflict[]> {
    const byId = new Map(found.map((read) => [read.conflict.id, read.conflict]));
    return (await carryOut(plans)).flatMap(({ failure }, index) => {
      const plan = plans[index] as Plan;
      const conflict = byId.get(plan.id) as Conflict;
      if (failure === undefined) {
        own.note(conflict, plan);
        return [];
      }
      const reason = `it could not be resolved: ${failure}`;
      return [waitingEntry(conflict, reason, { known: undefined, now: new Date() })];
    });
  }

  async function resolve(changes: readonly HubChange[]): Promise<void> {
    const known = await knownOf(waiting, changes);
    const list = new Map<string, WaitingConflict | undefined>();
    for (const id of known.keys()) list.set(id, undefined);
    const plans: Plan[] = [];
    const conflicted = changes.filter(
      (change) => change.revs.length > 1 && parseId(change.id) !== undefined && !own.have(change),
    );
    own.seen(changes);
    const found = await readConflicts(sources, conflicted);
    for (const read of found) {
      const next = planOf(read, known.get(read.conflict.id), automatic);
      if (next && 'act' in next) plans.push(next);
      else if (next) list.set(next.id, next);
    }
    for (const entry of await carryOutAll(found, plans)) list.set(entry.id, entry);
    if (list.size > 0) await waiting.put(list);
  }

  return { resolve, wrote: (change) => own.have(change) };
}

/** What the resolver has written itself, until the hub's changes tell of it: that needs no reading again. */
interface OwnWrites {
  note(conflict: Conflict, plan: Plan): void;
  /** Whether a change is what was noted, and nothing else since. */
  have(change: HubChange): boolean;
  /** These are told of: what was noted of them before is not needed any more. */
  seen(changes: readonly HubChange[]): void;
}

function createOwnWrites(): OwnWrites {
  const leavesById = new Map<string, string>();
  return {
    note({ id, live, deletions, merged }, { writes }) {
      const replaced = writes.map(({ over }) => over);
      const kept = [...live, ...deletions, ...merged].filter(({ rev }) => !replaced.includes(rev));
      leavesById.set(id, sortedList([...kept, ...writes].map(({ rev }) => rev)));
    },
    have: ({ id, revs }) => leavesById.has(id) && leavesById.get(id) === sortedList(revs),
    seen(changes) {
      for (const { id } of changes) leavesById.delete(id);
    },
  };
}

function sortedList(revs: readonly string[]): string {
  return revs.toSorted().join();
}

async function knownOf(
  waiting: Waiting,
  changes: readonly HubChange[],
): Promise<Map<string, WaitingConflict>> {
  const entries = await waiting.of(changes.map(({ id }) => id));
  return new Map(entries.flatMap((entry) => (entry ? [[entry.id, entry]] : [])));
}

/** What to do about one document, `undefined` for nothing. */
function planOf(
  read: ReadConflict,
  known: WaitingConflict | undefined,
  automatic: boolean,
): Plan | WaitingConflict | undefined {
  const decision = decide(read.conflict, read.base);
  if (!decision) return undefined;
  const reason = waitsBecause(decision, known, automatic);
  if (reason !== undefined || !decision.content) {
    return waitingEntry(read.conflict, reason ?? decision.reason, { known, now: new Date() });
  }
  const resolution = resolveWith(read.conflict, decision.content);
  return { ...resolution, act: resolutionAct(read, resolution, { actor: 'server', ...decision }) };
}

/** Why a conflict is left to a person; `undefined` when policy decides it. */
export function waitsBecause(
  decision: Decision,
  known: WaitingConflict | undefined,
  automatic: boolean,
): string | undefined {
  if (decision.waits) return decision.reason;
  if (known?.undone !== undefined) return undoneReason(known.undone);
  return automatic ? undefined : 'the server is told to resolve nothing by itself';
}
