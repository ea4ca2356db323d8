import { type ApiClient, createApiClient } from '../../replication/api-client.ts';
import { type Child, type Exit, runScript, startScript } from './child.ts';
import { announced } from './running.ts';
import { tempFolder } from './temp-folder.ts';

/** A local node process of its own. Its address stays the same when it is started again. */
export interface NodeProcess extends AsyncDisposable {
  readonly url: string;
  readonly dataDir: string;
  readonly pid: number;
  readonly output: string;
  readonly api: ApiClient;
  /** Its replica as other programs at the center reach it. */
  readonly replicaUrl: string;
  kill(): Promise<Exit>;
  stop(): Promise<Exit>;
  /** Starts it again on the same folder and port. */
  start(): Promise<void>;
  /** One round both ways. @throws SyncError when it fails. */
  replicate(): Promise<{ pushed: number; pulled: number }>;
  /** A command line of the node beside the running one, or without one: `cbt-node <args>`. */
  command(...args: string[]): Promise<Exit>;
}

export interface NodeOptions {
  /** The server, or a proxy before it. */
  server: string;
  center: { centerId: string; secret: string };
  /** How it replicates from the start; default manual, so that a test says when. */
  mode?: 'continuous' | 'batch' | 'manual';
  dataDir?: string;
  /** The folder is set up and has its mode already: the node is only started. */
  isSetUp?: boolean;
  env?: Record<string, string>;
}

/** Sets a node up in a fresh folder, starts it on a free port and waits until it serves. */
export async function startNode(options: NodeOptions): Promise<NodeProcess> {
  await using starting = new AsyncDisposableStack();
  const dataDir = options.dataDir ?? starting.use(await tempFolder('cbt-node')).path;
  const environment = { HOST: '127.0.0.1', DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...options.env };
  let port = '0';
  let child: Child;
  let url = '';
  let token = '';

  const run = (args: string[], input?: string) =>
    runScript('local-node/main.ts', args, {
      env: { PORT: port, ...environment },
      ...(input ? { input } : {}),
    });

  async function succeed(args: string[], input?: string): Promise<void> {
    const exit = await run(args, input);
    if (exit.code !== 0) throw new Error(`cbt-node ${args[0]} ended with ${exit.code}:\n${exit.output}`);
  }

  async function start(): Promise<void> {
    child = startScript('local-node/main.ts', ['start'], { env: { PORT: port, ...environment } });
    const running = await announced(dataDir, child);
    url = running.url.replace(/\/$/, '');
    token = running.token;
    port = new URL(url).port;
  }

  const { centerId, secret } = options.center;
  if (!options.isSetUp) await succeed(['setup', '--server', options.server, '--center', centerId], secret);
  // Before it starts: a node of its own accord would have replicated by the time it can be told not to.
  const mode = options.mode ?? 'manual';
  if (!options.isSetUp && mode !== 'continuous') await succeed(['mode', mode]);
  await start();
  const api = createApiClient({ url, authorization: `Bearer ${token}` });
  const folder = starting.move();
  return {
    url,
    dataDir,
    api,
    replicaUrl: `${url}/couch/replica`,
    get pid() {
      return child.pid;
    },
    get output() {
      return child.output;
    },
    kill: () => child.kill(),
    stop: () => child.stop(),
    start,
    command: (...args) => run(args),
    replicate: () => api.request('POST', '/api/replicate?wait=true'),
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await folder.disposeAsync();
    },
  };
}
