import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { sendJson } from './couch-request.ts';
import { SyncError } from './errors.ts';
import { isObject } from './json.ts';
import type { Database } from './pouch.ts';

/** CouchDB's own default for both `timeout` and `heartbeat`. */
const WAIT_MS = 60_000;
const LEAST_HEARTBEAT_MS = 1000;
const PAGE = 500;

type Query = Record<string, unknown>;
type Seq = string | number;
type Options = PouchDB.Core.ChangesOptions;

/** Whether a `_changes` request asks for a feed that waits, or for what a selector in its body selects. */
export function isServedHere({ feed, filter }: Query): boolean {
  return feed === 'longpoll' || feed === 'continuous' || filter === '_selector';
}

/**
 * Answers `_changes` of a PouchDB. express-pouchdb's own never ends a continuous feed whose client has gone, takes no
 * `timeout`, and looks for a design document `_selector`. @throws what the database throws before the answer has begun.
 */
export async function serveChanges(
  db: Database,
  { feed, ...query }: Query,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const options = { ...query, query_params: query } as Options;
  if (query.filter === '_selector' && !isObject(query.selector)) {
    throw new SyncError('bad_request', 'selector is not a JSON object');
  }
  if (feed === 'longpoll') await serveLongpoll(db, options, query, response, stopping);
  else if (feed === 'continuous') await serveContinuous(db, options, query, response, stopping);
  else sendJson(response, 200, await db.changes({ ...options, live: false }));
}

async function serveLongpoll(
  db: Database,
  options: Options,
  query: Query,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const past = await db.changes({ ...options, live: false });
  response.writeHead(200, { 'content-type': 'application/json' });
  if (past.results.length > 0) {
    response.end(`${JSON.stringify(past)}\n`);
    return;
  }
  response.write('{"results":[\n');
  const live = { ...options, since: past.last_seq };
  const last = await follow(db, live, { query, response, stopping, limit: 1 });
  response.end(`],\n"last_seq":${JSON.stringify(last)}}\n`);
}

async function serveContinuous(
  db: Database,
  options: Options,
  query: Query,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  let left = options.limit === undefined || options.limit === false ? Infinity : options.limit;
  let since = options.since ?? 0;
  for (;;) {
    const limit = Math.min(PAGE, left);
    const { results, last_seq } = await db.changes({ ...options, since, limit, live: false });
    since = last_seq;
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    for (const change of results) response.write(`${JSON.stringify(change)}\n`);
    left -= results.length;
    if (results.length < limit || left <= 0) break;
    if (response.writableNeedDrain) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    if (!response.writable || stopping.aborted) return;
  }
  const { limit: _limit, ...unlimited } = options;
  const last =
    left > 0 && (await follow(db, { ...unlimited, since }, { query, response, stopping, limit: left }));
  response.end(`{"last_seq":${JSON.stringify(last || since)}}\n`);
}

interface Following {
  query: Query;
  response: ServerResponse;
  stopping: AbortSignal;
  limit: number;
}

/** Writes changes as they come, until the limit, the timeout, the client's or the server's end. @returns the last. */
async function follow(
  db: Database,
  options: Options,
  { query, response, stopping, limit }: Following,
): Promise<Seq> {
  let last = options.since as Seq;
  let count = 0;
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  const waiting = startWaiting(query, response, end);
  const { limit: _limit, ...unlimited } = options;
  const changes = db.changes({ ...unlimited, live: true, return_docs: false } as Options);
  changes.on('change', (change) => {
    if (count >= limit) return;
    count += 1;
    last = change.seq;
    response.write(`${JSON.stringify(change)}\n`);
    waiting.again();
    if (count >= limit) end();
  });
  // The emitter is a promise too: left alone, its rejection would be the process's.
  changes.then(end, reject);
  response.once('close', end);
  stopping.addEventListener('abort', end);
  if (stopping.aborted) end();
  try {
    await ended;
    return last;
  } finally {
    changes.cancel();
    waiting.stop();
    stopping.removeEventListener('abort', end);
  }
}

/** A heartbeat, or else a timeout, as CouchDB has it. */
function startWaiting(
  { heartbeat, timeout }: Query,
  response: ServerResponse,
  end: () => void,
): { again(): void; stop(): void } {
  if (heartbeat === true || typeof heartbeat === 'number') {
    const everyMs = heartbeat === true ? WAIT_MS : Math.max(heartbeat, LEAST_HEARTBEAT_MS);
    const beat = setInterval(() => response.write('\n'), everyMs);
    return { again() {}, stop: () => clearInterval(beat) };
  }
  const timer = setTimeout(end, typeof timeout === 'number' ? Math.min(timeout, WAIT_MS) : WAIT_MS);
  return { again: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}
