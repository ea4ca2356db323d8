import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';

const RETRY_MS = 1000;

/** Work that is done in the background, whenever there is some. */
export interface Worker extends AsyncDisposable {
  /** There is something to do. */
  wake(): void;
}

/** `work` does all there is to do, unless it is aborted meanwhile; when it fails it is tried again after a while. */
export function startWorker(
  work: (signal: AbortSignal) => Promise<void>,
  { log, what }: { log: FastifyBaseLogger; what: string },
): Worker {
  const stop = new AbortController();
  let wake = (): void => {};

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      try {
        await work(stop.signal);
        if (!stop.signal.aborted) await woken;
      } catch (error) {
        if (stop.signal.aborted) return;
        log.error({ err: error }, `${what} failed; it is tried again`);
        await delay(RETRY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  }

  const running = run();
  return {
    wake: () => wake(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      wake();
      await running;
    },
  };
}
