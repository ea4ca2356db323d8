import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type CouchHandler, createCouchHandler } from '../../replication/couch-handler.ts';
import { SyncError } from '../../replication/errors.ts';
import { refuseAlone } from '../../replication/refuse-alone.ts';
import { HUB_NAME } from '../hub.ts';
import type { ServerParts } from '../parts.ts';
import { createCouchProxy } from './proxy.ts';

const ROOT = '/couch';

/** How a CouchDB greets at its root. */
export function welcomeOf({ uuid }: Pick<ServerParts, 'uuid'>) {
  return { couchdb: 'Welcome', version: '3.4.2', uuid, vendor: { name: 'CBT Sync' } };
}

/** The hub as a whole, with its design documents, for administrators: `/couch/*`. */
export function registerCouch(app: FastifyInstance, parts: ServerParts): void {
  const welcome = welcomeOf(parts);
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

    function record({ method, url, ip }: FastifyRequest, status: number): void {
      const outcome = status < 300 ? 'done' : status < 500 ? 'refused' : 'failed';
      const details = { method, path: url.split('?', 1)[0], status };
      const act = { action: 'couch.written', actor: 'admin', from: ip, outcome, details } as const;
      parts.audit.append(act).catch((err: unknown) => parts.log.error({ err }, 'an act is not on record'));
    }

    async function serve(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      reply.hijack();
      if (isChange(request)) reply.raw.once('close', () => record(request, reply.raw.statusCode));
      request.raw.url = (request.raw.url as string).slice(ROOT.length) || '/';
      handle(request.raw, reply.raw);
    }
  });
}

/** Requests by POST that read. */
const READING =
  /\/(_all_docs|_bulk_get|_changes|_find|_explain|_revs_diff|_missing_revs|_local\/[^/]+|_ensure_full_commit)$/;

function isChange({ method, url }: FastifyRequest): boolean {
  const path = url.split('?', 1)[0] ?? '';
  return method !== 'GET' && method !== 'HEAD' && !READING.test(path);
}

async function requireAdmin(request: FastifyRequest, { credentials }: ServerParts): Promise<void> {
  const identity = await credentials.verify(request.headers.authorization);
  if (identity?.role !== 'admin') throw new SyncError('unauthorized', 'this is for administrators');
}

function openHandler({ config, hub, log, stopping }: ServerParts): CouchHandler {
  if (!hub.pouch) return createCouchProxy(config.hubUrl as string, { log, stopping });
  const folder = join(config.dataDir, 'couch');
  // An object of its own on the same database: the program's own writes were judged before.
  const guarded = refuseAlone(new hub.pouch(HUB_NAME), undefined, hub.write);
  return createCouchHandler(hub.pouch, {
    databases: () => databasesIn(folder),
    held: (name) => (name === HUB_NAME ? guarded : undefined),
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
