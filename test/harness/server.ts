import { type ApiClient, createApiClient } from '../../replication/api-client.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import type { RunningProcess } from '../../replication/running.ts';
import { openServer } from '../../server/app.ts';
import { readConfig, type ServerConfig } from '../../server/config.ts';
import { type Child, type Exit, runScript, startScript } from './child.ts';
import { announced, runHere } from './running.ts';
import { tempFolder } from './temp-folder.ts';

/** A center as a client needs it. */
export interface CenterAccess {
  centerId: string;
  secret: string;
  /** Its feed, with the credentials in it. */
  replicaUrl: string;
  /** `Authorization` of its requests. */
  authorization: string;
}

/** A server that runs, and what a test does with one. Its address stays the same when it is started again. */
export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  readonly adminToken: string;
  readonly dataDir: string;
  /** The administrator's API. */
  readonly api: ApiClient;
  stop(): Promise<unknown>;
  /** Starts it again on the same folder and port. */
  start(): Promise<void>;
  addCenter(centerId: string): Promise<CenterAccess>;
  assign(testId: string, centerId: string): Promise<void>;
  withdraw(testId: string, centerId: string): Promise<void>;
  /** `POST /api/import`: documents as NDJSON. @throws Error when any was refused. */
  importDocuments(docs: readonly StoredDocument[]): Promise<void>;
  /** A command line of the server beside the running one, or without one: `cbt-server <args>`. */
  command(...args: string[]): Promise<Exit>;
}

/** A server process of its own. */
export interface ServerProcess extends RunningServer {
  readonly pid: number;
  /** What the present process has logged. */
  readonly output: string;
  kill(): Promise<Exit>;
  stop(): Promise<Exit>;
}

export interface ServerOptions {
  /** Default: a fresh folder that is gone at the end. */
  dataDir?: string;
  env?: Record<string, string>;
  /** See ChildOptions. */
  fileBlocks?: number;
}

/** Starts `server/main.ts` on a free port and waits until it serves. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  await using starting = new AsyncDisposableStack();
  const dataDir = options.dataDir ?? starting.use(await tempFolder('cbt-server')).path;
  const environment = { HOST: '127.0.0.1', DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...options.env };
  let port = '0';
  let child: Child;

  async function start(): Promise<RunningProcess> {
    const env = { PORT: port, ...environment };
    child = startScript('server/main.ts', ['start'], { env, fileBlocks: options.fileBlocks });
    const running = await announced(dataDir, child);
    port = new URL(running.url).port;
    return running;
  }

  const { url, token } = await start();
  const folder = starting.move();
  return {
    ...reached(url, token, dataDir),
    get pid() {
      return child.pid;
    },
    get output() {
      return child.output;
    },
    kill: () => child.kill(),
    stop: () => child.stop(),
    async start() {
      await start();
    },
    command: (...args) => runScript('server/main.ts', args, { env: { PORT: port, ...environment } }),
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await folder.disposeAsync();
    },
  };
}

/**
 * The same server in the test's own process, on a port of its own: for tests in which nothing dies, since a process
 * takes a second to start.
 */
export async function openServerHere(config: Partial<ServerConfig> = {}): Promise<RunningServer> {
  await using opening = new AsyncDisposableStack();
  const dataDir = config.dataDir ?? opening.use(await tempFolder('cbt-server')).path;
  const env = {
    HOST: '127.0.0.1',
    PORT: '0',
    DATA_DIR: dataDir,
    LOG_LEVEL: 'silent',
    CONFLICT_SETTLE_MS: '100',
  };
  const here = await runHere(
    (port) => openServer({ ...readConfig(env), ...config, ...port }),
    opening.move(),
  );
  const { first, stop } = here;
  return {
    ...reached(first.url, first.adminToken, dataDir),
    stop,
    async start() {
      await here.start();
    },
    command: (...args) => runScript('server/main.ts', args, { env }),
    [Symbol.asyncDispose]: () => here[Symbol.asyncDispose](),
  };
}

function reached(address: string, adminToken: string, dataDir: string) {
  const url = address.replace(/\/$/, '');
  const api = createApiClient({ url, authorization: `Bearer ${adminToken}` });
  return {
    url,
    adminToken,
    dataDir,
    api,
    async addCenter(centerId: string) {
      const body = { centerId, name: `Center ${centerId}` };
      const { secret } = await api.request<{ secret: string }>('POST', '/api/centers', body);
      return centerAccess(url, centerId, secret);
    },
    async assign(testId: string, centerId: string) {
      await api.request('PUT', `/api/tests/${testId}/centers/${centerId}`);
    },
    async withdraw(testId: string, centerId: string) {
      await api.request('DELETE', `/api/tests/${testId}/centers/${centerId}`);
    },
    async importDocuments(docs: readonly StoredDocument[]) {
      const body = docs.map((doc) => `${JSON.stringify(doc)}\n`).join('');
      const headers = { 'content-type': 'application/x-ndjson' };
      const answer = await api.open('/api/import', { method: 'POST', headers, body });
      const report = (await answer.json()) as { errors?: unknown[] };
      if (report.errors?.length) throw new Error(`not imported: ${JSON.stringify(report.errors)}`);
    },
  };
}

/** What a client of `centerId` needs, reached at `base`: the server, or a proxy before it. */
export function centerAccess(base: string, centerId: string, secret: string): CenterAccess {
  const replicaUrl = new URL(`/replicas/${centerId}`, base);
  replicaUrl.username = centerId;
  replicaUrl.password = secret;
  return {
    centerId,
    secret,
    replicaUrl: replicaUrl.href,
    authorization: `Basic ${Buffer.from(`${centerId}:${secret}`).toString('base64')}`,
  };
}
