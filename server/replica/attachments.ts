import type { FastifyReply } from 'fastify';
import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import type { ServerParts } from '../parts.ts';
import { isUnchanged } from './reply.ts';
import { absent, type ReplicaRequest } from './request.ts';
import { storedOrThrow, type WriteForCenter } from './writes.ts';

type Stored = { ok: true; id: string; rev: string };

/** `GET /<doc>/<name>`: an attachment's bytes, of the winner or of `rev`. */
export async function sendAttachment(
  { feed, hub }: ServerParts,
  request: ReplicaRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { centerId, docId, '*': name } = request.params;
  await feed.fresh();
  if (!feed.inScope(centerId, docId)) throw absent();
  const stub = (await currentVersion(hub.db, docId, request.query.rev))?._attachments?.[name];
  if (!stub) throw absent();
  if (stub.digest && isUnchanged(request, reply, stub.digest)) return reply.code(304).send();
  const options = request.query.rev === undefined ? {} : { rev: request.query.rev };
  const data = await hub.db.getAttachment(docId, name, options);
  return reply.type(stub.content_type).send(data);
}

/** `PUT /<doc>/<name>?rev=`: adds or replaces an attachment. */
export async function putAttachment(
  { feed, hub }: ServerParts,
  write: WriteForCenter,
  request: ReplicaRequest,
): Promise<Stored> {
  const { '*': name, centerId, docId } = request.params;
  if (!(request.body instanceof Buffer)) throw new SyncError('bad_request', 'the attachment has no body');
  const attachment = {
    content_type: request.headers['content-type'] ?? 'application/octet-stream',
    data: request.body.toString('base64'),
  };
  const doc = (await revisionToChange({ feed, hub }, request)) ?? { _id: docId };
  const changed = { ...doc, _attachments: { ...doc._attachments, [name]: attachment } };
  return storedOrThrow((await write(centerId, [changed], { newEdits: true }))[0]);
}

/** `DELETE /<doc>/<name>?rev=`. */
export async function deleteAttachment(
  { feed, hub }: ServerParts,
  write: WriteForCenter,
  request: ReplicaRequest,
): Promise<Stored> {
  const { '*': name, centerId } = request.params;
  const doc = await revisionToChange({ feed, hub }, request);
  if (!doc?._attachments?.[name]) throw absent();
  const { [name]: _removed, ...kept } = doc._attachments;
  return storedOrThrow((await write(centerId, [{ ...doc, _attachments: kept }], { newEdits: true }))[0]);
}

/** The document at the revision the request names. @throws SyncError conflict when that is not its winner. */
async function revisionToChange(
  { feed, hub }: Pick<ServerParts, 'feed' | 'hub'>,
  request: ReplicaRequest,
): Promise<StoredDocument | undefined> {
  const { centerId, docId } = request.params;
  const rev = request.query.rev ?? request.headers['if-match']?.replaceAll('"', '');
  const doc = feed.inScope(centerId, docId) ? await currentVersion(hub.db, docId, undefined) : undefined;
  if (doc?._rev !== rev) throw new SyncError('conflict', 'Document update conflict.');
  return doc;
}

async function currentVersion(
  hub: ServerParts['hub']['db'],
  id: string,
  rev: string | undefined,
): Promise<StoredDocument | undefined> {
  try {
    return (await hub.get(id, rev === undefined ? {} : { rev })) as StoredDocument;
  } catch (error) {
    if ((error as { status?: number }).status === 404) return undefined;
    throw error;
  }
}
