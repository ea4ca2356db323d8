import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CouchPath, sendJson } from './couch-request.ts';
import { SyncError } from './errors.ts';
import { type LeafAnswer, readRelated, writeMixed } from './multipart.ts';
import type { Database } from './pouch.ts';

/** Documents with their attachments under `/couch`, as CouchDB's replicator sends and asks for them. */

/** Whether a request brings a document as `multipart/related`. @throws SyncError unsupported_media_type for a form. */
export function sendsParts({ method, headers }: IncomingMessage): boolean {
  const type = headers['content-type'] ?? '';
  if (type.startsWith('multipart/form-data')) {
    throw new SyncError('unsupported_media_type', 'attachments are sent with PUT');
  }
  return method === 'PUT' && type.startsWith('multipart/related');
}

/** `PUT` of a document with its attachments as `multipart/related`. */
export async function servePut(
  db: Database,
  { rest, query }: CouchPath,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  limitBytes: number,
): Promise<void> {
  const doc = await readRelated(request.headers['content-type'] ?? '', request, limitBytes);
  const rev = doc._rev ?? query.get('rev') ?? undefined;
  const put = { ...doc, _id: decodeURIComponent(rest), ...(rev && { _rev: rev }) };
  const newEdits = query.get('new_edits') !== 'false';
  const stored = await db.put(put as never, newEdits ? {} : ({ new_edits: false } as never));
  response.setHeader('etag', JSON.stringify(stored.rev));
  sendJson(response, 201, { ok: true, id: stored.id, rev: stored.rev });
}

/** Whether leaves of a document are asked for as `multipart/mixed`. */
export function asksForParts({ method, headers }: IncomingMessage, { query }: CouchPath): boolean {
  return method === 'GET' && query.has('open_revs') && headers.accept?.includes('multipart/mixed') === true;
}

/** `GET /<doc>?open_revs=`: leaves with their attachments as `multipart/mixed`. */
export async function serveLeaves(
  db: Database,
  { rest, query }: CouchPath,
  response: ServerResponse,
): Promise<void> {
  const answers = await db.get(decodeURIComponent(rest), {
    open_revs: openRevsOf(query.get('open_revs') as string),
    revs: query.get('revs') === 'true',
    latest: query.get('latest') === 'true',
    attachments: true,
  } as PouchDB.Core.GetOpenRevisions);
  const { contentType, body } = writeMixed(answers as unknown as LeafAnswer[]);
  response.writeHead(200, { 'content-type': contentType, 'content-length': body.length }).end(body);
}

function openRevsOf(text: string): unknown {
  if (text === 'all') return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyncError('bad_request', 'open_revs is not JSON', { cause });
  }
}
