import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { Hub } from '../hub.ts';
import { createDrain, hubChanged } from '../hub-changes.ts';
import { type Applied, applyChanged } from './apply.ts';
import { type HubChange, readChanged } from './changed-documents.ts';
import type { Level } from './partition-log.ts';
import type { FeedState } from './state.ts';

const BATCH = 500;
const RETRY_MS = 1000;
const QUIET_STEP_MS = 20;
const QUIET_LIMIT_MS = 1000;

/** Follows the hub's changes into the index. */
export interface Follower extends AsyncDisposable {
  /** Reads on until the hub has nothing newer than at the time of the call. Calls share the work under way. */
  drain(): Promise<void>;
}

/**
 * Starts following. `onApplied` is told what changed, after it is in the index.
 * A hub that cannot be reached is asked again every second; the index stays as it is meanwhile.
 */
export function startFollower(
  hub: Hub,
  level: Level,
  state: FeedState,
  log: FastifyBaseLogger,
  onApplied: (applied: Applied) => void,
): Follower {
  const stop = new AbortController();

  function leaveOut(id: string, err: RangeError): void {
    log.error({ err, id }, `${id} is nested too deeply: no center receives it`);
  }

  async function readToEnd(): Promise<void> {
    while (!stop.signal.aborted) {
      // Without a batch size of its own, PouchDB asks a CouchDB for 25 rows at a time.
      const paging = { limit: BATCH, batch_size: BATCH };
      const options = { since: state.meta.hubSeq, ...paging, style: 'all_docs', include_docs: true };
      const { results, last_seq } = await hub.db.changes(options as PouchDB.Core.ChangesOptions);
      const changed = await readChanged(hub.db, results as unknown as HubChange[], leaveOut);
      const apply = () => applyChanged(level, state, changed, last_seq);
      if (results.length > 0) onApplied(await state.exclusively(apply));
      if (results.length < BATCH) return;
    }
  }

  const drain = createDrain(readToEnd);

  /** Acknowledging writes comes before indexing them; whoever reads has `drain` do it at once. */
  async function quiet(): Promise<void> {
    for (let waited = 0; hub.busy && waited < QUIET_LIMIT_MS; waited += QUIET_STEP_MS) {
      await delay(QUIET_STEP_MS, undefined, { signal: stop.signal });
    }
  }

  async function follow(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await quiet();
        await drain.run();
        await hubChanged(hub, state.meta.hubSeq, stop.signal);
      } catch (error) {
        if (stop.signal.aborted) return;
        log.error({ err: error }, 'the feed cannot follow the hub; it tries again');
        await delay(RETRY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  }

  const following = follow();
  return {
    drain: drain.run,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
      await drain.ended();
    },
  };
}
