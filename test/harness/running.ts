import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { RunningProcess } from '../../replication/running.ts';
import type { Child } from './child.ts';
import { until } from './until.ts';

/** Waits until the process has announced itself; fails at once, with what it wrote, when it ends instead. */
export async function announced(dataDir: string, child: Child): Promise<RunningProcess> {
  const announcement = await until(
    async () => {
      if (!child.running) return 'ended';
      const text = await readFile(join(dataDir, 'running.json'), 'utf8').catch(() => undefined);
      const running = text ? (JSON.parse(text) as RunningProcess & { pid: number }) : undefined;
      // An older process that was killed has left its own.
      return running?.pid === child.pid && running;
    },
    { what: `process ${child.pid} announces itself in ${dataDir}` },
  );
  if (announcement !== 'ended') return announcement;
  const exit = await child.exited;
  throw new Error(`ended with ${exit.code ?? exit.signal} instead of serving:\n${exit.output}`);
}

/** How long requests that run may take to end; a process is given longer. */
const GRACE_MS = 1000;

type Here = AsyncDisposable & { url: string; app: FastifyInstance };

/** What runs in the tests' own process, and can be stopped and started again on its port. */
export interface RunsHere<Kind extends Here> extends AsyncDisposable {
  readonly first: Kind;
  stop(): Promise<void>;
  start(): Promise<Kind>;
}

/** Opens a server or a node in the tests' own process. @param folder goes with it. */
export async function runHere<Kind extends Here>(
  open: (overrides: { port?: number }) => Promise<Kind>,
  folder: AsyncDisposable,
): Promise<RunsHere<Kind>> {
  await using opening = new AsyncDisposableStack();
  opening.use(folder);
  const first = await open({});
  const owned = opening.move();
  const port = Number(new URL(first.url).port);
  let running: Kind | undefined = first;

  async function stop(): Promise<void> {
    const stopping = running;
    running = undefined;
    if (!stopping) return;
    // As its process would be: what does not end in time is cut off.
    const timer = setTimeout(() => stopping.app.server.closeAllConnections(), GRACE_MS);
    await stopping[Symbol.asyncDispose]();
    clearTimeout(timer);
  }

  return {
    first,
    stop,
    async start() {
      running = await open({ port });
      return running;
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await owned.disposeAsync();
    },
  };
}
