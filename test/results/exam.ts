import { SyncError } from '../../replication/errors.ts';
import { centerShare, wholeTest } from '../harness/documents.ts';
import {
  type CenterAccess,
  openServerHere,
  type RunningServer,
  type ServerProcess,
  startServer,
} from '../harness/server.ts';
import { until } from '../harness/until.ts';
import type { Json } from '../replica/request.ts';
import { QUESTIONS } from './played-node.ts';

export interface Exam<Server = RunningServer> {
  server: Server;
  center: CenterAccess;
}

/** A server with test T at center L-1, whose candidates are 1 to 9. */
export async function openExam(): Promise<Exam> {
  return prepared(await openServerHere());
}

/** The same with a server that can be killed. */
export async function startExam(): Promise<Exam<ServerProcess>> {
  return prepared(await startServer());
}

async function prepared<Server extends RunningServer>(server: Server): Promise<Exam<Server>> {
  const center = await server.addCenter('L-1');
  await server.importDocuments([...wholeTest('T', QUESTIONS), ...centerShare('L-1', 'T', 9)]);
  await server.assign('T', 'L-1');
  return { server, center };
}

/** What the server found out about the only result of candidate n, as soon as it is in `state`. */
export function verdictOn(server: RunningServer, n: number, state: string): Promise<Json> {
  return until(
    async () => {
      const [verdict] = await verdictsOn(server, n);
      return verdict?.state === state && verdict;
    },
    { what: `the result of ${n} is ${state}` },
  );
}

/** One for each stored revision. */
export async function verdictsOn(server: RunningServer, n: number): Promise<Json[]> {
  try {
    const path = `/api/results/L-1/E${String(n).padStart(6, '0')}`;
    return (await server.api.request<{ results: Json[] }>('GET', path)).results;
  } catch (error) {
    if (error instanceof SyncError && error.code === 'not_found') return [];
    throw error;
  }
}

/** A node as an administrator sees it, as soon as `isThere`. */
export function nodeWhen(
  server: RunningServer,
  instanceId: string,
  what: string,
  isThere: (node: Json) => unknown,
): Promise<Json> {
  return until(
    async () => {
      const { nodes } = await server.api.request<{ nodes: Json[] }>('GET', '/api/centers/L-1/nodes');
      const node = nodes.find((one) => one.instanceId === instanceId);
      return node && isThere(node) ? node : undefined;
    },
    { what },
  );
}
