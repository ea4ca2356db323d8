import type { FastifyBaseLogger } from 'fastify';
import type { Hub } from '../../hub.ts';
import { followHub, type HubMark } from '../../hub-follower.ts';
import type { AuditLog } from '../audit.ts';
import type { ControlStore } from '../store.ts';
import { type Decider, openCarryOut } from './carry-out.ts';
import { type ConflictView, createDesk, type Done } from './desk.ts';
import type { Origins } from './origins.ts';
import type { PersonDecision } from './person.ts';
import { createResolver } from './resolver.ts';
import { oneAfterAnother } from './turn.ts';
import { openWaiting, type WaitingConflict, type WaitingFilter } from './waiting.ts';

export interface ConflictsOptions {
  hub: Hub;
  store: ControlStore;
  audit: AuditLog;
  origins: Origins;
  log: FastifyBaseLogger;
  /** False: every conflict waits for a person. */
  automatic: boolean;
  /** How long a conflict is left alone first: a replicator sends a document's leaves one batch after the other. */
  settleMs: number;
  /** What must have ended before it begins by itself. */
  after?: Promise<unknown>;
}

/** The hub's conflicts: resolved where policy says how, listed where a person must decide. */
export interface Conflicts extends AsyncDisposable {
  /** Resolves when all that the hub acknowledged before the call is resolved or listed. */
  settled(): Promise<void>;
  /** What waits for a person, sorted by id. */
  list(filter: WaitingFilter): AsyncIterable<WaitingConflict>;
  /** @throws SyncError not_found when the document is in no conflict. */
  get(id: string): Promise<ConflictView>;
  /** @throws SyncError not_found, bad_request, or conflict when the leaves are not those that were shown. */
  decide(id: string, decision: PersonDecision, by: Decider): Promise<Done>;
  /** Brings the sides of a resolution back, to wait for a person. @throws SyncError not_found, bad_request, conflict. */
  undo(auditEntry: number, by: Decider): Promise<Done>;
}

/** Opens the resolver. It follows the hub from where it stopped; persons and policies take turns. */
export async function openConflicts(options: ConflictsOptions): Promise<Conflicts> {
  const { hub, store, audit, origins, log, automatic } = options;
  const sources = { db: hub.db, origins };
  const waiting = openWaiting(store);
  const carryOut = await openCarryOut({ hub, audit, store });
  const resolver = createResolver({ sources, waiting, carryOut, automatic });
  const inTurn = oneAfterAnother();
  const desk = createDesk({ sources, waiting, carryOut, audit, automatic });
  const follower = await followHub({
    hub,
    name: 'conflicts',
    after: options.after,
    marks: store.space<HubMark>('marks'),
    log,
    bodies: false,
    settle: {
      ms: options.settleMs,
      isUnsettled: (changes) => changes.some((change) => change.revs.length > 1 && !resolver.wrote(change)),
    },
    handle: (changes) => inTurn(() => resolver.resolve(changes)),
  });
  return {
    settled: () => follower.drain(),
    list: (filter) => waiting.list(filter),
    get: (id) => desk.show(id),
    decide: (id, decision, by) => inTurn(() => desk.decide(id, decision, by)),
    undo: (n, by) => inTurn(() => desk.undo(n, by)),
    [Symbol.asyncDispose]: () => follower[Symbol.asyncDispose](),
  };
}
