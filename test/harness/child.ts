import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** All it wrote, both streams in the order they arrived. */
  output: string;
  stdout: string;
  stderr: string;
}

/** A running process of this repository's code, killed when its scope ends. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  readonly running: boolean;
  /** What it has written so far. */
  readonly output: string;
  readonly exited: Promise<Exit>;
  /** SIGKILL: no chance to save anything. */
  kill(): Promise<Exit>;
  /** SIGTERM, then SIGKILL when it has not ended in time, which the exit then shows. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

export interface ChildOptions {
  /** Added to the environment of the tests. */
  env?: Record<string, string>;
  cwd?: string;
  /** Written to its standard input, which is closed after it. */
  input?: string;
  /** How large a file it can write at most, in blocks of 512 or 1024 bytes: a disk that is full for it alone. */
  fileBlocks?: number | undefined;
}

const STOP_MS = 10_000;
/** Tests start hundreds of processes, each of which would translate and compile the same files. */
const COMPILE_CACHE = join(ROOT, 'node_modules/.cache/compile');
const NO_STORES = { MONGODB_URI: '', REDIS_URL: '', INGEST_MONGODB_URI: '' };

/** Starts a TypeScript file of the repository on the Node that runs the tests. */
export function startScript(script: string, args: readonly string[] = [], options: ChildOptions = {}): Child {
  const { fileBlocks } = options;
  const limit = fileBlocks === undefined ? [] : ['sh', '-c', `ulimit -f ${fileBlocks} && exec "$0" "$@"`];
  const [command = '', ...rest] = [...limit, process.execPath, script, ...args];
  return watch(
    spawn(command, rest, {
      cwd: options.cwd ?? ROOT,
      // A store that the tests are told to use is theirs; no server reaches it unless a test says so.
      env: {
        ...process.env,
        ...NO_STORES,
        NO_COLOR: '1',
        NODE_COMPILE_CACHE: COMPILE_CACHE,
        ...options.env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    }),
    options.input,
  );
}

/** Runs a TypeScript file of the repository to its end. */
export function runScript(
  script: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<Exit> {
  return startScript(script, args, options).exited;
}

function watch(child: ChildProcess, input: string | undefined): Child {
  const pid = child.pid;
  if (pid === undefined) throw new Error('the process did not start');
  const written = { output: '', stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      written.output += text;
      written[stream] += text;
    });
  }
  child.stdin?.on('error', () => {}).end(input);
  // Nothing may outlive the tests, however they end.
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const exited = once(child, 'close').then(([code, signal]) => {
    process.off('exit', killAtExit);
    return { code, signal, ...written } as Exit;
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals) => {
    if (running()) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    return exited.finally(() => clearTimeout(timer));
  };
  return {
    pid,
    get running() {
      return running();
    },
    get output() {
      return written.output;
    },
    exited,
    kill: () => end('SIGKILL'),
    stop: (signal = 'SIGTERM') => end(signal),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
    },
  };
}
