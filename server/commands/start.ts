import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { roomOnDisk } from '../../replication/disk-room.ts';
import { outOfSpace } from '../../replication/errors.ts';
import { boundHeap } from '../../replication/heap.ts';
import { openServer, type Server } from '../app.ts';
import { readConfig, type ServerConfig } from '../config.ts';

/** How long requests that run may take to end after a stop was asked for; Docker kills what is not gone after 10 s. */
const STOP_GRACE_MS = 5000;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Runs the server until SIGTERM or SIGINT; a second signal ends it at once. After a write that failed it goes on
 * answering what it can read, and is opened anew when there is room on the disk.
 */
export async function start(env: NodeJS.ProcessEnv): Promise<void> {
  boundHeap();
  const config = readConfig(env);
  let server = await openServer(config);
  const { log } = server.parts;
  // What a library leaves unhandled must not take down every center's feed.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise was left unhandled'));
  const asked = stopAsked(log);
  const onItsPort = { ...config, port: config.port || Number(new URL(server.url).port) };
  while (await failed(server, asked)) {
    await stop(server);
    const opened = await openAgain(onItsPort, log, asked);
    if (!opened) return;
    server = opened;
  }
  await stop(server);
  log.info('the server has stopped');
}

function stopAsked(log: FastifyBaseLogger): AbortSignal {
  const asking = new AbortController();
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (asking.signal.aborted) process.exit(1);
      log.info({ signal: name }, 'the server stops');
      asking.abort();
    });
  }
  return asking.signal;
}

/** Waits until the server is to be opened anew (`true`) or to stop. */
async function failed({ parts }: Server, asked: AbortSignal): Promise<boolean> {
  const { config, log, unwritable } = parts;
  const either = AbortSignal.any([asked, unwritable]);
  if (!either.aborted) await once(either, 'abort');
  if (asked.aborted) return false;
  log.error({ err: unwritable.reason }, 'a write failed: nothing is stored until there is room on the disk');
  return roomOnDisk(config.dataDir, asked);
}

/** @returns `undefined` when the server was asked to stop before there was room to open it. */
async function openAgain(
  config: ServerConfig,
  log: FastifyBaseLogger,
  asked: AbortSignal,
): Promise<Server | undefined> {
  while (await roomOnDisk(config.dataDir, asked)) {
    try {
      return await openServer(config, { log });
    } catch (error) {
      if (!outOfSpace(error)) throw error;
      log.error({ err: error }, 'the disk is full again: the server waits for room');
    }
  }
  return undefined;
}

async function stop(server: Server): Promise<void> {
  const late = delay(STOP_GRACE_MS, undefined, { ref: false }).then(() => {
    server.parts.log.warn('requests that would not end are cut off');
    server.app.server.closeAllConnections();
  });
  await server[Symbol.asyncDispose]();
  void late;
}
