import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { boundHeap } from '../../replication/heap.ts';
import { openServer } from '../app.ts';
import { readConfig } from '../config.ts';

/** How long requests that run may take to end after a stop was asked for; Docker kills what is not gone after 10 s. */
const STOP_GRACE_MS = 5000;

/** Runs the server until SIGTERM or SIGINT; a second signal ends it at once. */
export async function start(env: NodeJS.ProcessEnv): Promise<void> {
  boundHeap();
  const server = await openServer(readConfig(env));
  const { log } = server.parts;
  // What a library leaves unhandled must not take down every center's feed.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise was left unhandled'));

  const signal = await Promise.race(
    ['SIGTERM', 'SIGINT'].map((name) => once(process, name).then(() => name)),
  );
  log.info({ signal }, 'the server stops');
  for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => process.exit(1));
  const late = delay(STOP_GRACE_MS, undefined, { ref: false }).then(() => {
    log.warn('requests that would not end are cut off');
    server.app.server.closeAllConnections();
  });
  await server[Symbol.asyncDispose]();
  void late;
  log.info('the server has stopped');
}
