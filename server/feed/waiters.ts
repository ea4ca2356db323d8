/** Centers' waiting requests, woken by the partitions that changed. */
export interface Waiters {
  /** Resolves when one of the partitions changes. @throws AbortError when `signal` ends the wait. */
  wait(partitions: readonly string[], signal: AbortSignal): Promise<void>;
  wake(partitions: Iterable<string>): void;
}

export function createWaiters(): Waiters {
  const byPartition = new Map<string, Set<() => void>>();

  function add(partition: string, wake: () => void): void {
    const waiting = byPartition.get(partition);
    if (waiting) waiting.add(wake);
    else byPartition.set(partition, new Set([wake]));
  }

  function remove(partition: string, wake: () => void): void {
    const waiting = byPartition.get(partition);
    waiting?.delete(wake);
    if (waiting?.size === 0) byPartition.delete(partition);
  }

  return {
    wait(partitions, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const leave = (): void => {
          signal.removeEventListener('abort', abort);
          for (const partition of partitions) remove(partition, wake);
        };
        const wake = (): void => {
          leave();
          resolve();
        };
        const abort = (): void => {
          leave();
          reject(signal.reason);
        };
        signal.addEventListener('abort', abort, { once: true });
        for (const partition of partitions) add(partition, wake);
      });
    },
    wake(partitions) {
      for (const partition of partitions) for (const wake of [...(byPartition.get(partition) ?? [])]) wake();
    },
  };
}
