import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ROOT } from '../harness/child.ts';

/** An express-pouchdb process. */
export interface StockServer extends AsyncDisposable {
  pid: number;
  /** The URLs of the databases that it was started for. */
  databases: string[];
}

/** Starts stock on a folder of PouchDB databases; those that are not there are made. */
export async function startStockServer(
  folder: string,
  names: readonly string[],
  { synced = false } = {},
): Promise<StockServer> {
  const args = synced ? [folder, 'synced'] : [folder];
  const child = spawn(process.execPath, ['test/bench/stock-server.ts', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
  const databases = names.map((name) => `${url}/${name}`);
  // Stock keeps a list of its databases; one that lies in the folder is known to it only from then on.
  for (const database of databases) await fetch(database, { method: 'PUT' });
  return {
    pid: child.pid as number,
    databases,
    async [Symbol.asyncDispose]() {
      process.off('exit', killAtExit);
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
