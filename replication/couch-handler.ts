import type { IncomingMessage, ServerResponse } from 'node:http';
import { contain } from './contain.ts';
import { isServedHere, serveChanges } from './couch-changes.ts';
import { asksForParts, sendsParts, serveLeaves, servePut } from './couch-multipart.ts';
import { type CouchPath, jsonQuery, parseCouchPath, readJsonBody, sendJson } from './couch-request.ts';
import { messageOf, outOfSpace, SyncError } from './errors.ts';
import type { Database, PouchConstructor } from './pouch.ts';
import { refuseAlone } from './refuse-alone.ts';

export interface CouchHandlerOptions {
  /** The names of the databases there are. */
  databases(): Promise<string[]>;
  /**
   * A database that the program itself holds open: it can be neither made nor destroyed here. `undefined` for others.
   * It has to refuse what cannot be stored.
   * @throws SyncError not_ready while it is closed.
   */
  held(name: string): Database | undefined;
  /** Whether other databases may be made. */
  mayCreate: boolean;
  /** Aborts when the program stops: feeds that wait end. */
  stopping: AbortSignal;
  onError(error: unknown, request: IncomingMessage): void;
}

/** Takes a request whose `url` is a path under the CouchDB root. */
export type CouchHandler = (request: IncomingMessage, response: ServerResponse) => void;

const BODY_LIMIT_BYTES = 64 * 1024 * 1024;
/** Parameters of the filter `center/by_center`, whose ids must not be taken for numbers. */
const TEXT_PARAMETERS = ['center', 'tests'];

/**
 * PouchDBs as a CouchDB server, through express-pouchdb. What it cannot do safely is done here: feeds that wait,
 * filters by selector, and multipart: bodies, which it leaves in temporary files and a broken one of which ends the
 * process, and answers, which it has none of.
 */
export function createCouchHandler(pouch: PouchConstructor, options: CouchHandlerOptions): CouchHandler {
  const databases = createDatabases(pouch, options);
  let app: ReturnType<typeof openApp> | undefined;

  /** Loaded with the first request: most runs see none. */
  async function openApp() {
    const { default: expressPouchDB } = await import('express-pouchdb');
    // The parts that are left out keep users, sessions, a configuration and a log of their own, in the working folder.
    const opened = expressPouchDB(databases.facade, {
      mode: 'minimumForPouchDB',
      overrideMode: { include: ['routes/find', 'routes/ddoc-info'] },
    });
    opened.disable('x-powered-by');
    opened.use((error, request, response, _next) => fail(error, request, response));
    return opened;
  }

  function fail(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    // A client that has gone away is no failure of ours.
    if (response.destroyed) return;
    const { status, name } = error as { status?: number; name?: string };
    const reason = messageOf(error);
    if (error instanceof SyncError) {
      sendJson(response, error.statusCode, error);
    } else if (status !== undefined && status < 500) {
      sendJson(response, status, { error: name ?? 'bad_request', reason });
    } else {
      options.onError(error, request);
      const known = outOfSpace(error) ?? new SyncError('internal_error', reason);
      sendJson(response, known.statusCode, known);
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = parseCouchPath(request.url ?? '/');
    if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT_BYTES) {
      throw new SyncError('too_large', 'the request entity is too large');
    }
    const query = jsonQuery(path.query);
    await databases.destroyed(path.database);
    // What throws later, in express-pouchdb's chain of openings, has every request after it fail.
    options.held(path.database);
    if (path.rest === '' && path.database !== '' && !path.database.startsWith('_')) {
      if (request.method === 'DELETE' && !path.query.has('rev')) {
        await databases.destroy(path.database);
        sendJson(response, 200, { ok: true });
        return;
      }
      if (request.method === 'PUT') databases.checkCreate(path.database);
    }
    if (path.rest === '_changes' && isServedHere(query)) {
      const db = await databases.open(path.database);
      const body = request.method === 'POST' ? await readJsonBody(request, BODY_LIMIT_BYTES) : {};
      return serveChanges(db, { ...body, ...textQuery(path, query) }, response, options.stopping);
    }
    if (sendsParts(request)) {
      return servePut(await databases.open(path.database), path, { request, response }, BODY_LIMIT_BYTES);
    }
    if (asksForParts(request, path)) return serveLeaves(await databases.open(path.database), path, response);
    request.url = quoteParameters(request.url ?? '/', path);
    app ??= openApp();
    (await app)(request, response);
  }

  return (request, response) => {
    const onFailure = (error: unknown): void => fail(error, request, response);
    contain(() => void serve(request, response).catch(onFailure), onFailure);
  };
}

/** What express-pouchdb takes for a PouchDB constructor: only the databases that may be reached, opened once each. */
function createDatabases(pouch: PouchConstructor, { databases, held, mayCreate }: CouchHandlerOptions) {
  const opened = new Map<string, Database>();
  const destroying = new Map<string, Promise<void>>();

  function openNow(name: string): Database {
    const db = held(name) ?? opened.get(name) ?? refuseAlone(new pouch(name));
    if (!held(name)) opened.set(name, db);
    return db;
  }

  /** Called back, or at the start for its promise. */
  async function allDbs(callback?: (error: unknown, names?: string[]) => void): Promise<string[]> {
    const names = await databases();
    callback?.(undefined, names);
    return names;
  }

  function Facade(name: string): Database {
    return openNow(name);
  }
  const facade: object = Object.assign(Facade, {
    new: openNow,
    allDbs,
    defaults: true,
    preferredAdapters: ['leveldb'],
    // It would put an old pouchdb-find in the place of the one that is installed already.
    plugin: () => facade,
    __dbCacheMap: { get: openNow, set() {}, delete() {} },
  });

  return {
    facade,
    async open(name: string): Promise<Database> {
      const exists = (await databases()).includes(name) && !destroying.has(name);
      if (!exists) throw new SyncError('not_found', 'no_db_file');
      return openNow(name);
    },
    checkCreate(name: string): void {
      if (mayCreate || held(name)) return;
      throw new SyncError('forbidden', 'databases are not made here');
    },
    async destroy(name: string): Promise<void> {
      if (held(name)) throw new SyncError('forbidden', `${name} is in use and is not destroyed over HTTP`);
      const db = await this.open(name);
      // Until its folder is gone it stays the one that is open: another would never be ready.
      const gone = db.destroy().finally(() => {
        opened.delete(name);
        destroying.delete(name);
      });
      destroying.set(
        name,
        gone.catch(() => undefined),
      );
      await gone;
    },
    /** Resolves when a database of this name is not, or no longer, being destroyed. */
    async destroyed(name: string): Promise<void> {
      await destroying.get(name);
    },
  };
}

/** The query with the filter's ids as they stand in it. */
function textQuery({ query }: CouchPath, parsed: Record<string, unknown>): Record<string, unknown> {
  const texts = TEXT_PARAMETERS.filter((name) => query.has(name)).map((name) => [name, query.get(name)]);
  return { ...parsed, ...Object.fromEntries(texts) };
}

/** The URL with the filter's ids as JSON strings, since express-pouchdb would read `2026.10` as 2026.1. */
function quoteParameters(url: string, { rest, query }: CouchPath): string {
  if (rest !== '_changes' || !TEXT_PARAMETERS.some((name) => query.has(name))) return url;
  const quoted = new URLSearchParams(query);
  for (const name of TEXT_PARAMETERS) {
    const text = quoted.get(name);
    if (text !== null) quoted.set(name, JSON.stringify(text));
  }
  return `${url.split('?', 1)[0]}?${quoted}`;
}
