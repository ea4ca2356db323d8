import type { NodeConfig } from '../../local-node/config.ts';
import type { StatusAnswer } from '../../local-node/routes/schemas.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { type FaultProxy, openFaultProxy } from '../harness/fault-proxy.ts';
import {
  type NodeOptions,
  type NodeProcess,
  openNodeHere,
  type RunningNode,
  startNode,
} from '../harness/node.ts';
import { type CenterAccess, openServerHere, type RunningServer } from '../harness/server.ts';

/** A server, a line that can fail, and a center's node behind it. */
export interface CenterUnderTest<Node = RunningNode> extends AsyncDisposable {
  readonly server: RunningServer;
  readonly line: FaultProxy;
  readonly node: Node;
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

/** The node replicates only when it is asked to. */
export function openCenter(
  docs: StoredDocument[] = [],
  config: Partial<NodeConfig> = {},
): Promise<CenterUnderTest> {
  return furnish(docs, (options) => openNodeHere(options, config));
}

/** A center whose node can be killed and started again. @param env of its process. */
export function startCenter(
  docs: StoredDocument[] = [],
  env: Record<string, string> = {},
): Promise<CenterUnderTest<NodeProcess>> {
  return furnish(docs, (options) => startNode({ ...options, env }));
}

async function furnish<Node extends RunningNode>(
  docs: StoredDocument[],
  openNode: (options: NodeOptions) => Promise<Node>,
): Promise<CenterUnderTest<Node>> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await openServerHere());
  const access = await server.addCenter(CENTER);
  if (docs.length > 0) await server.importDocuments(docs);
  const line = opening.use(await openFaultProxy(server.url));
  const node = opening.use(await openNode({ server: line.url, center: access }));
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

async function get(url: string, headers: Record<string, string>): Promise<StoredDocument | undefined> {
  const response = await fetch(url, { headers });
  const body = await response.json();
  return response.ok ? (body as StoredDocument) : undefined;
}
