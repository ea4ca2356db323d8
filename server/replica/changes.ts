import { setInterval } from 'node:timers';
import type { FastifyReply } from 'fastify';
import type { CenterFeed } from '../feed/feed.ts';
import type { ServerParts } from '../parts.ts';
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
  if (query.feed === 'normal') return sendParts(request, reply, asResults(feed, pendingCounts, query, read));
  const first = query.feed === 'longpoll' ? await read.rows.next() : undefined;
  if (first && !first.done)
    return sendParts(request, reply, asResults(feed, pendingCounts, query, read, first.value));
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, stopping, credentials.revoked(query.centerId)]);
  return sendWaiting(feed, readOn, query, reply, signal, read);
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
  const pending = complete ? 0 : await pendingCounts.after(query.centerId, page);
  const digests = complete && query.docs === 'cached' ? digestsAt(feed, query.centerId, end) : '';
  yield `\n],"last_seq":"${complete ? end : last}","pending":${pending}${digests}}\n`;
}

/** What a node compares its replica with, where nothing is newer than the answer: it saves a round trip. */
function digestsAt(feed: CenterFeed, centerId: string, end: string): string {
  const isNewest = feed.info(centerId).updateSeq === end;
  return isNewest ? `,"digests":${JSON.stringify(feed.digests(centerId))}` : '';
}

/** A feed that waits: it begins at once, and a heartbeat is a newline. */
async function sendWaiting(
  feed: CenterFeed,
  readOn: () => RowsRead,
  query: ChangesQuery,
  reply: FastifyReply,
  signal: AbortSignal,
  read: RowsRead,
): Promise<FastifyReply> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'must-revalidate' });
  const continuous = query.feed === 'continuous';
  if (!continuous) raw.write('{"results":[\n');
  const beat = query.heartbeatMs ? setInterval(() => raw.write('\n'), query.heartbeatMs) : undefined;
  try {
    await writeAsTheyCome(feed, readOn, query, raw, signal, read);
  } catch (error) {
    // A feed that fails breaks its body; ended properly it would look complete.
    raw.destroy(error as Error);
  } finally {
    clearInterval(beat);
  }
  return reply;
}

async function writeAsTheyCome(
  feed: CenterFeed,
  readOn: () => RowsRead,
  query: ChangesQuery,
  raw: FastifyReply['raw'],
  signal: AbortSignal,
  first: RowsRead,
): Promise<void> {
  const continuous = query.feed === 'continuous';
  let sent = 0;
  for (let { end, rows } = first; ; { end, rows } = readOn()) {
    for (let row = (await rows.next()).value; row; row = (await rows.next()).value) {
      const before = continuous || sent === 0 ? '' : ',\n';
      if (!raw.write(`${before}${rowText(row)}${continuous ? '\n' : ''}`)) await drained(raw, signal);
      query.since = row.seq;
      sent += 1;
      if (sent >= query.limit) return finish(raw, query, await feed.pending(query.centerId, row.seq));
    }
    query.since = end;
    if (!continuous && sent > 0) return finish(raw, query);
    if (!(await waitForChange(feed, query, signal))) return finish(raw, query);
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

function finish(raw: FastifyReply['raw'], query: ChangesQuery, pending = 0): void {
  const end = `"last_seq":"${query.since}","pending":${pending}}\n`;
  raw.end(query.feed === 'continuous' ? `{${end}` : `\n],${end}`);
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
