import { join } from 'node:path';
import { ROOT, runScript } from '../harness/child.ts';
import { type FaultProxy, openFaultProxy } from '../harness/fault-proxy.ts';
import { compareLeaves, type ReplicaDifference, readLeaves, scopeOf } from '../harness/leaves.ts';
import { type NodeProcess, startNode } from '../harness/node.ts';
import { type CenterAccess, type ServerProcess, startServer } from '../harness/server.ts';
import { type Sitting, sitTest } from './candidate.ts';
import type { Screen } from './screen.ts';

const SAMPLE_EXAM = 'test/sample-exam';

/** A center with its node. */
interface Place {
  centerId: string;
  name: string;
  assigned: string[];
  access: CenterAccess;
  node: NodeProcess;
}

export interface StoryOptions {
  folder: string;
  ports: { server: number; nodes: readonly number[] };
}

/** What is up when the story has been told. */
export interface Told {
  server: ServerProcess;
  line: FaultProxy;
  places: Place[];
  /** Documents that are not where they must be; empty when all is well. */
  differences: string[];
}

interface CenterRow {
  centerId: string;
  name: string;
  assigned: string[];
}

/** Tells the story from an empty folder to two centers in sync; what it starts is stopped by `running`. */
export async function tell(
  screen: Screen,
  options: StoryOptions,
  running: AsyncDisposableStack,
): Promise<Told> {
  const server = await startOnline(screen, options, running);
  const line = running.use(await openFaultProxy(server.url));
  const centers = await addCenters(screen, server);
  const places = await startCenters(screen, options, centers, line.url, running);
  await replicateAll(screen, places, 'first replica');
  const sittings = await workOffline(screen, line, places);
  await reconnect(screen, line, places, sittings);
  const differences = await prove(screen, server, places, sittings);
  return { server, line, places, differences };
}

async function startOnline(
  screen: Screen,
  { folder, ports }: StoryOptions,
  running: AsyncDisposableStack,
): Promise<ServerProcess> {
  const dataDir = join(folder, 'server');
  const server = await screen.step(
    'start the server',
    async () => running.use(await startServer({ dataDir, env: { PORT: `${ports.server}` } })),
    ({ url }) => `${url}, an empty hub in ${dataDir}`,
  );
  await screen.step(
    'import the sample exam',
    async () => {
      const args = ['import', '--json', join(ROOT, SAMPLE_EXAM)];
      const exit = await runScript('server/main.ts', args, { env: { DATA_DIR: dataDir } });
      if (exit.code !== 0)
        throw new Error(`cbt-server import ended with ${exit.code}: ${exit.stderr.trim()}`);
      return JSON.parse(exit.stdout) as { lines: number; written: number };
    },
    ({ lines, written }) => `${lines} rows, ${written} documents`,
  );
  return server;
}

async function addCenters(
  screen: Screen,
  server: ServerProcess,
): Promise<(CenterRow & { access: CenterAccess })[]> {
  return screen.step(
    'add two centers',
    async () => {
      const { centers } = await server.api.request<{ centers: CenterRow[] }>('GET', '/api/centers');
      return Promise.all(
        centers
          .slice(0, 2)
          .map(async (center) => ({ ...center, access: await server.addCenter(center.centerId) })),
      );
    },
    (centers) => centers.map(({ centerId, name }) => `${centerId} (${name})`).join(', '),
  );
}

async function startCenters(
  screen: Screen,
  { folder, ports }: StoryOptions,
  centers: (CenterRow & { access: CenterAccess })[],
  lineUrl: string,
  running: AsyncDisposableStack,
): Promise<Place[]> {
  const places: Place[] = [];
  for (const [index, { centerId, name, assigned, access }] of centers.entries()) {
    const node = await screen.step(
      `start the node of ${centerId}`,
      async () =>
        running.use(
          await startNode({
            server: lineUrl,
            center: access,
            dataDir: join(folder, centerId),
            env: { PORT: `${ports.nodes[index] ?? 0}` },
          }),
        ),
      ({ url }) => `${url}, tests: ${assigned.join(', ')}`,
    );
    places.push({ centerId, name, assigned, access, node });
  }
  return places;
}

async function replicateAll(screen: Screen, places: Place[], what: string): Promise<void> {
  for (const { centerId, node } of places) {
    await screen.step(
      `${centerId}: ${what}`,
      () => node.replicate(),
      ({ pulled, pushed }) => `${documents(pulled)} down, ${pushed} up`,
    );
  }
}

async function workOffline(screen: Screen, line: FaultProxy, places: Place[]): Promise<Sitting[]> {
  await screen.step(
    'the line goes down',
    () => line.down(),
    () => 'the server is out of reach for both centers',
  );
  const sittings: Sitting[] = [];
  for (const { centerId, node } of places) {
    const sitting = await screen.step(
      `${centerId}: a candidate sits the test`,
      () => sitTest(node, centerId),
      ({ enrollmentId, answered, score }) =>
        `${enrollmentId}: ${answered} answers, result ${score}; kept at the center`,
    );
    sittings.push(sitting);
    await screen.step(
      `${centerId}: replicate`,
      async () => {
        const outcome = await node.replicate().catch(() => undefined);
        if (outcome) throw new Error('a replication succeeded though the line is down');
        return await node.api.request<{ line: string; pendingPush: number }>('GET', '/api/status');
      },
      ({ line: state, pendingPush }) => `the line is ${state}; ${documents(pendingPush)} wait to go up`,
    );
  }
  return sittings;
}

async function reconnect(
  screen: Screen,
  line: FaultProxy,
  places: Place[],
  sittings: Sitting[],
): Promise<void> {
  await screen.step(
    'the line comes up',
    () => line.up(),
    () => 'both centers are told to replicate',
  );
  for (const [index, { centerId, node }] of places.entries()) {
    const { pushed } = await screen.step(
      `${centerId}: replicate`,
      () => node.replicate(),
      (outcome) => `${outcome.pulled} down, ${documents(outcome.pushed)} up`,
    );
    const wanted = sittings[index]?.written.length ?? 0;
    if (pushed !== wanted) throw new Error(`${centerId} pushed ${pushed} documents, not ${wanted}`);
  }
}

/** Compares ids and revisions of all documents, hub and replicas, without trusting what either says of itself. */
async function prove(
  screen: Screen,
  server: ServerProcess,
  places: Place[],
  sittings: Sitting[],
): Promise<string[]> {
  const differences: string[] = [];
  const hub = await readLeaves(server.api, '/couch/cbt');
  for (const id of sittings.flatMap(({ written }) => written)) {
    if (!hub.has(id)) differences.push(`hub: ${id} has not arrived`);
  }
  for (const { centerId, assigned, node } of places) {
    await screen.step(
      `${centerId}: compare with the hub`,
      async () => {
        const expected = scopeOf(hub, centerId, assigned);
        const replica = await readLeaves(node.api, '/couch/replica');
        const difference = compareLeaves(expected, replica);
        if (difference) differences.push(...describeDifference(centerId, difference));
        return { difference, held: replica.size };
      },
      ({ difference, held }) =>
        difference
          ? 'differs'
          : `${documents(held)} of the hub’s ${hub.size}: all of its scope, nothing else`,
    );
  }
  return differences;
}

function documents(count: number): string {
  return count === 1 ? '1 document' : `${count} documents`;
}

/** One line for each document that differs. */
function describeDifference(centerId: string, { missing, extra, other }: ReplicaDifference): string[] {
  return [
    ...missing.map((id) => `${centerId}: ${id} is missing from the replica`),
    ...extra.map((id) => `${centerId}: ${id} is in the replica and must not be`),
    ...other.map((id) => `${centerId}: ${id} has other revisions than in the hub`),
  ];
}
