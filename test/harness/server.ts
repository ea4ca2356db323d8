import { type ApiClient, createApiClient } from '../../replication/api-client.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { type Child, type Exit, startScript } from './child.ts';
import { announced } from './running.ts';
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

/** A server process of its own. Its address stays the same when it is started again. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly adminToken: string;
  readonly dataDir: string;
  readonly pid: number;
  /** What the present process has logged. */
  readonly output: string;
  /** The administrator's API. */
  readonly api: ApiClient;
  kill(): Promise<Exit>;
  stop(): Promise<Exit>;
  /** Starts it again on the same folder and port. */
  start(): Promise<void>;
  addCenter(centerId: string): Promise<CenterAccess>;
  assign(testId: string, centerId: string): Promise<void>;
  withdraw(testId: string, centerId: string): Promise<void>;
  /** `POST /api/import`: documents as NDJSON. @throws Error when any was refused. */
  importDocuments(docs: readonly StoredDocument[]): Promise<void>;
}

export interface ServerOptions {
  /** Default: a fresh folder that is gone at the end. */
  dataDir?: string;
  env?: Record<string, string>;
}

/** Starts `server/main.ts` on a free port and waits until it serves. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  await using starting = new AsyncDisposableStack();
  const dataDir = options.dataDir ?? starting.use(await tempFolder('cbt-server')).path;
  let port = '0';
  let child: Child;
  let url = '';
  let adminToken = '';

  async function start(): Promise<void> {
    const env = { HOST: '127.0.0.1', PORT: port, DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...options.env };
    child = startScript('server/main.ts', ['start'], { env });
    const running = await announced(dataDir, child);
    url = running.url.replace(/\/$/, '');
    adminToken = running.token;
    port = new URL(url).port;
  }

  await start();
  const api = createApiClient({ url, authorization: `Bearer ${adminToken}` });
  const folder = starting.move();
  return {
    url,
    adminToken,
    dataDir,
    api,
    get pid() {
      return child.pid;
    },
    get output() {
      return child.output;
    },
    kill: () => child.kill(),
    stop: () => child.stop(),
    start,
    async addCenter(centerId) {
      const body = { centerId, name: `Center ${centerId}` };
      const { secret } = await api.request<{ secret: string }>('POST', '/api/centers', body);
      return centerAccess(url, centerId, secret);
    },
    async assign(testId, centerId) {
      await api.request('PUT', `/api/tests/${testId}/centers/${centerId}`);
    },
    async withdraw(testId, centerId) {
      await api.request('DELETE', `/api/tests/${testId}/centers/${centerId}`);
    },
    async importDocuments(docs) {
      const body = docs.map((doc) => `${JSON.stringify(doc)}\n`).join('');
      const headers = { 'content-type': 'application/x-ndjson' };
      const answer = await api.open('/api/import', { method: 'POST', headers, body });
      const report = (await answer.json()) as { errors?: unknown[] };
      if (report.errors?.length) throw new Error(`not imported: ${JSON.stringify(report.errors)}`);
    },
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await folder.disposeAsync();
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
