import { setTimeout as delay } from 'node:timers/promises';
import { readCenterState } from '../control/center-state.ts';
import type { Operation, OperationsReader } from '../control/operations.ts';
import type { ServerParts } from '../parts.ts';
import type { Held, MirrorStore } from './store.ts';

type Parts = Pick<ServerParts, 'feed' | 'store' | 'operations' | 'quarantine' | 'credentials'>;

const GATHER_MS = 200;
/** What changes without an event, such as documents that were assigned, shows after so long at most. */
const ALL_AFTER_MS = 15_000;
const AT_ONCE = 100;

/**
 * Keeps a store informed of where the centers stand and of their operations, while a lease is held: of those that
 * reported or whose operations ended at once, of all of them now and then.
 * @param reader is told which operations the store has.
 * @param broken is told of the first failure; nothing is written after it.
 */
export function followCenters(
  parts: Parts,
  store: MirrorStore,
  held: Held,
  reader: OperationsReader,
  broken: (cause: unknown) => void,
): AsyncDisposable {
  const { operations } = parts;
  const stop = new AbortController();
  const touched = new Set<string>();
  let gathered = Promise.withResolvers<void>();

  function touch(centerId: string): void {
    touched.add(centerId);
    gathered.resolve();
  }

  const listening = operations.listen({
    reported: touch,
    ended: (ended) => {
      for (const { centerId } of ended) touch(centerId);
    },
  });

  async function run(): Promise<void> {
    let allAt = 0;
    while (!stop.signal.aborted) {
      gathered = Promise.withResolvers();
      if (Date.now() - allAt >= ALL_AFTER_MS) {
        for (const centerId of knownCenters(parts)) touched.add(centerId);
        allAt = Date.now();
      }
      const centers = [...touched];
      touched.clear();
      await putOperations();
      await putCenters(centers);
      const timer = setTimeout(gathered.resolve, ALL_AFTER_MS);
      await gathered.promise;
      clearTimeout(timer);
      await delay(GATHER_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }

  async function putOperations(): Promise<void> {
    let batch: Operation[] = [];
    for await (const operation of operations.endedAfter(held.operationsTo)) {
      batch.push(operation);
      if (batch.length < AT_ONCE) continue;
      await store.putOperations(held, batch);
      reader.taken(held.operationsTo);
      batch = [];
    }
    if (batch.length > 0) await store.putOperations(held, batch);
    reader.taken(held.operationsTo);
  }

  async function putCenters(centers: string[]): Promise<void> {
    for (let from = 0; from < centers.length && !stop.signal.aborted; from += AT_ONCE) {
      const some = centers.slice(from, from + AT_ONCE);
      await store.putCenters(held, await Promise.all(some.map((center) => readCenterState(parts, center))));
    }
  }

  const running = run().catch(broken);
  return {
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]();
      stop.abort();
      gathered.resolve();
      await running;
    },
  };
}

function knownCenters({ feed, credentials }: Parts): string[] {
  return [...new Set([...feed.centers(), ...credentials.list()])];
}
