import type { FastifyReply } from 'fastify';
import type { StoredDocument } from '../../replication/documents.ts';
import { messageOf, SyncError } from '../../replication/errors.ts';
import { type LeafAnswer, writeMixed, writeRelated } from '../../replication/multipart.ts';
import type { ServerParts } from '../parts.ts';
import { isUnchanged, sendText } from './reply.ts';
import { absent, flag, jsonParameter, type ReplicaRequest } from './request.ts';

type Reading = Pick<ServerParts, 'feed' | 'hub'>;

/** `GET /<doc>`: the winner, a revision, or leaves (`open_revs`), as JSON or multipart. */
export async function sendDocument(
  parts: Reading,
  request: ReplicaRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { centerId, docId } = request.params;
  await parts.feed.fresh();
  if (request.query.open_revs !== undefined) return sendLeaves(parts, request, reply);
  const { rev } = request.query;
  const multipart = request.headers.accept?.includes('multipart/related') === true;
  const withData = flag(request, 'attachments') || multipart;
  const doc = parts.feed.inScope(centerId, docId)
    ? await readOne(parts, docId, { ...readOptions(request), ...(rev ? { rev } : {}), attachments: withData })
    : await readWithdrawn(parts, request, rev);
  // Conflicts come and go beside a revision.
  if (!hasConflicts(request) && isUnchanged(request, reply, doc._rev as string))
    return reply.code(304).send();
  if (!multipart || !doc._attachments) return sendText(request, reply, JSON.stringify(doc));
  const { contentType, body } = writeRelated(doc);
  return reply.type(contentType).send(body);
}

interface ReadOptions {
  revs: boolean;
  latest: boolean;
  conflicts: boolean;
  revs_info: boolean;
  rev?: string;
  attachments?: boolean;
}

function hasConflicts(request: ReplicaRequest): boolean {
  return ['meta', 'conflicts', 'revs_info'].some((name) => flag(request, name));
}

function readOptions(request: ReplicaRequest): ReadOptions {
  const meta = flag(request, 'meta');
  return {
    revs: flag(request, 'revs'),
    latest: flag(request, 'latest'),
    conflicts: meta || flag(request, 'conflicts'),
    revs_info: meta || flag(request, 'revs_info'),
  };
}

async function readOne(
  { hub }: Reading,
  id: string,
  { rev, ...options }: ReadOptions,
): Promise<StoredDocument> {
  try {
    return (await hub.db.get(id, { ...options, ...(rev === undefined ? {} : { rev }) })) as StoredDocument;
  } catch (error) {
    throw refused(error);
  }
}

/** What the hub says of a document that is not there, or of what is no revision, in CouchDB's words. */
function refused(error: unknown): unknown {
  const { status, reason } = error as { status?: number; reason?: string };
  if (status === 400) return new SyncError('bad_request', messageOf(error), { cause: error });
  return status === 404 ? absent(reason === 'deleted' ? 'deleted' : 'missing') : error;
}

async function readWithdrawn(
  { feed }: Reading,
  request: ReplicaRequest,
  rev: string | undefined,
): Promise<StoredDocument> {
  const { centerId, docId } = request.params;
  const tombstone = rev === undefined ? undefined : await feed.withdrawn(centerId, docId, rev);
  if (!tombstone || (tombstone._rev !== rev && !flag(request, 'latest'))) throw absent();
  const { _revisions, ...rest } = tombstone;
  return flag(request, 'revs') ? tombstone : rest;
}

async function sendLeaves(
  parts: Reading,
  request: ReplicaRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const multipart = request.headers.accept?.includes('multipart/mixed') === true;
  const answers = await readLeaves(parts, request, multipart);
  if (!multipart) return sendText(request, reply, JSON.stringify(answers));
  const { contentType, body } = writeMixed(answers);
  return reply.type(contentType).send(body);
}

async function readLeaves(
  parts: Reading,
  request: ReplicaRequest,
  multipart: boolean,
): Promise<LeafAnswer[]> {
  const { centerId, docId } = request.params;
  const all = request.query.open_revs === 'all';
  const asked = all ? [] : jsonParameter(request, 'open_revs');
  if (!Array.isArray(asked))
    throw new SyncError('bad_request', 'open_revs is not all or a list of revisions');
  const revs = asked.map(String);
  if (parts.feed.inScope(centerId, docId)) {
    const options = { ...readOptions(request), attachments: multipart || flag(request, 'attachments') };
    return readOpenRevs(parts, docId, all ? 'all' : revs, options);
  }
  if (all) throw absent();
  return Promise.all(
    revs.map((rev) =>
      readWithdrawn(parts, request, rev).then(
        (ok) => ({ ok }),
        () => ({ missing: rev }),
      ),
    ),
  );
}

async function readOpenRevs(
  { hub }: Reading,
  id: string,
  openRevs: 'all' | string[],
  options: ReadOptions,
): Promise<LeafAnswer[]> {
  try {
    const answers = await hub.db.get(id, {
      ...options,
      open_revs: openRevs,
    } as PouchDB.Core.GetOpenRevisions);
    return answers as unknown as LeafAnswer[];
  } catch (error) {
    const known = refused(error);
    if (openRevs === 'all' || !(known instanceof SyncError && known.code === 'not_found')) throw known;
    return openRevs.map((missing) => ({ missing }));
  }
}
