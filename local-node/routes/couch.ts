import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type CouchHandler, createCouchHandler } from '../../replication/couch-handler.ts';
import { SyncError } from '../../replication/errors.ts';
import { createGroupCommit } from '../../replication/group-commit.ts';
import type { Database } from '../../replication/pouch.ts';
import type { NodeParts } from '../node.ts';
import { REPLICA_NAME } from '../replica.ts';
import { guardWrites } from '../replica-writes.ts';

const ROOT = '/couch';

/** The replica as a CouchDB database for other programs at the center: `/couch/replica`, and nothing beside it. */
export function registerCouch(app: FastifyInstance, parts: NodeParts, stopping: AbortSignal): void {
  const handler = createHandlers(parts, stopping);
  app.register(async (couch) => {
    couch.removeAllContentTypeParsers();
    // The body is the handler's, which gets the raw request.
    couch.addContentTypeParser('*', (_request, _payload, done) => done(null));
    const welcome = {
      couchdb: 'Welcome',
      version: '3.4.2',
      uuid: parts.instanceId.replaceAll('-', ''),
      vendor: { name: 'CBT Sync' },
    };
    // PouchDB asks with the slash: by the uuid it knows its checkpoints again.
    for (const root of [ROOT, `${ROOT}/`]) couch.get(root, async () => welcome);
    couch.all(`${ROOT}/*`, async (request: FastifyRequest, reply: FastifyReply) => {
      const url = (request.raw.url as string).slice(ROOT.length);
      const database = url.split(/[/?]/, 2)[1];
      if (database !== REPLICA_NAME) throw new SyncError('not_found', 'Database does not exist.');
      const handle = handler();
      reply.hijack();
      request.raw.url = url;
      handle(request.raw, reply.raw);
    });
  });
}

/** A handler for each opening of the replica: what a repair has closed must not be used again. */
function createHandlers({ replica, centerId, log }: NodeParts, stopping: AbortSignal): () => CouchHandler {
  let current: { generation: number; handle: CouchHandler } | undefined;
  return () => {
    if (current?.generation === replica.generation) return current.handle;
    // By way of the replica's own, which knows what to do about a disk that is full.
    const bulkDocs = (docs: never, options: object) => replica.db.bulkDocs(docs, options);
    const { write } = createGroupCommit({ bulkDocs } as Pick<Database, 'bulkDocs'>);
    const guarded = guardWrites(new replica.pouch(REPLICA_NAME), centerId, write);
    const held = (): Database => {
      // Throws while the replica is closed.
      void replica.db;
      return guarded;
    };
    const handle = createCouchHandler(replica.pouch, {
      databases: async () => [REPLICA_NAME],
      held,
      mayCreate: false,
      stopping: AbortSignal.any([stopping, replica.closing]),
      onError: (err, { method, url }) => log.error({ err, method, url }, 'a request under /couch failed'),
    });
    current = { generation: replica.generation, handle };
    return handle;
  };
}
