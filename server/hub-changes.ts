import type { Hub } from './hub.ts';

/** Resolves when the hub has a change after `since`; also on a heartbeat, so that a dead connection is left behind. */
export async function hubChanged(hub: Hub, since: string | number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const feed = hub.db.changes({ since, live: true, limit: 1, heartbeat: 10_000, return_docs: false });
  const done = (): void => resolve();
  feed.on('change', done).on('complete', done).on('error', reject);
  signal.addEventListener('abort', done, { once: true });
  if (signal.aborted) done();
  const timer = setTimeout(done, 60_000);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', done);
    feed.cancel();
  }
}

/** Reading to the end of the hub, shared by those who wait for it. */
export interface Drain {
  /** Resolves when a reading that began after the call has ended. */
  run(): Promise<void>;
  /** Resolves when nothing runs any more. */
  ended(): Promise<void>;
}

export function createDrain(readToEnd: () => Promise<void>): Drain {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function run(): Promise<void> {
    if (!running) {
      running = readToEnd().finally(() => {
        running = undefined;
      });
      return running;
    }
    // What is under way may have passed the caller's write by already: one more round follows it.
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return run();
      });
    return next;
  }

  return { run, ended: async () => (next ?? running)?.catch(() => undefined) };
}
