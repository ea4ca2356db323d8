import type { Line } from '../line.ts';

/** Waits for changes online; one wait outlives many steps of the loop, since opening it anew costs a round trip. */
export interface Listener {
  /** Waits for a change after `since`, unless it is waited for already. */
  listen(since: string): void;
  stop(): void;
}

/** @param heard is called once for each wait: a change, or why the wait failed. */
export function openListener(line: Line, heard: (failure: unknown) => void): Listener {
  let current: { since: string; stopping: AbortController } | undefined;

  function stop(): void {
    current?.stopping.abort();
    current = undefined;
  }

  return {
    listen(since) {
      if (current?.since === since) return;
      stop();
      const wait = { since, stopping: new AbortController() };
      current = wait;
      const end = (failure?: unknown) => {
        if (current !== wait) return;
        current = undefined;
        heard(failure);
      };
      line.changed(since, wait.stopping.signal).then(() => end(), end);
    },
    stop,
  };
}
