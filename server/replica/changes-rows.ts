import type { CenterFeed, ChangesRead, FeedRow } from '../feed/feed.ts';
import { withConflicts } from './all-docs.ts';
import type { ChangesQuery } from './changes-query.ts';
import { matches } from './find.ts';
import { type CenterView, withHistory } from './view.ts';

/** The rows a query selects, serialized, and the sequence that they lead up to. */
export interface RowsRead {
  end: string;
  rows: AsyncIterator<Rendered>;
}

/** @param inline is told of documents that go with their rows, so that they need not be asked for. */
export function readRows(
  feed: CenterFeed,
  view: CenterView,
  query: ChangesQuery,
  inline: (documents: number) => void,
): RowsRead {
  const isPicked = query.ids !== undefined || query.selector !== undefined || query.descending;
  const options = isPicked ? {} : { limit: query.limit };
  const { end, batches } = feed.changes(query.centerId, query.since, options);
  const read = { end, batches: query.descending ? reversed(batches) : batches };
  return { end, rows: renderedRows(feed, view, query, read, inline) };
}

/** All rows, the last one first: one center's share of the hub. */
async function* reversed(batches: AsyncIterable<FeedRow[]>): AsyncGenerator<FeedRow[]> {
  const all: FeedRow[][] = [];
  for await (const batch of batches) all.push(batch.reverse());
  yield* all.reverse();
}

/**
 * The last row of all carries the sequence that everything leads up to: a client that keeps the last row's sequence
 * as its checkpoint has then seen all, and is not shown again what stood at the same position.
 */
async function* renderedRows(
  feed: CenterFeed,
  view: CenterView,
  query: ChangesQuery,
  { end, batches }: ChangesRead,
  inline: (documents: number) => void,
): AsyncGenerator<Rendered> {
  let left = query.limit;
  if (left === 0) return;
  let held: Rendered | undefined;
  for await (const batch of batches) {
    const { ids } = query;
    const rows = ids ? batch.filter((row) => ids.has(row.id)) : batch;
    for (const row of await renderBatch(feed, view, query, rows, inline)) {
      if (held) yield held;
      held = row;
      left -= 1;
      if (left > 0) continue;
      yield held;
      return;
    }
  }
  if (held) yield query.descending ? held : { ...held, seq: end };
}

/** A row without its sequence: `"id":…,"changes":…}`. */
export interface Rendered {
  seq: string;
  rest: string;
}

export function rowText({ seq, rest }: Rendered): string {
  return `{"seq":"${seq}",${rest}`;
}

async function renderBatch(
  feed: CenterFeed,
  view: CenterView,
  query: ChangesQuery,
  rows: FeedRow[],
  inline: (documents: number) => void,
): Promise<Rendered[]> {
  if (rows.length === 0) return [];
  const docs = await docsOf(feed, view, query, rows);
  if (query.docs === 'cached') inline(docs.filter(Boolean).length);
  return rows.flatMap((row, index) => {
    const doc = docs[index];
    if (query.selector && !(doc && matches(JSON.parse(doc), query.selector))) return [];
    return [{ seq: row.seq, rest: renderRow(row, query, query.docs === 'none' ? undefined : doc) }];
  });
}

async function docsOf(
  feed: CenterFeed,
  view: CenterView,
  query: ChangesQuery,
  rows: FeedRow[],
): Promise<(string | undefined)[]> {
  if (query.docs === 'winner' || query.selector) {
    const requests = rows.map((row) => ({ id: row.id, rev: row.revs[0] as string }));
    const options = { revs: false, latest: true, attachments: query.attachments };
    const docs = await view.read(query.centerId, requests, options);
    return query.conflicts ? withAllConflicts(feed, query.centerId, rows, docs) : docs;
  }
  if (query.docs === 'none') return [];
  const bodies = await feed.bodies(rows.map((row) => row.id));
  return rows.map((row, index) => {
    const cached = bodies[index];
    const isThisLeaf =
      row.revs.length === 1 && cached?.body.startsWith(`{"_id":"${row.id}","_rev":"${row.revs[0]}"`);
    return cached && isThisLeaf ? withHistory(cached.body, cached.history) : undefined;
  });
}

async function withAllConflicts(
  feed: CenterFeed,
  centerId: string,
  rows: FeedRow[],
  docs: (string | undefined)[],
): Promise<(string | undefined)[]> {
  const entries = await feed.entries(rows.map((row) => row.id));
  return rows.map(({ id, deleted }, index) => {
    const [doc, entry] = [docs[index], entries[index]];
    // What has left the scope is a tombstone alone, whatever leaves the hub has.
    if (doc === undefined || !entry || deleted || !feed.inScope(centerId, id)) return doc;
    return withConflicts(doc, entry);
  });
}

function renderRow(row: FeedRow, { allLeaves }: ChangesQuery, doc: string | undefined): string {
  const revs = allLeaves ? row.revs : row.revs.slice(0, 1);
  const changes = revs.map((rev) => `{"rev":${JSON.stringify(rev)}}`).join(',');
  const deleted = row.deleted ? ',"deleted":true' : '';
  const whole = doc === undefined ? '' : `,"doc":${doc}`;
  return `"id":"${row.id}","changes":[${changes}]${deleted}${whole}}`;
}
