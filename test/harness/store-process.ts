import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tempFolder } from './temp-folder.ts';
import { until } from './until.ts';

/** A store that runs as a process of its own on a folder; its address stays the same when it is started again. */
export interface StoreProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** SIGKILL: no chance to save anything. */
  kill(): Promise<void>;
  /** Starts it again on the same folder and port, and waits until it answers. */
  start(): Promise<void>;
}

export interface StoreCommand {
  command: string;
  args(folder: string, port: number): string[];
  /** Throws or answers false until the store answers. */
  answers(port: number): Promise<boolean>;
}

const START_MS = 30_000;

/** Starts a store on a fresh folder and a free port. */
export async function startStore({ command, args, answers }: StoreCommand): Promise<StoreProcess> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await tempFolder('cbt-store'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  let output = '';
  const killAtExit = () => child?.kill('SIGKILL');
  process.once('exit', killAtExit);

  async function start(): Promise<void> {
    const started = spawn(command, args(folder.path, port), { stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-4000);
      });
    }
    const ended = () => started.exitCode !== null || started.signalCode !== null;
    await until(
      async () => {
        if (ended()) return true;
        return answers(port);
      },
      { what: `${command} answers at port ${port}`, withinMs: START_MS },
    );
    if (ended()) throw new Error(`${command} ended instead of serving:\n${output}`);
  }

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  starting.defer(kill);
  starting.defer(() => void process.off('exit', killAtExit));
  await start();
  const started = starting.move();
  return {
    port,
    get pid() {
      return child?.pid as number;
    },
    kill,
    start,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
