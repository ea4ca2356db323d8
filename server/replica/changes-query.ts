import { SyncError } from '../../replication/errors.ts';
import { isObject } from '../../replication/json.ts';
import type { CenterFeed } from '../feed/feed.ts';
import { countParameter, flag, jsonBody, type ReplicaRequest } from './request.ts';

const DEFAULT_WAIT_MS = 60_000;
const SHORTEST_HEARTBEAT_MS = 100;

const FEEDS = ['normal', 'longpoll', 'continuous', 'eventsource'] as const;
type FeedKind = (typeof FEEDS)[number];

/** What a `_changes` request asks for. */
export interface ChangesQuery {
  centerId: string;
  feed: FeedKind;
  /** The newest row first: a normal feed of all there is, whatever `since` says, as in CouchDB. */
  descending: boolean;
  since: string;
  limit: number;
  allLeaves: boolean;
  /** Whole documents as `doc`: none, the winner, or the winner with its history where the index holds it. */
  docs: 'none' | 'winner' | 'cached';
  attachments: boolean;
  /** Whether `doc` names the live leaves that lose, as `_conflicts`. */
  conflicts: boolean;
  ids: Set<string> | undefined;
  selector: object | undefined;
  /** 0: no heartbeat. */
  heartbeatMs: number;
  timeoutMs: number;
}

/** @throws SyncError bad_request, not_found for a filter. */
export function readChangesQuery(request: ReplicaRequest, feed: CenterFeed): ChangesQuery {
  const { query, params } = request;
  const sent = jsonBody(request);
  const body = isObject(sent) ? sent : {};
  const kind = feedOf(query.feed ?? 'normal');
  const descending = flag(request, 'descending');
  if (descending && kind !== 'normal') {
    throw new SyncError('bad_request', 'a feed that waits has no descending order');
  }
  const lastEvent = kind === 'eventsource' ? request.headers['last-event-id'] : undefined;
  const since = sinceOf(lastEvent ?? query.since ?? query['last-event-id'] ?? body.since, feed);
  const limit = countParameter(request, 'limit');
  const heartbeat = query.heartbeat === 'true' ? DEFAULT_WAIT_MS : countOrZero(query.heartbeat);
  const whole = flag(request, 'include_docs');
  return {
    centerId: params.centerId,
    feed: kind,
    descending,
    since: descending ? '0' : since,
    // CouchDB's replicator counts what is pending by a normal feed of no rows.
    limit: limit === undefined ? Number.POSITIVE_INFINITY : Math.max(limit, kind === 'normal' ? 0 : 1),
    allLeaves: query.style === 'all_docs',
    docs: whole ? 'winner' : flag(request, 'bodies') && !startsOver(since, feed) ? 'cached' : 'none',
    attachments: flag(request, 'attachments'),
    conflicts: flag(request, 'conflicts'),
    ...filterOf(query, body),
    heartbeatMs: heartbeat === 0 ? 0 : Math.max(heartbeat, SHORTEST_HEARTBEAT_MS),
    timeoutMs: Math.min(countParameter(request, 'timeout') ?? DEFAULT_WAIT_MS, DEFAULT_WAIT_MS),
  };
}

function feedOf(name: string): FeedKind {
  const kind = FEEDS.find((feed) => feed === name);
  if (kind === undefined)
    throw new SyncError('bad_request', `feed is not one of ${FEEDS.join(', ')}: ${name}`);
  return kind;
}

function countOrZero(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
}

/** CouchDB's replicator sends the token as JSON, in quotes. @throws SyncError bad_request for what is no sequence. */
function sinceOf(value: unknown, feed: CenterFeed): string {
  const since = String(value ?? '0').replace(/^"(.*)"$/, '$1');
  if (since !== 'now') feed.checkSequence(since);
  return since;
}

/** A client with another index's token has most documents already: `_revs_diff` tells which not. */
function startsOver(since: string, feed: CenterFeed): boolean {
  return since !== '0' && since !== 'now' && !feed.isSequence(since);
}

function filterOf(
  query: Record<string, string | undefined>,
  body: Record<string, unknown>,
): Pick<ChangesQuery, 'ids' | 'selector'> {
  const { filter } = query;
  const ids = body.doc_ids ?? parseIds(query.doc_ids);
  if (filter === '_selector' || (filter === undefined && body.selector !== undefined)) {
    if (!isObject(body.selector)) throw new SyncError('bad_request', 'selector is not a JSON object');
    return { ids: undefined, selector: body.selector };
  }
  if (filter !== undefined && filter !== '_doc_ids') {
    throw new SyncError('not_found', 'missing: a center feed has no design documents');
  }
  if (ids === undefined) return { ids: undefined, selector: undefined };
  if (!Array.isArray(ids)) throw new SyncError('bad_request', 'doc_ids is not a list of ids');
  return { ids: new Set(ids.map(String)), selector: undefined };
}

function parseIds(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyncError('bad_request', 'doc_ids is not JSON', { cause });
  }
}
