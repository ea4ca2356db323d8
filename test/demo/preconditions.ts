import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';

/** What keeps the demo from starting, in one line that says what to do. */
export class Obstacle extends Error {}

/** @throws Obstacle when a port is taken, as by a demo that still runs, or the folder is there. */
export async function checkPreconditions(folder: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    if (port !== 0 && !(await isFree(port))) {
      throw new Obstacle(
        `port ${port} is taken by another program: stop it, or name other ports (npm run demo -- --ports 4100,5100,5101)`,
      );
    }
  }
  if (existsSync(folder)) {
    throw new Obstacle(
      `${folder} is left over from an earlier demo that was killed: remove it (rm -r ${folder})`,
    );
  }
}

/** Whether this port can be listened on, on every address as the server does. */
async function isFree(port: number): Promise<boolean> {
  for (const host of ['0.0.0.0', '127.0.0.1']) {
    const server = createServer();
    try {
      server.listen(port, host);
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
      throw error;
    } finally {
      server.close();
    }
  }
  return true;
}
