import { openNode } from '../../local-node/app.ts';
import { type NodeConfig, readConfig } from '../../local-node/config.ts';
import { keysOf, writeIdentity } from '../../local-node/identity.ts';
import { openLine } from '../../local-node/line.ts';
import { register } from '../../local-node/registration.ts';
import { openState } from '../../local-node/state.ts';
import { type ApiClient, createApiClient } from '../../replication/api-client.ts';
import { type Child, type Exit, runScript, startScript } from './child.ts';
import { announced, runHere } from './running.ts';
import { tempFolder } from './temp-folder.ts';

/** A local node that runs, and what a test does with one. Its address stays the same when it is started again. */
export interface RunningNode extends AsyncDisposable {
  readonly url: string;
  readonly dataDir: string;
  readonly api: ApiClient;
  /** Its replica as other programs at the center reach it. */
  readonly replicaUrl: string;
  stop(): Promise<unknown>;
  /** Starts it again on the same folder and port. */
  start(): Promise<void>;
  /** One round both ways. @throws SyncError when it fails. */
  replicate(): Promise<{ pushed: number; pulled: number }>;
  /** A command line of the node beside the running one, or without one: `cbt-node <args>`. */
  command(...args: string[]): Promise<Exit>;
}

/** A local node process of its own. */
export interface NodeProcess extends RunningNode {
  readonly pid: number;
  readonly output: string;
  kill(): Promise<Exit>;
  stop(): Promise<Exit>;
}

export interface NodeOptions {
  /** The server, or a proxy before it. */
  server: string;
  center: { centerId: string; secret: string };
  /** How it replicates from the start; default manual, so that a test says when. */
  mode?: 'continuous' | 'batch' | 'manual' | undefined;
  dataDir?: string | undefined;
  /** The folder is set up and has its mode already: the node is only started. */
  isSetUp?: boolean;
  env?: Record<string, string>;
}

/** Starts a node on a free port, set up in a fresh folder unless told otherwise, and waits until it serves. */
export async function startNode(options: NodeOptions): Promise<NodeProcess> {
  await using starting = new AsyncDisposableStack();
  const dataDir = await folderOf(options, starting);
  const environment = { HOST: '127.0.0.1', DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...options.env };
  const access = { authorization: '' };
  let port = '0';
  let child: Child;

  async function start(): Promise<string> {
    child = startScript('local-node/main.ts', ['start'], { env: { PORT: port, ...environment } });
    const running = await announced(dataDir, child);
    port = new URL(running.url).port;
    access.authorization = `Bearer ${running.token}`;
    return running.url;
  }

  const url = await start();
  const folder = starting.move();
  return {
    ...reached(url, access, dataDir),
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
    command: (...args) => runScript('local-node/main.ts', args, { env: { PORT: port, ...environment } }),
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await folder.disposeAsync();
    },
  };
}

/** The same node in the test's own process: for tests in which nothing dies, since a process takes a second to start. */
export async function openNodeHere(
  options: Omit<NodeOptions, 'env'>,
  config: Partial<NodeConfig> = {},
): Promise<RunningNode> {
  await using opening = new AsyncDisposableStack();
  const dataDir = await folderOf(options, opening);
  const env = { HOST: '127.0.0.1', PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'silent' };
  const here = await runHere((port) => openNode({ ...readConfig(env), ...config, ...port }), opening.move());
  const { first, stop } = here;
  const access = { authorization: `Bearer ${first.token}` };
  return {
    ...reached(first.url, access, dataDir),
    stop,
    async start() {
      access.authorization = `Bearer ${(await here.start()).token}`;
    },
    command: (...args) => runScript('local-node/main.ts', args, { env }),
    [Symbol.asyncDispose]: () => here[Symbol.asyncDispose](),
  };
}

/** The node's folder, set up. */
async function folderOf(options: NodeOptions, opening: AsyncDisposableStack): Promise<string> {
  const dataDir = options.dataDir ?? opening.use(await tempFolder('cbt-node')).path;
  // Its mode before it starts: a node of its own accord would have replicated by the time it can be told not to.
  if (!options.isSetUp) await setUpNode(dataDir, options.server, options.center, options.mode ?? 'manual');
  return dataDir;
}

/** @param access changed in place: each run of a node has a token of its own. */
function reached(address: string, access: { authorization: string }, dataDir: string) {
  const url = address.replace(/\/$/, '');
  const api = createApiClient(Object.assign(access, { url }));
  return {
    url,
    dataDir,
    api,
    replicaUrl: `${url}/couch/replica`,
    replicate: () => api.request<{ pushed: number; pulled: number }>('POST', '/api/replicate?wait=true'),
  };
}

/** What `cbt-node setup` and `cbt-node mode` leave, without two more processes. */
export async function setUpNode(
  dataDir: string,
  server: string,
  { centerId, secret }: NodeOptions['center'],
  mode: 'continuous' | 'batch' | 'manual',
): Promise<void> {
  const identity = { server, centerId, secret, ...(await keysOf({})) };
  await using state = await openState(dataDir);
  await state.space('sync').put('mode', { mode, everyMinutes: 15 });
  const line = openLine(identity, { silenceMs: 30_000 });
  const registered = await register(line, identity, state.instanceId);
  const serverUuid = await line.serverUuid();
  await writeIdentity(dataDir, { ...identity, serverUuid, ...registered });
}
