import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { boundHeap } from '../../replication/heap.ts';
import { openNode } from '../app.ts';
import { readConfig } from '../config.ts';

/** How long requests that run may take to end after a stop was asked for. */
const STOP_GRACE_MS = 5000;

/** Runs the node until SIGTERM or SIGINT; a second signal ends it at once. */
export async function start(env: NodeJS.ProcessEnv): Promise<void> {
  boundHeap();
  const node = await openNode(readConfig(env));
  const { log } = node.parts;
  // PouchDB's replicator leaves a promise unhandled when a database closes under it; a center must go on.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise was left unhandled'));

  const signal = await Promise.race(
    ['SIGTERM', 'SIGINT'].map((name) => once(process, name).then(() => name)),
  );
  log.info({ signal }, 'the node stops');
  for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => process.exit(1));
  void delay(STOP_GRACE_MS, undefined, { ref: false }).then(() => {
    log.warn('requests that would not end are cut off');
    node.app.server.closeAllConnections();
  });
  await node[Symbol.asyncDispose]();
  log.info('the node has stopped');
}
