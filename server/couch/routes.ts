import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type CouchHandler, createCouchHandler } from '../../replication/couch-handler.ts';
import { SyncError } from '../../replication/errors.ts';
import { HUB_NAME } from '../hub.ts';
import type { ServerParts } from '../parts.ts';
import { createCouchProxy } from './proxy.ts';

const ROOT = '/couch';

/** The hub as a whole, with its design documents, for administrators: `/couch/*`. And `/`, as CouchDB has it. */
export function registerCouch(app: FastifyInstance, parts: ServerParts): void {
  const welcome = {
    couchdb: 'Welcome',
    version: '3.4.2',
    uuid: parts.uuid,
    vendor: { name: 'CBT Sync' },
  };
  app.get('/', async () => welcome);

  app.register(async (couch) => {
    const handle = openHandler(parts);
    couch.addHttpMethod('COPY');
    couch.removeAllContentTypeParsers();
    // The body is the handler's, which gets the raw request.
    couch.addContentTypeParser('*', (_request, _payload, done) => done(null));
    couch.addHook('onRequest', async (request) => requireAdmin(request, parts));
    if (parts.hub.pouch) couch.get(ROOT, async () => welcome);
    else couch.all(ROOT, serve);
    couch.all(`${ROOT}/*`, serve);

    async function serve(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      reply.hijack();
      request.raw.url = (request.raw.url as string).slice(ROOT.length) || '/';
      handle(request.raw, reply.raw);
    }
  });
}

async function requireAdmin(request: FastifyRequest, { credentials }: ServerParts): Promise<void> {
  const identity = await credentials.verify(request.headers.authorization);
  if (identity?.role !== 'admin') throw new SyncError('unauthorized', 'this is for administrators');
}

function openHandler({ config, hub, log, stopping }: ServerParts): CouchHandler {
  if (!hub.pouch) return createCouchProxy(config.hubUrl as string, { log, stopping });
  const folder = join(config.dataDir, 'couch');
  return createCouchHandler(hub.pouch, {
    databases: () => databasesIn(folder),
    held: (name) => (name === HUB_NAME ? hub.db : undefined),
    mayCreate: true,
    stopping,
    onError: (err, { method, url }) => log.error({ err, method, url }, 'a request under /couch failed'),
  });
}

/** PouchDB's databases in a folder, but not the indexes of their views. */
async function databasesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.includes('-mrview-'))
    .map(({ name }) => name);
}
