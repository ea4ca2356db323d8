import type { FastifyReply } from 'fastify';
import { SyncError } from '../../replication/errors.ts';
import { isObject } from '../../replication/json.ts';
import type { CenterFeed } from '../feed/feed.ts';
import type { Entry } from '../feed/partition-log.ts';
import { sendParts } from './reply.ts';
import {
  countParameter,
  flag,
  jsonBody,
  jsonParameter,
  type Parameters,
  type ReplicaRequest,
} from './request.ts';
import type { CenterView } from './view.ts';

/** A range of ids, in either direction. */
interface IdRange {
  from: string | undefined;
  to: string | undefined;
  inclusiveEnd: boolean;
  descending: boolean;
}

/** Every id, in ascending order. */
export const ALL_IDS: IdRange = { from: undefined, to: undefined, inclusiveEnd: true, descending: false };

interface AllDocsQuery extends IdRange {
  centerId: string;
  skip: number;
  limit: number;
  includeDocs: boolean;
  attachments: boolean;
  conflicts: boolean;
}

/** `_all_docs` of a center: a range of ids, or the ids asked for. */
export async function sendAllDocs(
  feed: CenterFeed,
  view: CenterView,
  request: ReplicaRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const keys = jsonParameter(parameters, 'keys');
  if (keys !== undefined && !Array.isArray(keys)) throw new SyncError('bad_request', 'keys is not a list');
  const query = readQuery(request.params.centerId, parameters);
  if (keys && (query.from !== undefined || query.to !== undefined)) {
    throw new SyncError('bad_request', '`keys` is incompatible with `key`, `start_key` and `end_key`');
  }
  await feed.fresh();
  const ids = keys?.map(String);
  if (query.descending) ids?.reverse();
  const rows = ids ? keyRows(feed, view, query, ids) : rangeRows(feed, view, query);
  const { documents, updateSeq } = feed.info(query.centerId);
  const seq = flag(parameters, 'update_seq') ? `"update_seq":"${updateSeq}",` : '';
  const offset = ids ? 'null' : String(query.skip);
  return sendParts(
    request,
    reply,
    page(`{${seq}"total_rows":${documents},"offset":${offset},"rows":[`, rows),
  );
}

/** Those of the URL and those in the body of a POST, which has them as JSON. */
function parametersOf(request: ReplicaRequest): Parameters {
  const body = jsonBody(request) ?? {};
  if (!isObject(body)) throw new SyncError('bad_request', 'the body is not a JSON object');
  const sent = Object.entries(body).map(([name, value]) => [name, JSON.stringify(value)]);
  return { query: { ...request.query, ...Object.fromEntries(sent) } };
}

function readQuery(centerId: string, request: Parameters): AllDocsQuery {
  const key = jsonParameter(request, 'key');
  const descending = flag(request, 'descending');
  const start = text(key ?? jsonParameter(request, 'startkey', 'start_key'));
  const end = text(key ?? jsonParameter(request, 'endkey', 'end_key'));
  return {
    centerId,
    from: descending ? end : start,
    to: descending ? start : end,
    inclusiveEnd: request.query.inclusive_end !== 'false',
    descending,
    skip: countParameter(request, 'skip') ?? 0,
    limit: countParameter(request, 'limit') ?? Number.POSITIVE_INFINITY,
    includeDocs: flag(request, 'include_docs'),
    attachments: flag(request, 'attachments'),
    conflicts: flag(request, 'conflicts'),
  };
}

function text(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

async function* page(head: string, rows: AsyncIterable<string>): AsyncGenerator<string> {
  yield head;
  let first = true;
  for await (const row of rows) {
    yield first ? `\n${row}` : `,\n${row}`;
    first = false;
  }
  yield '\n]}\n';
}

async function* rangeRows(feed: CenterFeed, view: CenterView, query: AllDocsQuery): AsyncGenerator<string> {
  let { skip, limit } = query;
  if (limit === 0) return;
  for await (const batch of liveEntries(feed, query.centerId, query)) {
    const wanted = batch.slice(skip, skip + limit);
    skip = Math.max(0, skip - batch.length);
    limit -= wanted.length;
    yield* renderRows(view, query, wanted);
    if (limit === 0) return;
  }
}

/** The live documents of a center in the order of their ids. */
export async function* liveEntries(
  feed: CenterFeed,
  centerId: string,
  { from, to, descending, inclusiveEnd }: IdRange,
): AsyncGenerator<[string, Entry][]> {
  const { partitions } = feed.scope(centerId);
  const excluded = inclusiveEnd ? undefined : descending ? from : to;
  for (const partition of descending ? partitions.toReversed() : partitions) {
    for await (const entries of feed.partitionEntries(partition, { from, to, reverse: descending })) {
      yield entries.filter(([id, entry]) => entry.leaves[0]?.deleted === false && id !== excluded);
    }
  }
}

async function* keyRows(
  feed: CenterFeed,
  view: CenterView,
  query: AllDocsQuery,
  ids: string[],
): AsyncGenerator<string> {
  const wanted = ids.slice(query.skip, query.skip + query.limit);
  const entries = await feed.entries(wanted);
  for (const [index, id] of wanted.entries()) {
    const entry = feed.inScope(query.centerId, id) ? entries[index] : undefined;
    const [winner] = entry?.leaves ?? [];
    if (!entry || !winner) yield `{"key":${JSON.stringify(id)},"error":"not_found"}`;
    else if (winner.deleted) yield deletedRow(id, winner.rev, query.includeDocs);
    else yield* renderRows(view, query, [[id, entry]]);
  }
}

function deletedRow(id: string, rev: string, includeDocs: boolean): string {
  const key = JSON.stringify(id);
  const doc = includeDocs ? ',"doc":null' : '';
  return `{"id":${key},"key":${key},"value":{"rev":${JSON.stringify(rev)},"deleted":true}${doc}}`;
}

async function* renderRows(
  view: CenterView,
  query: AllDocsQuery,
  entries: [string, Entry][],
): AsyncGenerator<string> {
  const requests = entries.map(([id, entry]) => ({ id, rev: entry.leaves[0]?.rev as string }));
  const options = { revs: false, latest: true, attachments: query.attachments };
  const docs = query.includeDocs ? await view.read(query.centerId, requests, options) : [];
  for (const [index, [id, entry]] of entries.entries()) {
    const key = JSON.stringify(id);
    const read = docs[index] ?? 'null';
    const doc = docs[index] !== undefined && query.conflicts ? withConflicts(read, entry) : read;
    const whole = query.includeDocs ? `,"doc":${doc}` : '';
    const rev = JSON.stringify(entry.leaves[0]?.rev);
    yield `{"id":${key},"key":${key},"value":{"rev":${rev}}${whole}}`;
  }
}

/** Adds `_conflicts` to a serialized winner that has any: its live leaves that lose. */
export function withConflicts(doc: string, { leaves }: Entry): string {
  const losers = leaves.slice(1).filter((leaf) => !leaf.deleted);
  if (losers.length === 0) return doc;
  return `${doc.slice(0, -1)},"_conflicts":${JSON.stringify(losers.map((leaf) => leaf.rev))}}`;
}
