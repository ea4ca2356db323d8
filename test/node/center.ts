import { writeIdentity } from '../../local-node/identity.ts';
import type { StatusAnswer } from '../../local-node/routes/schemas.ts';
import { openState } from '../../local-node/state.ts';
import { type ApiClient, createApiClient } from '../../replication/api-client.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { openServer } from '../../server/app.ts';
import { type FaultProxy, openFaultProxy } from '../harness/fault-proxy.ts';
import { type NodeProcess, startNode } from '../harness/node.ts';
import { type CenterAccess, centerAccess } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';

/** The server of a test of the node: the real one, over real HTTP, in the process of the tests. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly adminToken: string;
  readonly api: ApiClient;
  addCenter(centerId: string): Promise<CenterAccess>;
  importDocuments(docs: readonly StoredDocument[]): Promise<void>;
}

/** A server, a line that can fail, and a center's node behind it, a process of its own. */
export interface CenterUnderTest extends AsyncDisposable {
  readonly server: TestServer;
  readonly line: FaultProxy;
  readonly node: NodeProcess;
  readonly access: CenterAccess;
  status(): Promise<StatusAnswer>;
  /** A replication to its end. @throws SyncError that says why it failed. */
  replicate(): Promise<{ pushed: number; pulled: number }>;
  setMode(mode: StatusAnswer['mode'], everyMinutes?: number): Promise<unknown>;
  /** A document of the replica, read as another program at the center would. */
  read(id: string): Promise<StoredDocument | undefined>;
  write(doc: StoredDocument): Promise<Response>;
  /** A document of the hub. */
  readOnline(id: string): Promise<StoredDocument | undefined>;
}

export const CENTER = 'LAG-1';

export async function openTestServer(): Promise<TestServer> {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await tempFolder('cbt-server'));
  const server = opening.use(
    await openServer({
      port: 0,
      host: '127.0.0.1',
      dataDir: folder.path,
      hubUrl: undefined,
      adminToken: undefined,
      logLevel: 'error',
    }),
  );
  const { url, adminToken } = server;
  const api = createApiClient({ url, authorization: `Bearer ${adminToken}` });
  const opened = opening.move();
  return {
    url,
    adminToken,
    api,
    async addCenter(centerId) {
      const body = { centerId, name: `Center ${centerId}` };
      const { secret } = await api.request<{ secret: string }>('POST', '/api/centers', body);
      return centerAccess(url, centerId, secret);
    },
    async importDocuments(docs) {
      const body = docs.map((doc) => `${JSON.stringify(doc)}\n`).join('');
      const headers = { 'content-type': 'application/x-ndjson' };
      const answer = await api.open('/api/import', { method: 'POST', headers, body });
      const { errors } = (await answer.json()) as { errors?: unknown[] };
      if (errors?.length) throw new Error(`not imported: ${JSON.stringify(errors)}`);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** The node replicates only when it is asked to. @param env of its process. */
export async function openCenter(
  docs: StoredDocument[] = [],
  env: Record<string, string> = {},
): Promise<CenterUnderTest> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await openTestServer());
  const access = await server.addCenter(CENTER);
  if (docs.length > 0) await server.importDocuments(docs);
  const line = opening.use(await openFaultProxy(server.url));
  const folder = opening.use(await tempFolder('cbt-node'));
  await setUp(folder.path, line.url, access.secret);
  const options = { server: line.url, center: access, dataDir: folder.path, isSetUp: true, env };
  const node = opening.use(await startNode(options));
  const opened = opening.move();
  const admin = { authorization: `Bearer ${server.adminToken}` };
  return {
    server,
    line,
    node,
    access,
    status: () => node.api.request('GET', '/api/status'),
    replicate: () => node.api.request('POST', '/api/replicate?wait=true'),
    setMode: (mode, everyMinutes = 1) => node.api.request('PUT', '/api/mode', { mode, everyMinutes }),
    read: (id) => get(`${node.replicaUrl}/${encodeURIComponent(id)}`, {}),
    write: (doc) =>
      fetch(`${node.replicaUrl}/${encodeURIComponent(doc._id)}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(doc),
      }),
    readOnline: (id) => get(`${server.url}/couch/cbt/${encodeURIComponent(id)}`, admin),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** What `cbt-node setup` and `cbt-node mode manual` leave, without two more processes for each test. */
async function setUp(dataDir: string, server: string, secret: string): Promise<void> {
  await writeIdentity(dataDir, { server, centerId: CENTER, secret });
  await using state = await openState(dataDir);
  await state.space('sync').put('mode', { mode: 'manual', everyMinutes: 15 });
}

async function get(url: string, headers: Record<string, string>): Promise<StoredDocument | undefined> {
  const response = await fetch(url, { headers });
  const body = await response.json();
  return response.ok ? (body as StoredDocument) : undefined;
}
