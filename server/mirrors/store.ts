import type { CenterState } from '../control/center-state.ts';
import type { Operation } from '../control/operations.ts';
import type { SyncEvent } from '../events/events.ts';
import type { HubChange, HubMark } from '../hub-follower.ts';

/** The lease of a mirrored store, held. One mirror writes at a time, however many run by mistake. */
export interface Held {
  /** One higher with each holder: what an earlier holder still has under way is refused by it. */
  readonly term: number;
  /** Up to where the hub is mirrored, as the store says; `undefined` for nothing yet. */
  mark: HubMark | undefined;
  /** The last ended operation that the store has. */
  operationsTo: string;
}

/** Who asks for the lease. */
export interface Holder {
  /** The server: a process of it that was killed is followed by the next at once. */
  serverId: string;
  /** The process. */
  instanceId: string;
  /** True until the process has once held the lease. */
  isFirst: boolean;
}

/** How a mirror is compared with the hub. */
export interface Verification {
  /** Documents by collection or kind. */
  counts: Record<string, { hub: number; mirror: number }>;
  differences: MirrorDifference[];
  /** True: there are more than are listed. */
  more: boolean;
}

export interface MirrorDifference {
  id: string;
  problem: 'missing' | 'different' | 'extra';
}

/** A batch of the hub's changes. `Prepared` is what a store makes of it before it is written. */
export interface Batch<Prepared> {
  changes: HubChange[];
  prepared: Prepared;
  reached: HubMark;
}

/** A store that the hub is mirrored into. Its methods throw `LeaseLost` once another mirror has taken over. */
export interface MirrorStore<Prepared = unknown> extends AsyncDisposable {
  /** @returns `undefined` while another holds it. */
  acquire(holder: Holder): Promise<Held | undefined>;
  /** Holds it for longer. */
  renew(held: Held): Promise<void>;
  release(held: Held): Promise<void>;
  /** Reads what a batch needs, while the one before is written. */
  prepare(changes: HubChange[]): Promise<Prepared>;
  /** Applies a batch and saves what it reached. */
  apply(held: Held, batch: Batch<Prepared>): Promise<void>;
  /** The hub is read from its beginning: what it then does not bring is to go. */
  startOver(held: Held): Promise<void>;
  /** The hub was read to its end: removes what a start over has not brought. */
  finish(held: Held): Promise<void>;
  /** Where centers stand; only what has changed is written. */
  putCenters(held: Held, states: CenterState[]): Promise<void>;
  putOperations(held: Held, operations: Operation[]): Promise<void>;
  /** Forgets the mark, whoever holds the lease: the hub is read from its beginning. */
  forget(): Promise<void>;
  verify(): Promise<Verification>;
  /** Where events are published too. */
  readonly events?: EventStore;
}

/** A store that events are published in. */
export interface EventStore {
  /** The last event that it has; empty for none. */
  eventsTo(): Promise<string>;
  putEvents(held: Held, events: SyncEvent[]): Promise<void>;
}

/** The store is another mirror's now, or is not in the state that this one left it in. */
export class LeaseLost extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'LeaseLost';
  }
}

/** How long a lease holds without being renewed, unless the configuration says otherwise. */
export const LEASE_MS = 10_000;
/** How many differences a verification lists. */
export const LISTED_DIFFERENCES = 1000;
