import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import type { WriteOutcome } from '../../replication/group-commit.ts';
import { isObject } from '../../replication/json.ts';
import { readRelated } from '../../replication/multipart.ts';
import { isCenter } from '../control/known-centers.ts';
import { registerNodeKeys } from '../exam/node-routes.ts';
import type { ServerParts } from '../parts.ts';
import { sendAllDocs } from './all-docs.ts';
import { deleteAttachment, putAttachment, sendAttachment } from './attachments.ts';
import { sendBulkGet } from './bulk-get.ts';
import { sendChanges } from './changes.ts';
import { registerDigests } from './digests.ts';
import { sendDocument } from './documents.ts';
import { find } from './find.ts';
import { registerLocalDocuments } from './local-routes.ts';
import { watchMethods } from './methods.ts';
import { createPendingCounts } from './pending.ts';
import { recordWrites } from './record-writes.ts';
import { sendText } from './reply.ts';
import { absent, documentBody, objectBody, type ReplicaRequest } from './request.ts';
import { missingRevs, revsDiff } from './revs-diff.ts';
import { createTurns } from './turns.ts';
import { unpackBodies } from './unpack-bodies.ts';
import { createCenterView } from './view.ts';
import { createCenterWrites, storedOrThrow, type WriteForCenter } from './writes.ts';

/** Batches that are parsed and written at the same time: enough to share a sync, few enough to stay in memory. */
const BATCHES_AT_ONCE = 8;

/** The center feed as a CouchDB database: `/replicas/<centerId>`. */
export function registerReplicas(app: FastifyInstance, parts: ServerParts): void {
  const write = recordWrites(createCenterWrites(parts), parts);
  // PouchDB asks the parent path for the server's uuid.
  app.get('/replicas/', async () => ({
    couchdb: 'Welcome',
    uuid: parts.uuid,
    version: '3.4.2',
    vendor: { name: 'CBT Sync' },
  }));
  app.register(async (replicas) => {
    replicas.addHook('onRequest', (request) => admit(parts, request as ReplicaRequest));
    unpackBodies(replicas);
    parseBodies(replicas);
    const refuseOtherMethods = watchMethods(replicas);
    registerDatabase(replicas, parts, write);
    registerLocalDocuments(replicas, parts);
    registerDigests(replicas, parts);
    registerNodeKeys(replicas, parts);
    registerDocuments(replicas, parts, write);
    refuseOtherMethods();
  });
  app.register(async (attachments) => {
    attachments.addHook('onRequest', (request) => admit(parts, request as ReplicaRequest));
    unpackBodies(attachments);
    // An attachment is bytes, whatever its content type: JSON must arrive as it was sent.
    attachments.removeAllContentTypeParsers();
    attachments.addContentTypeParser(
      '*',
      { parseAs: 'buffer' },
      async (_: FastifyRequest, body: Buffer) => body,
    );
    registerAttachments(attachments, parts, write);
  });
}

/** A center comes to its own replica only; whether another one exists is not told. */
async function admit(parts: ServerParts, request: ReplicaRequest): Promise<void> {
  const { credentials, operations } = parts;
  const identity = await credentials.verify(request.headers.authorization);
  if (!identity) throw new SyncError('unauthorized', 'Name or password is incorrect.');
  const { centerId } = request.params;
  if (identity.role === 'center' && identity.centerId !== centerId) {
    throw new SyncError('forbidden', 'this is another center’s replica');
  }
  if (identity.role === 'admin' && !(await isCenter(parts, centerId))) {
    throw new SyncError('not_found', 'Database does not exist.');
  }
  if (identity.role === 'center') operations.heard(centerId, request.ip);
}

/** JSON and empty bodies are read here; `multipart/related` is left to the route as a stream. */
function parseBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('multipart/related', async (_: FastifyRequest, payload: Readable) => payload);
  // Text until a route needs it: a thousand bodies that wait for their turn cost less than what they parse to.
  app.addContentTypeParser('*', { parseAs: 'string' }, async (_: FastifyRequest, body: string) => body);
}

function registerDatabase(app: FastifyInstance, parts: ServerParts, write: WriteForCenter): void {
  const { feed } = parts;
  const view = createCenterView(parts);
  const pendingCounts = createPendingCounts(feed);
  const base = '/replicas/:centerId';

  app.get<Typed>(base, (request, reply) => sendInfo(parts, request, reply));
  app.put(base, async () => {
    throw new SyncError('file_exists', 'The database could not be created, the file already exists.');
  });
  app.post<Typed>(base, async (request, reply) => {
    const [outcome] = await write(request.params.centerId, [documentBody(request)], { newEdits: true });
    return reply.code(201).send(storedOrThrow(outcome));
  });
  app.get<Typed>(`${base}/_changes`, (request, reply) =>
    sendChanges(parts, view, pendingCounts, request, reply),
  );
  app.post<Typed>(`${base}/_changes`, (request, reply) =>
    sendChanges(parts, view, pendingCounts, request, reply),
  );
  app.post<Typed>(`${base}/_bulk_get`, async (request, reply) => {
    await feed.fresh();
    return sendBulkGet(parts, view, request, reply);
  });
  app.post<Typed>(`${base}/_revs_diff`, async (request, reply) => {
    const diff = await revsDiff(parts, request.params.centerId, objectBody(request));
    return sendText(request, reply, JSON.stringify(diff));
  });
  app.post<Typed>(`${base}/_missing_revs`, async (request, reply) => {
    const diff = await revsDiff(parts, request.params.centerId, objectBody(request));
    return sendText(request, reply, JSON.stringify({ missing_revs: missingRevs(diff) }));
  });
  const inTurn = createTurns(BATCHES_AT_ONCE);
  app.post<Typed>(`${base}/_bulk_docs`, async (request, reply) => {
    const answer = await inTurn(() => writeBatch(write, request));
    return sendText(request, reply.code(201), JSON.stringify(answer));
  });
  app.get<Typed>(`${base}/_all_docs`, (request, reply) => sendAllDocs(feed, view, request, reply));
  app.post<Typed>(`${base}/_all_docs`, (request, reply) => sendAllDocs(feed, view, request, reply));
  app.post<Typed>(`${base}/_find`, async (request, reply) => {
    const found = await find(feed, view, request.params.centerId, objectBody(request));
    return sendText(request, reply, JSON.stringify(found));
  });
  app.post(`${base}/_ensure_full_commit`, async (_request, reply) =>
    reply.code(201).send({ ok: true, instance_start_time: '0' }),
  );
}

interface Typed {
  Params: ReplicaRequest['params'];
  Querystring: ReplicaRequest['query'];
}

async function sendInfo(
  { feed }: ServerParts,
  request: ReplicaRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  await feed.fresh();
  const { documents, deleted, updateSeq } = feed.info(request.params.centerId);
  return reply.send({
    db_name: request.params.centerId,
    doc_count: documents,
    doc_del_count: deleted,
    update_seq: updateSeq,
    purge_seq: 0,
    compact_running: false,
    instance_start_time: '0',
    disk_format_version: 8,
    props: {},
  });
}

async function writeBatch(write: WriteForCenter, request: ReplicaRequest): Promise<WriteOutcome[]> {
  const { docs, new_edits } = objectBody(request);
  if (!Array.isArray(docs)) throw new SyncError('bad_request', 'docs is not a list');
  const newEdits = new_edits !== false;
  const outcomes = await write(request.params.centerId, docs.map(identified), { newEdits });
  return newEdits ? outcomes : outcomes.filter((outcome) => 'error' in outcome);
}

/** A document of a batch. Without a usable id it cannot be addressed, so it is refused under an empty one. */
function identified(doc: unknown): StoredDocument {
  if (!isObject(doc)) return { _id: '', value: doc };
  return { ...doc, _id: typeof doc._id === 'string' ? doc._id : '' };
}

function registerDocuments(app: FastifyInstance, parts: ServerParts, write: WriteForCenter): void {
  const path = '/replicas/:centerId/:docId';

  app.get<Typed>(path, (request, reply) => {
    refuseReserved(request.params.docId);
    return sendDocument(parts, request, reply);
  });
  app.put<Typed>(path, async (request, reply) => {
    const { centerId, docId } = request.params;
    refuseReserved(docId);
    const newEdits = request.query.new_edits !== 'false';
    const doc = await readDocument(request, docId);
    const rev = doc._rev ?? revisionOf(request);
    const [outcome] = await write(centerId, [rev === undefined ? doc : { ...doc, _rev: rev }], { newEdits });
    return reply.code(201).send(storedOrThrow(outcome));
  });
  app.delete<Typed>(path, async (request) => {
    const { centerId, docId } = request.params;
    refuseReserved(docId);
    const rev = revisionOf(request);
    await parts.feed.fresh();
    const exists = parts.feed.inScope(centerId, docId) && (await parts.feed.entries([docId]))[0];
    if (!exists) throw absent();
    if (rev === undefined) throw new SyncError('conflict', 'Document update conflict.');
    const tombstone = { _id: docId, _rev: rev, _deleted: true };
    return storedOrThrow((await write(centerId, [tombstone], { newEdits: true }))[0]);
  });
}

function revisionOf(request: ReplicaRequest): string | undefined {
  return request.query.rev ?? request.headers['if-match']?.replaceAll('"', '');
}

async function readDocument(request: ReplicaRequest, id: string): Promise<StoredDocument> {
  const contentType = request.headers['content-type'] ?? '';
  if (!contentType.startsWith('multipart/related')) return documentBody(request, id);
  return {
    ...(await readRelated(contentType, request.body as Readable, request.routeOptions.bodyLimit)),
    _id: id,
  };
}

/** Paths of a CouchDB database that a center feed does not have: design documents, indexes, security. */
function refuseReserved(docId: string): void {
  if (docId.startsWith('_')) throw absent();
}

function registerAttachments(app: FastifyInstance, parts: ServerParts, write: WriteForCenter): void {
  const path = '/replicas/:centerId/:docId/*';
  app.get<Typed>(path, (request, reply) => {
    refuseReserved(request.params.docId);
    return sendAttachment(parts, request, reply);
  });
  app.put<Typed>(path, async (request, reply) => {
    refuseReserved(request.params.docId);
    return reply.code(201).send(await putAttachment(parts, write, request));
  });
  app.delete<Typed>(path, async (request) => {
    refuseReserved(request.params.docId);
    return deleteAttachment(parts, write, request);
  });
}
