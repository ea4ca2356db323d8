import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { messageOf, SyncError } from '../../replication/errors.ts';
import { type DocumentId, parseId, partitionOf, testOfPartition } from '../../replication/ids.ts';
import type { OnFailure } from '../../replication/pouch.ts';
import { type Hub, unreachableHub } from '../hub.ts';
import type { CachedBody, CenterFeed, EntryRange, FeedInfo, PartitionState } from './feed.ts';
import { startFollower } from './follower.ts';
import { countChanges, mergeChanges } from './merge.ts';
import { type Entry, keys, type Level, openPartitionLog, readMany, readRows } from './partition-log.ts';
import { createReviver } from './revive.ts';
import { formatSequence, isTokenOf, parseSequence, START } from './sequence.ts';
import {
  assignmentOf,
  centersOf,
  type FeedState,
  lastPosition,
  loadState,
  scopeOf,
  seesPartition,
  totalsOf,
} from './state.ts';
import { createWaiters } from './waiters.ts';
import { findTombstone } from './withdrawal.ts';

const FRESH_DEADLINE_MS = 10_000;
const ENTRY_BATCH = 500;

export interface FeedOptions {
  dataDir: string;
  hub: Hub;
  log: FastifyBaseLogger;
  /** Hears of a write that failed: the index takes no other until it is opened again. */
  onFailure?: OnFailure;
}

/** Opens the index of a hub, makes it when there is none, and follows the hub from where the index stands. */
export async function openFeed({ dataDir, hub, log, onFailure }: FeedOptions): Promise<CenterFeed> {
  const { level, meta } = await openPartitionLog(dataDir, hub, onFailure);
  const state = await loadState(level, meta);
  const waiters = createWaiters();
  let ready = false;
  let announced = meta.position;
  const listeners: ((documents: readonly DocumentId[]) => void)[] = [];
  const follower = startFollower(hub, level, state, log, ({ partitions, documents }) => {
    waiters.wake(partitions);
    for (const listener of listeners) listener(documents);
    announced = state.meta.position;
    if (ready) reviver.wake();
  });
  const reviver = createReviver({ hub, log }, level, state, follower.drain);

  function caughtUp(): void {
    ready = true;
    reviver.wake();
  }
  const built = follower.drain().then(caughtUp, () => undefined);

  async function fresh(): Promise<void> {
    if (ready && (await hub.isAt(state.meta.hubSeq))) return;
    const stop = new AbortController();
    const late = delay(FRESH_DEADLINE_MS, 'late' as const, { signal: stop.signal, ref: false });
    try {
      const outcome = await Promise.race([follower.drain(), late]);
      if (outcome === 'late') throw new SyncError('not_ready', 'the feed index is being built');
      if (!ready) caughtUp();
    } catch (error) {
      if (error instanceof SyncError) throw error;
      const reason = `the hub does not answer: ${messageOf(error)}`;
      throw unreachableHub(error) ?? new SyncError('hub_unavailable', reason, { cause: error });
    } finally {
      stop.abort();
      late.catch(() => undefined);
    }
  }

  return {
    get ready() {
      return ready;
    },
    get end() {
      return endToken(state, announced);
    },
    built,
    fresh,
    onApplied: (listener) => void listeners.push(listener),
    ...partitionsOf(level, state),
    ...readingOf(level, state),
    ...documentsOf(level, state, hub),
    changed(centerId, signal) {
      // A withdrawal or an assignment is a change in the center's own partition, so the scope of now is enough.
      return waiters.wait(scopeOf(state, centerId).partitions, signal);
    },
    async [Symbol.asyncDispose]() {
      await reviver[Symbol.asyncDispose]();
      await follower[Symbol.asyncDispose]();
      await level.close();
    },
  };
}

type Reading = Pick<
  CenterFeed,
  | 'wasInScope'
  | 'scope'
  | 'centers'
  | 'inScope'
  | 'info'
  | 'changes'
  | 'pending'
  | 'checkSequence'
  | 'isSequence'
  | 'digests'
>;

function readingOf(level: Level, state: FeedState): Reading {
  return {
    scope: (centerId) => scopeOf(state, centerId),
    centers: () => centersOf(state),
    inScope: (centerId, id) => parseId(id) !== undefined && seesPartition(state, centerId, partitionOf(id)),
    checkSequence: (since) => void parseSequence(since, state.indexId),
    isSequence: (token) => isTokenOf(token, state.indexId),
    wasInScope: (centerId, id, entry) => wasInScope(state, centerId, id, entry),
    info: (centerId) => infoOf(state, centerId),
    changes(centerId, since, { limit = Infinity, until: token } = {}) {
      const last = lastPosition(state, centerId);
      const until = token === undefined ? last : Math.min(last, parseSequence(token, state.indexId).at);
      const range = { since: parseSequence(since, state.indexId), until, limit };
      return { end: endToken(state, until), batches: mergeChanges(level, state, centerId, range) };
    },
    async pending(centerId, since) {
      const place = parseSequence(since, state.indexId);
      const { documents, deleted } = infoOf(state, centerId);
      if (place === START && scopeOf(state, centerId).withdrawn.length === 0) return documents + deleted;
      const until = lastPosition(state, centerId);
      return countChanges(level, state, centerId, { since: place, until });
    },
    digests(centerId) {
      const states: Record<string, PartitionState> = {};
      for (const partition of scopeOf(state, centerId).partitions) {
        const { documents, deleted, digest } = totalsOf(state, partition);
        states[partition] = { documents, deleted, digest: digest.padStart(64, '0') };
      }
      return states;
    },
  };
}

function infoOf(state: FeedState, centerId: string): FeedInfo {
  const info = { documents: 0, deleted: 0, conflicts: 0 };
  for (const partition of scopeOf(state, centerId).partitions) {
    const totals = totalsOf(state, partition);
    info.documents += totals.documents;
    info.deleted += totals.deleted;
    info.conflicts += totals.conflicts;
  }
  return { ...info, updateSeq: endToken(state, lastPosition(state, centerId)) };
}

/** The token after all rows of a position. */
function endToken(state: FeedState, at: number): string {
  return formatSequence({ at, sub: Number.POSITIVE_INFINITY }, state.indexId);
}

function wasInScope(state: FeedState, centerId: string, id: string, { first }: Entry): boolean {
  const testId = testOfPartition(partitionOf(id));
  const assignment = testId === undefined ? undefined : assignmentOf(state, centerId, testId);
  return assignment?.status === 'withdrawn' && first < assignment.since;
}

type Partitions = Pick<CenterFeed, 'partitionChanges' | 'assignment' | 'deletedOf'>;

function partitionsOf(level: Level, state: FeedState): Partitions {
  return {
    assignment: (centerId, testId) => assignmentOf(state, centerId, testId)?.status,
    partitionChanges(partition, since) {
      const { last } = totalsOf(state, partition);
      const { at } = parseSequence(since, state.indexId);
      return { end: endToken(state, last), batches: readRows(level, partition, at, last) };
    },
    async deletedOf(partition, ids) {
      if (totalsOf(state, partition).deleted === 0) return new Set();
      const entries = await readMany<Entry>(level, ids.map(keys.doc));
      return new Set(ids.filter((_, index) => entries[index]?.leaves[0]?.deleted));
    },
  };
}

type Documents = Pick<CenterFeed, 'entries' | 'partitionEntries' | 'bodies' | 'withdrawn'>;

function documentsOf(level: Level, state: FeedState, hub: Hub): Documents {
  async function entries(ids: string[]): Promise<(Entry | undefined)[]> {
    return readMany<Entry>(level, ids.map(keys.doc));
  }
  async function bodies(ids: string[]): Promise<(CachedBody | undefined)[]> {
    const values = await level.getMany(ids.map(keys.body));
    return values.map(splitBody);
  }
  return {
    entries,
    bodies,
    partitionEntries: (partition, range) => readEntries(level, partition, range),
    async withdrawn(centerId, id, rev) {
      const [entry] = await entries([id]);
      if (!entry || !wasInScope(state, centerId, id, entry)) return undefined;
      return findTombstone(hub.db, id, entry, rev);
    },
  };
}

function splitBody(value: string | undefined): CachedBody | undefined {
  if (value === undefined) return undefined;
  const line = value.indexOf('\n');
  return { history: value.slice(0, line), body: value.slice(line + 1) };
}

async function* readEntries(
  level: Level,
  partition: string,
  { from = '', to, reverse = false }: EntryRange = {},
): AsyncGenerator<[string, Entry][]> {
  const first = keys.doc(`${partition}:`);
  const range = { gte: keys.doc(from), lte: to === undefined ? `${first}\uffff` : keys.doc(to) };
  if (range.gte < first) range.gte = first;
  if (range.lte > `${first}\uffff`) range.lte = `${first}\uffff`;
  if (range.gte > range.lte) return;
  const iterator = level.iterator({ ...range, reverse });
  try {
    for (;;) {
      const rows = await iterator.nextv(ENTRY_BATCH);
      if (rows.length === 0) return;
      yield rows.map(([key, value]) => [key.slice(2), JSON.parse(value) as Entry]);
    }
  } finally {
    await iterator.close();
  }
}
