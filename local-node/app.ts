import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { pino } from 'pino';
import { SyncError } from '../replication/errors.ts';
import { announceRunning } from '../replication/running.ts';
import type { NodeConfig } from './config.ts';
import { type NodeParts, openParts } from './node.ts';
import { registerAccess } from './routes/access.ts';
import { registerApi } from './routes/api.ts';
import { registerCouch } from './routes/couch.ts';
import { registerErrors, sendError } from './routes/errors.ts';
import { registerGuard } from './routes/guard.ts';
import { registerObservability } from './routes/observability.ts';
import { registerPages } from './routes/pages.ts';

const BODY_LIMIT_BYTES = 64 * 1024 * 1024;

/** A node, open. Disposing it ends what waits, finishes what runs and closes the parts in reverse. */
export interface LocalNode extends AsyncDisposable {
  readonly url: string;
  /** Shows to the node that a request comes from whoever may read its folder. */
  readonly token: string;
  readonly parts: NodeParts;
  readonly app: FastifyInstance;
}

export interface NodeOptions {
  /** False: opened for one command; replicates only when asked, and tells nobody its address. */
  follow?: boolean;
  log?: FastifyBaseLogger;
}

/** Opens the node's parts, then its routes. @throws SyncError as `openParts`, and in_use when the port is taken. */
export async function openNode(config: NodeConfig, options: NodeOptions = {}): Promise<LocalNode> {
  await using opening = new AsyncDisposableStack();
  const log = options.log ?? pino({ level: config.logLevel });
  const follow = options.follow !== false;
  const stopping = new AbortController();
  const parts = await openParts(config, log, opening, { follow });
  const token = randomBytes(24).toString('base64url');
  const app = await openRoutes(parts, { token, stopping: stopping.signal }, opening);
  opening.defer(() => stopping.abort());
  const url = await listen(app, config);
  if (follow) {
    opening.use(await announceRunning(config.dataDir, { url, token }));
    log.info({ url, center: parts.centerId }, `the node of ${parts.centerId} answers at ${url}`);
  }
  const opened = opening.move();
  return { url, token, parts, app, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function openRoutes(
  parts: NodeParts,
  { token, stopping }: { token: string; stopping: AbortSignal },
  opening: AsyncDisposableStack,
): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: parts.log,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: sendError,
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: 'idle',
  });
  opening.defer(() => app.close());
  registerErrors(app);
  registerGuard(app, parts.config.host);
  registerAccess(app, {
    operator: parts.operator,
    token,
    refused: (address) => void parts.logbook.append('operator refused', { address }),
  });
  registerObservability(app, parts, stopping);
  registerCouch(app, parts, stopping);
  registerPages(app);
  registerApi(app, parts, stopping);
  await app.ready();
  return app;
}

async function listen(app: FastifyInstance, { port, host }: NodeConfig): Promise<string> {
  try {
    await app.listen({ port, host });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new SyncError('in_use', `port ${port} is taken by another process`, { cause: error });
  }
  return localUrl(app.server.address() as AddressInfo);
}

/** An address that answers on this machine: one that means "all interfaces" cannot be asked. */
function localUrl({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (address === '::') return `http://[::1]:${port}`;
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`;
}
