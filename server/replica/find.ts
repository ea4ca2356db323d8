import { filterInMemoryFields, massageSelector, matchesSelector } from 'pouchdb-selector-core';
import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import { isObject } from '../../replication/json.ts';
import type { CenterFeed } from '../feed/feed.ts';
import { ALL_IDS, liveEntries } from './all-docs.ts';
import type { CenterView } from './view.ts';

const DEFAULT_LIMIT = 25;

/** What Mango's `_find` answers. */
export interface FindAnswer {
  docs: object[];
  bookmark: string;
}

/**
 * `_find` within a center's scope. It reads the scope in order of ids, which is a few thousand documents, and stops at
 * the limit where no other order is asked for. @throws SyncError bad_request for a query that is none.
 */
export async function find(
  feed: CenterFeed,
  view: CenterView,
  centerId: string,
  query: Record<string, unknown>,
): Promise<FindAnswer> {
  const { selector, fields, sort } = query;
  if (!isObject(selector)) throw new SyncError('bad_request', 'selector is not a JSON object');
  if (fields !== undefined && !Array.isArray(fields))
    throw new SyncError('bad_request', 'fields is not a list');
  if (sort !== undefined && !(Array.isArray(sort) && sort.every(isSortField))) {
    throw new SyncError('bad_request', 'sort is not a list of fields');
  }
  const limit = count(query.limit, 'limit') ?? DEFAULT_LIMIT;
  const skip = count(query.skip, 'skip') ?? 0;
  await feed.fresh();
  const enough = sort === undefined || sort.length === 0 ? skip + limit : Number.POSITIVE_INFINITY;
  let docs = await matching(feed, view, centerId, massage(selector), enough);
  if (sort !== undefined && sort.length > 0) docs = sorted(docs, sort);
  const page = docs.slice(skip, skip + limit);
  return { docs: fields ? page.map((doc) => pick(doc, fields.map(String))) : page, bookmark: 'nil' };
}

function isSortField(field: unknown): boolean {
  return typeof field === 'string' || (isObject(field) && Object.keys(field).length === 1);
}

function count(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && Number(value) >= 0) return Number(value);
  throw new SyncError('bad_request', `${name} is not a whole number`);
}

function massage(selector: object): object {
  try {
    return massageSelector(selector);
  } catch (cause) {
    throw new SyncError('bad_request', `selector: ${(cause as Error).message}`, { cause });
  }
}

async function matching(
  feed: CenterFeed,
  view: CenterView,
  centerId: string,
  selector: object,
  enough: number,
): Promise<StoredDocument[]> {
  const found: StoredDocument[] = [];
  for await (const entries of liveEntries(feed, centerId, ALL_IDS)) {
    const requests = entries.map(([id, entry]) => ({ id, rev: entry.leaves[0]?.rev as string }));
    const texts = await view.read(centerId, requests, { revs: false, latest: true, attachments: false });
    for (const text of texts) {
      if (text === undefined) continue;
      const doc = JSON.parse(text) as StoredDocument;
      if (matches(doc, selector)) found.push(doc);
      if (found.length >= enough) return found;
    }
  }
  return found;
}

/** Whether a document is selected. @throws SyncError bad_request for an operator that there is not. */
export function matches(doc: StoredDocument, selector: object): boolean {
  try {
    return matchesSelector(doc, selector);
  } catch (cause) {
    throw new SyncError('bad_request', `selector: ${(cause as Error).message}`, { cause });
  }
}

function sorted(docs: StoredDocument[], sort: unknown[]): StoredDocument[] {
  const order = sort.map((field) => (typeof field === 'string' ? { [field]: 'asc' } : field)) as object[];
  const rows = docs.map((doc) => ({ doc }));
  return filterInMemoryFields(rows, { selector: {}, sort: order }, []).map((row) => row.doc);
}

/** The fields of a document that a query asks for; `a.b` names a field of a field. */
function pick(doc: StoredDocument, fields: string[]): object {
  const picked: Record<string, unknown> = {};
  for (const field of fields) {
    const path = field.split('.');
    const value = path.reduce<unknown>((from, name) => (isObject(from) ? from[name] : undefined), doc);
    if (value === undefined) continue;
    let into = picked;
    for (const name of path.slice(0, -1)) {
      const inner = Object.hasOwn(into, name) && isObject(into[name]) ? into[name] : {};
      into[name] = inner;
      into = inner;
    }
    into[path.at(-1) as string] = value;
  }
  return picked;
}
