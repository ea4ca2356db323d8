import type { StoredDocument } from '../../replication/documents.ts';
import type { DocumentId } from '../../replication/ids.ts';
import type { Entry, LogRow } from './partition-log.ts';

/** Types of the center feed; docs/architecture.md tells how it works. */

/** One row of a center's changes, as CouchDB's `_changes` has it. */
export interface FeedRow {
  /** Opaque; resumes after this row. */
  seq: string;
  id: string;
  /** Leaf revisions, the winner first. */
  revs: string[];
  deleted: boolean;
}

/** A partition's live documents and their digest. */
export interface PartitionState {
  documents: number;
  deleted: number;
  /** 64 hexadecimal digits. */
  digest: string;
}

/** Which partitions a center sees. */
export interface Scope {
  /** Sorted as their ids sort. */
  partitions: string[];
  assigned: string[];
  withdrawn: string[];
}

/** A center's view in numbers. */
export interface FeedInfo {
  documents: number;
  deleted: number;
  /** Documents with more than one live leaf. */
  conflicts: number;
  updateSeq: string;
}

/** A document's winning leaf as the index caches it: both parts are JSON texts, the body without `_revisions`. */
export interface CachedBody {
  history: string;
  body: string;
}

/** One reading of a partition's log, whoever sees it. */
export interface PartitionRead {
  /** The sequence that all rows lead up to, also when there are none. */
  end: string;
  /** In order. */
  batches: AsyncIterable<LogRow[]>;
}

/** One reading of a center's changes. */
export interface ChangesRead {
  /** The sequence that all rows lead up to, also when there are none. */
  end: string;
  /** In order. */
  batches: AsyncIterable<FeedRow[]>;
}

/** The hub's changes as each center sees them. */
export interface CenterFeed extends AsyncDisposable {
  /** False until the index has once caught up with the hub. */
  readonly ready: boolean;
  /** Resolves when the index has come to the hub's end for the first time, or has failed to: the rest can wait. */
  readonly built: Promise<void>;
  /** Resolves when the index holds all that the hub acknowledged before the call. @throws SyncError not_ready. */
  fresh(): Promise<void>;
  scope(centerId: string): Scope;
  /** The ids of the centers that have a document or an assignment. */
  centers(): string[];
  inScope(centerId: string, id: string): boolean;
  /** Whether a document outside the scope was inside until its test was withdrawn: the center may hold it. */
  wasInScope(centerId: string, id: string, entry: Entry): boolean;
  info(centerId: string): FeedInfo;
  /**
   * Rows after `since`, up to the newest at the time of the call, or to where `until` stands (a token of this index).
   * @throws SyncError bad_request.
   */
  changes(centerId: string, since: string, options?: { limit?: number; until?: string }): ChangesRead;
  /** How many rows follow `since`. */
  pending(centerId: string, since: string): Promise<number>;
  /** @throws SyncError bad_request for what is not a sequence of any CouchDB database. */
  checkSequence(since: string): void;
  /** Whether a token is a sequence of this feed's index. */
  isSequence(token: unknown): boolean;
  /** The state of each partition in the center's scope. */
  digests(centerId: string): Record<string, PartitionState>;
  /** Resolves when something in the center's scope has changed after the call. Rejects with AbortError. */
  changed(centerId: string, signal: AbortSignal): Promise<void>;
  /** The sequence, over all partitions, up to which those who listen have been told of what is in the index. */
  readonly end: string;
  /** A partition's rows after a sequence of this index; that of another one starts over. */
  partitionChanges(partition: string, since: string): PartitionRead;
  /** Tells of documents, after they have come into the index. */
  onApplied(listener: (documents: readonly DocumentId[]) => void): void;
  /** Whether a test is assigned to a center; `undefined` when it never was. */
  assignment(centerId: string, testId: string): 'assigned' | 'withdrawn' | undefined;
  /** Those of the ids, all of one partition, whose document is deleted. Costs nothing where none is. */
  deletedOf(partition: string, ids: string[]): Promise<Set<string>>;
  /** Where documents stand; no scope is applied. */
  entries(ids: string[]): Promise<(Entry | undefined)[]>;
  /** Entries of one partition by id, from `from` on (inclusive), in batches; no scope is applied. */
  partitionEntries(partition: string, range?: EntryRange): AsyncIterable<[string, Entry][]>;
  /** Winning leaves of documents that are written online; `undefined` where the hub has to be asked. */
  bodies(ids: string[]): Promise<(CachedBody | undefined)[]>;
  /** The tombstone by which a withdrawn test's document leaves a center, if `rev` is one; else `undefined`. */
  withdrawn(centerId: string, id: string, rev: string): Promise<StoredDocument | undefined>;
}

/** Ids are compared bytewise; both ends are inclusive. */
export interface EntryRange {
  from?: string | undefined;
  to?: string | undefined;
  reverse?: boolean | undefined;
}
