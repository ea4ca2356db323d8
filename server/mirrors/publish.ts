import type { SyncEvent } from '../events/events.ts';
import type { EventLog } from '../events/log.ts';
import type { EventStore, Held } from './store.ts';

const AT_ONCE = 200;

/**
 * Publishes the event log in a store while a lease is held, from the last event on that the store has.
 * @param broken is told of the first failure; nothing is published after it.
 */
export function publishEvents(
  log: EventLog,
  store: EventStore,
  held: Held,
  broken: (cause: unknown) => void,
): AsyncDisposable {
  let isStopped = false;
  let woken = Promise.withResolvers<void>();
  const listening = log.listen(() => woken.resolve());

  async function run(): Promise<void> {
    let last = await store.eventsTo();
    while (!isStopped) {
      woken = Promise.withResolvers();
      let batch: SyncEvent[] = [];
      const put = async () => {
        if (batch.length === 0) return;
        await store.putEvents(held, batch);
        last = (batch.at(-1) as SyncEvent).id;
        batch = [];
      };
      for await (const event of log.after(last)) {
        if (isStopped) return;
        batch.push(event);
        if (batch.length === AT_ONCE) await put();
      }
      await put();
      await woken.promise;
    }
  }

  const running = run().catch(broken);
  return {
    async [Symbol.asyncDispose]() {
      isStopped = true;
      listening[Symbol.dispose]();
      woken.resolve();
      await running;
    },
  };
}
