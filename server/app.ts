import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { pino } from 'pino';
import { installDesignDocuments } from '../design-docs/install.ts';
import { unusableFolder } from '../replication/data-folder.ts';
import { SyncError } from '../replication/errors.ts';
import type { OnFailure } from '../replication/pouch.ts';
import { announceRunning } from '../replication/running.ts';
import { openBoard } from './board/board.ts';
import type { ServerConfig } from './config.ts';
import { registerApi } from './control/api.ts';
import { openAudit } from './control/audit.ts';
import { openConflicts } from './control/conflicts/conflicts.ts';
import { openOrigins } from './control/conflicts/origins.ts';
import { openCredentials } from './control/credentials.ts';
import { adminToken, serverUuid } from './control/identity.ts';
import { openOperations } from './control/operations.ts';
import { registerPageSession } from './control/page-session.ts';
import { openQuarantine } from './control/quarantine.ts';
import { type ControlStore, openControlStore } from './control/store.ts';
import { registerCouch } from './couch/routes.ts';
import { registerErrors, sendError } from './errors.ts';
import { openEvents } from './events/open.ts';
import { openExamDay } from './exam/exam-day.ts';
import { openFeed } from './feed/open.ts';
import { openHub } from './hub.ts';
import { openIngest } from './ingest/mongo/open.ts';
import { openMirrors } from './mirrors/open.ts';
import { registerObservability } from './observability.ts';
import { mediaTypeConstraint } from './packages/media-type.ts';
import { openPackages } from './packages/packages.ts';
import { registerPages } from './pages/routes.ts';
import type { ServerParts } from './parts.ts';
import { registerReplicas } from './replica/routes.ts';
import { createTurns } from './replica/turns.ts';
import { openAccess } from './sync-api/access.ts';

const BODY_LIMIT_BYTES = 64 * 1024 * 1024;
/** Document ids may stand in a path, percent-encoded: what Node takes of a request's head is limit enough. */
const MAX_PARAM_LENGTH = 16 * 1024;
/** Routes are found by the decoded path, in which this slash would still not divide. */
const ENCODED_LOCAL_ID = /^(\/replicas\/[^/?]+\/_local)%2f/i;

/** The server, open. Disposing it ends what waits, finishes what runs and closes the parts in reverse. */
export interface Server extends AsyncDisposable {
  /** Where it answers, on this machine; empty when it does not listen. */
  readonly url: string;
  readonly adminToken: string;
  readonly parts: ServerParts;
  readonly app: FastifyInstance;
}

export interface ServerOptions {
  /** False: routes answer to `app.inject` only. */
  listen?: boolean;
  /** False: leaves no address in `dataDir`; for a command that opens the folder for its own use. */
  announce?: boolean;
  log?: FastifyBaseLogger;
}

/** Opens the server's parts, then its routes. @throws SyncError in_use when the folder or the port is taken. */
export async function openServer(config: ServerConfig, options: ServerOptions = {}): Promise<Server> {
  await using opening = new AsyncDisposableStack();
  const log = options.log ?? pino({ level: config.logLevel });
  const unwritable = new AbortController();
  const onFailure = (error: unknown) => unwritable.abort(error);
  const store = opening.use(await openStore(config.dataDir, onFailure));
  const admin = await adminToken(config.dataDir, config.adminToken);
  const stopping = new AbortController();
  const signals = { stopping: stopping.signal, unwritable: unwritable.signal };
  const parts = await openParts({ config, store, log, ...signals }, onFailure, admin.token, opening);
  const app = await openRoutes(parts, admin.token, opening);
  opening.defer(() => stopping.abort());
  let url = '';
  if (options.listen !== false) {
    url = await listen(app, config);
    if (admin.file) log.info({ file: admin.file }, `the admin token is in ${admin.file}`);
    if (options.announce !== false) {
      opening.use(await announceRunning(config.dataDir, { url, token: admin.token }));
    }
  }
  const opened = opening.move();
  return { url, adminToken: admin.token, parts, app, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Each part after those it needs; `opening` closes them in reverse. */
async function openParts(
  given: Pick<ServerParts, 'config' | 'store' | 'log' | 'stopping' | 'unwritable'>,
  onFailure: OnFailure,
  token: string,
  opening: AsyncDisposableStack,
): Promise<ServerParts> {
  const { config, store, log } = given;
  const hub = opening.use(await openHub({ ...config, onFailure }));
  await installDesignDocuments(hub.db);
  const feed = opening.use(await openFeed({ dataDir: config.dataDir, hub, log, onFailure }));
  const audit = await openAudit(store);
  const exam = opening.use(await openExamDay({ store, hub, feed, audit, log }));
  const origins = openOrigins(store);
  const { resolveConflicts: automatic, conflictSettleMs: settleMs } = config;
  // Centers wait for the index alone; whoever else reads the hub from its beginning comes after it.
  const after = feed.built;
  const credentials = await openCredentials(store, token);
  const operations = opening.use(await openOperations({ store, audit, log }));
  const parts = {
    ...given,
    hub,
    feed,
    credentials,
    access: await openAccess(store, credentials),
    quarantine: openQuarantine(store),
    audit,
    exam,
    packages: await openPackages({ dataDir: config.dataDir, store, audit, records: exam.records }),
    origins,
    conflicts: opening.use(
      await openConflicts({ hub, store, audit, origins, log, automatic, settleMs, after }),
    ),
    importing: createTurns(1),
    operations,
    events: opening.use(await openEvents({ hub, store, operations, log, after })),
    uuid: await serverUuid(store),
  };
  const mirrors = await openMirrors(parts);
  for (const mirror of mirrors) opening.use(mirror);
  const ingest = await openIngest(parts);
  if (ingest) opening.use(ingest);
  const core = { ...parts, mirrors, ingest };
  return { ...core, board: opening.use(openBoard(core, log)) };
}

/** The store is the first LevelDB that is opened, so its lock is the folder's. */
async function openStore(dataDir: string, onFailure: OnFailure): Promise<ControlStore> {
  try {
    await mkdir(dataDir, { recursive: true });
    return await openControlStore(dataDir, onFailure);
  } catch (error) {
    throw unusableFolder(dataDir, error);
  }
}

async function openRoutes(
  parts: ServerParts,
  token: string,
  opening: AsyncDisposableStack,
): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: parts.log,
    // A line per request would cost more than the request; errors are logged by the error handler.
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: sendError,
    bodyLimit: BODY_LIMIT_BYTES,
    rewriteUrl: ({ url = '/' }) => url.replace(ENCODED_LOCAL_ID, '$1/'),
    routerOptions: {
      constraints: { mediaType: mediaTypeConstraint } as never,
      maxParamLength: MAX_PARAM_LENGTH,
      ignoreTrailingSlash: true,
    },
  });
  opening.defer(() => app.close());
  registerErrors(app);
  registerPageSession(app, parts, token);
  registerPages(app, parts);
  registerObservability(app, parts);
  registerReplicas(app, parts);
  registerCouch(app, parts);
  registerApi(app, parts);
  await app.ready();
  return app;
}

async function listen(app: FastifyInstance, config: ServerConfig): Promise<string> {
  try {
    await app.listen({
      port: config.port,
      host: config.host,
      listenTextResolver: (address) => `the server answers at ${address}`,
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE') throw error;
    throw new SyncError('in_use', `port ${config.port} is taken by another process`, { cause: error });
  }
  return localUrl(app.server.address() as AddressInfo);
}

/** An address that answers on this machine: one that means "all interfaces" cannot be asked. */
function localUrl({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (address === '::') return `http://[::1]:${port}`;
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`;
}
