import { setInterval } from 'node:timers';
import type { FastifyReply } from 'fastify';
import type { CenterFeed } from '../feed/feed.ts';
import type { ServerParts } from '../parts.ts';
import { FRAMINGS, type Framing } from './changes-framing.ts';
import { type ChangesQuery, readChangesQuery } from './changes-query.ts';
import { type Rendered, type RowsRead, readRows, rowText } from './changes-rows.ts';
import type { PendingCounts } from './pending.ts';
import { sendParts } from './reply.ts';
import type { ReplicaRequest } from './request.ts';
import type { CenterView } from './view.ts';

/** `_changes` of a center: GET and POST; normal, longpoll, continuous. */
export async function sendChanges(
  { feed, exam, stopping, credentials, operations }: ServerParts,
  view: CenterView,
  pendingCounts: PendingCounts,
  request: ReplicaRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const query = readChangesQuery(request, feed);
  await feed.fresh();
  // Whoever has just pushed results finds their receipts here.
  if (await exam.settle(query.centerId)) await feed.fresh();
  if (query.since === 'now') query.since = feed.info(query.centerId).updateSeq;
  const count = (records: number) => operations.transferred(query.centerId, 'download', { records });
  const readOn = () => readRows(feed, view, query, count);
  const read = readOn();
  const { feed: kind } = query;
  if (kind === 'normal') return sendParts(request, reply, asResults(feed, pendingCounts, query, read));
  const first = kind === 'longpoll' ? await read.rows.next() : undefined;
  if (first && !first.done)
    return sendParts(request, reply, asResults(feed, pendingCounts, query, read, first.value));
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, stopping, credentials.revoked(query.centerId)]);
  return sendWaiting(feed, readOn, query, reply, signal, read, FRAMINGS[kind]);
}

/** The answer of a normal feed: `{"results":[…],"last_seq":…,"pending":…}`. */
async function* asResults(
  feed: CenterFeed,
  pendingCounts: PendingCounts,
  query: ChangesQuery,
  { end, rows }: RowsRead,
  first?: Rendered,
): AsyncGenerator<string> {
  yield '{"results":[';
  let count = 0;
  let last = query.since;
  for (let row = first ?? (await rows.next()).value; row; row = (await rows.next()).value) {
    yield `${count === 0 ? '\n' : ',\n'}${rowText(row)}`;
    last = row.seq;
    count += 1;
  }
  const complete = count < query.limit;
  const page = { since: query.since, last, rows: count, end };
  const pending = complete || query.descending ? 0 : await pendingCounts.after(query.centerId, page);
  const digests = complete && query.docs === 'cached' ? digestsAt(feed, query.centerId, end) : '';
  yield `\n],"last_seq":"${complete ? end : last}","pending":${pending}${digests}}\n`;
}

/** What a node compares its replica with, where nothing is newer than the answer: it saves a round trip. */
function digestsAt(feed: CenterFeed, centerId: string, end: string): string {
  const isNewest = feed.info(centerId).updateSeq === end;
  return isNewest ? `,"digests":${JSON.stringify(feed.digests(centerId))}` : '';
}

/** A feed that waits: it begins at once. */
async function sendWaiting(
  feed: CenterFeed,
  readOn: () => RowsRead,
  query: ChangesQuery,
  reply: FastifyReply,
  signal: AbortSignal,
  read: RowsRead,
  framing: Framing,
): Promise<FastifyReply> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': framing.contentType, 'cache-control': 'must-revalidate' });
  raw.flushHeaders();
  raw.write(framing.open);
  const beat = query.heartbeatMs
    ? setInterval(() => raw.write(framing.heartbeat), query.heartbeatMs)
    : undefined;
  try {
    const end = await writeAsTheyCome(feed, readOn, query, raw, signal, read, framing);
    raw.end(framing.close(end));
  } catch (error) {
    // A feed that fails breaks its body; ended properly it would look complete.
    raw.destroy(error as Error);
  } finally {
    clearInterval(beat);
  }
  return reply;
}

/** @returns the last fields of the answer. */
async function writeAsTheyCome(
  feed: CenterFeed,
  readOn: () => RowsRead,
  query: ChangesQuery,
  raw: FastifyReply['raw'],
  signal: AbortSignal,
  first: RowsRead,
  framing: Framing,
): Promise<string> {
  let sent = 0;
  for (let { end, rows } = first; ; { end, rows } = readOn()) {
    for (let row = (await rows.next()).value; row; row = (await rows.next()).value) {
      if (!raw.write(framing.row(row, sent))) await drained(raw, signal);
      query.since = row.seq;
      sent += 1;
      if (sent >= query.limit) return endOf(query, await feed.pending(query.centerId, row.seq));
    }
    query.since = end;
    if (query.feed === 'longpoll' && sent > 0) return endOf(query);
    if (!(await waitForChange(feed, query, signal))) return endOf(query);
  }
}

/** Waits for a change in the center's scope; false when the wait timed out or is to end. */
async function waitForChange(feed: CenterFeed, query: ChangesQuery, signal: AbortSignal): Promise<boolean> {
  // With a heartbeat the wait has no end of its own, as in CouchDB.
  const timeout = query.heartbeatMs ? undefined : AbortSignal.timeout(query.timeoutMs);
  const until = timeout ? AbortSignal.any([signal, timeout]) : signal;
  if (feed.info(query.centerId).updateSeq !== query.since) return !until.aborted;
  try {
    await feed.changed(query.centerId, until);
    return true;
  } catch (error) {
    if (until.aborted) return false;
    throw error;
  }
}

function endOf({ since }: ChangesQuery, pending = 0): string {
  return `"last_seq":"${since}","pending":${pending}}`;
}

async function drained(raw: FastifyReply['raw'], signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  raw.once('drain', done).once('close', done);
  signal.addEventListener('abort', done, { once: true });
  await promise;
  signal.removeEventListener('abort', done);
  raw.off('drain', done).off('close', done);
}
