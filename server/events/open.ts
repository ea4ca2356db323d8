import { followHub, type HubChange, type HubMark } from '../hub-follower.ts';
import type { ServerParts } from '../parts.ts';
import { type Happening, happeningOf, happeningsOf, type Told } from './events.ts';
import { type EventLog, openEventLog } from './log.ts';

/** What happens to the centers' documents and replications, told once each, in the order in which the hub has it. */
export interface Events extends AsyncDisposable {
  readonly log: EventLog;
}

type Parts = Pick<ServerParts, 'hub' | 'store' | 'operations' | 'log'> & {
  /** What must have ended before it begins. */
  after: Promise<unknown>;
};

/** Follows the hub and the operations. What a hub already holds when it is met is not told of. */
export async function openEvents({ hub, store, operations, log, after }: Parts): Promise<Events> {
  const events = await openEventLog(store);

  async function tell(changes: HubChange[], mark: HubMark): Promise<void> {
    const before = await events.told(changes.map(({ id }) => id));
    const happenings: Happening[] = [];
    const documents = new Map<string, Told>();
    for (const [index, change] of changes.entries()) {
      const what = happeningsOf(change, before[index]);
      if (!what) continue;
      documents.set(change.id, what.told);
      if (events.isPrimed) happenings.push(...what.happenings);
    }
    await events.append(happenings, { documents, mark });
  }

  const follower = await followHub({
    ...{ hub, log, after, name: 'events', bodies: true },
    marks: { get: () => events.mark(), put: async () => {} },
    handle: tell,
    caughtUp: async () => {
      if (!events.isPrimed) await events.primed();
    },
  });
  const listening = operations.listen({
    ended: (ended) => {
      events.append(ended.map(happeningOf)).catch((error: unknown) => {
        log.error({ err: error }, 'events of replications could not be kept');
      });
    },
  });
  return {
    log: events,
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]();
      await follower[Symbol.asyncDispose]();
    },
  };
}
