import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readDesignDocuments } from '../../design-docs/install.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { HUB_NAME, openHub } from '../../server/hub.ts';
import { type ServerProcess, startServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
import { type HubShape, hubDocuments } from './dataset.ts';
import { type StockServer, startStockServer } from './stock.ts';
import { usageOf } from './usage.ts';

/** A hub on disk; each server of a measurement starts on a copy of its own, ours and stock alike. */
export interface PreparedHub extends AsyncDisposable {
  /** A fresh `DATA_DIR` with this hub, and with the feed's index unless told otherwise. */
  copy(options?: { indexed?: boolean }): Promise<string>;
  /** Starts our server on a copy with an index, and waits until it is ready. */
  startOurs(): Promise<ServerProcess>;
  /** Starts stock on the same documents, as one database or as many equal ones. */
  startStock(options?: { databases?: number }): Promise<StockServer>;
}

const BATCH = 2000;
const READY_MS = 300_000;

/** Writes a hub's documents into a folder of its own. */
export async function prepareHub(shape: HubShape): Promise<PreparedHub> {
  await using preparing = new AsyncDisposableStack();
  const folder = preparing.use(await tempFolder('cbt-bench-hub'));
  await fill(folder.path, shape);
  const folders = preparing.move();
  let indexedCopy: string | undefined;

  async function copyOf(path: string): Promise<string> {
    const copy = folders.use(await tempFolder('cbt-bench-copy'));
    await cp(path, copy.path, { recursive: true });
    return copy.path;
  }

  async function indexed(): Promise<string> {
    const dataDir = await copyOf(folder.path);
    await using server = await startServer({ dataDir });
    await ready(server);
    await idle(server.pid);
    await server.stop();
    return dataDir;
  }

  async function copy(options: { indexed?: boolean } = {}): Promise<string> {
    indexedCopy ??= await indexed();
    const dataDir = await copyOf(indexedCopy);
    if (options.indexed === false) await rm(join(dataDir, 'feed'), { recursive: true });
    return dataDir;
  }

  return {
    copy,
    async startOurs() {
      const server = await startServer({ dataDir: await copy() });
      await ready(server);
      return server;
    },
    async startStock({ databases = 1 } = {}) {
      const stock = folders.use(await tempFolder('cbt-bench-stock'));
      const names = Array.from({ length: databases }, (_, index) => `hub-${index}`);
      for (const name of names) {
        await cp(join(folder.path, 'couch', HUB_NAME), join(stock.path, name), { recursive: true });
      }
      return startStockServer(stock.path, names);
    },
    [Symbol.asyncDispose]: () => folders.disposeAsync(),
  };
}

async function fill(dataDir: string, shape: HubShape): Promise<void> {
  await using hub = await openHub({ dataDir, hubUrl: undefined });
  let batch: StoredDocument[] = [];
  for (const doc of hubDocuments(shape)) {
    batch.push(doc);
    if (batch.length < BATCH) continue;
    await hub.write(batch, { newEdits: true });
    batch = [];
  }
  await hub.write(batch, { newEdits: true });
}

/** Resolves when the server's index has caught up with the hub. */
export async function ready(server: ServerProcess): Promise<void> {
  const ask = async () => (await fetch(`${server.url}/health/ready`)).ok;
  await until(ask, { what: 'the index is built', withinMs: READY_MS });
}

/** Resolves when a process has come to rest: others than the index follow the hub as well. */
async function idle(pid: number): Promise<void> {
  let { cpuSeconds } = await usageOf(pid);
  for (;;) {
    await delay(500);
    const now = (await usageOf(pid)).cpuSeconds;
    if (!(now - cpuSeconds > 0.05)) return;
    cpuSeconds = now;
  }
}

/** How many documents a database holds. */
export async function countDocuments(url: string, authorization = ''): Promise<number> {
  const answer = await fetch(url, { headers: { authorization } });
  return ((await answer.json()) as { doc_count: number }).doc_count;
}

/** Installs the design document that stock filtered replication needs. */
export async function installFilter(database: string): Promise<void> {
  const found = (await readDesignDocuments()).find(({ _id }) => _id === '_design/center');
  const body = JSON.stringify({ _id: found?._id, filters: found?.filters });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${database}/_design/center`, { method: 'PUT', headers, body });
  if (!answer.ok) throw new Error(`the design document was not installed: ${await answer.text()}`);
}
