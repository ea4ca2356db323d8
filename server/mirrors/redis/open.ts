import { once } from 'node:events';
import { Redis } from 'ioredis';
import type { StoredDocument } from '../../../replication/documents.ts';
import type { CenterState } from '../../control/center-state.ts';
import type { SyncEvent } from '../../events/events.ts';
import type { ServerParts } from '../../parts.ts';
import { LEASE_MS, type MirrorStore } from '../store.ts';
import { type Fact, factOf } from './documents.ts';
import {
  centerKey,
  channelOf,
  confirmedKey,
  DATA_PATTERNS,
  EVENTS_KEY,
  RECENT_KEY,
  resultKey,
  SILENT_KEY,
  sessionsKey,
} from './keys.ts';
import { createRedisLease } from './lease.ts';
import { countSessions, type SessionCounts } from './sessions.ts';
import { scan, verifyRedis } from './verify.ts';

const CONNECT_MS = 5000;
const COMMAND_MS = 10_000;
const LONGEST_RECONNECT_MS = 1000;
/** About how many events the stream keeps. */
const STREAM_LENGTH = 100_000;
const DELETE_AT_ONCE = 500;

type Parts = Pick<ServerParts, 'config' | 'hub' | 'log'>;

/** The mirror in the Redis at `url`. Connects by itself, and again. */
export function openRedisStore(url: string, parts: Parts): MirrorStore<Fact[]> {
  const options = {
    commandTimeout: COMMAND_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (tries: number) => Math.min(50 * tries, LONGEST_RECONNECT_MS),
  };
  const [client, guarded] = [new Redis(url, options), new Redis(url, options)];
  // Without a listener each lost connection is printed; the mirror's state tells it.
  for (const connection of [client, guarded]) connection.on('error', () => {});
  const lease = createRedisLease(guarded, parts.config.mirrorLeaseMs ?? LEASE_MS);

  return {
    async acquire(holder) {
      await Promise.all([client, guarded].map(connected));
      return lease.acquire(holder);
    },
    renew: (held) => lease.commit(held, {}, () => {}),
    release: (held) => lease.release(held),
    forget: () => lease.forget(),
    async startOver() {
      for (const pattern of DATA_PATTERNS) {
        for await (const keys of scan(client, pattern, DELETE_AT_ONCE)) await client.unlink(...keys);
      }
    },
    finish: async () => {},
    prepare: async (changes) => changes.flatMap(({ id, doc }) => factOf(id, live(doc)) ?? []),
    async apply(held, { reached, prepared: facts }) {
      const counts = await countSessions(client, facts);
      await lease.commit(held, { mark: reached }, (multi) => {
        for (const fact of facts) put(multi, fact);
        for (const [centerId, count] of counts) multi.hset(centerKey(centerId), countFields(count));
      });
    },
    async putCenters(held, states) {
      await lease.commit(held, {}, (multi) => {
        for (const state of states) putCenter(multi, state);
      });
    },
    putOperations: (held, operations) =>
      lease.commit(held, { operationsTo: operations.at(-1)?.id ?? held.operationsTo }, () => {}),
    events: {
      eventsTo: () => lease.eventsTo(),
      putEvents: (held, events) =>
        lease.commit(held, { eventsTo: events.at(-1)?.id ?? '' }, (multi) => {
          for (const event of events) putEvent(multi, event);
        }),
    },
    verify: () => verifyRedis(client, parts),
    async [Symbol.asyncDispose]() {
      client.disconnect();
      guarded.disconnect();
    },
  };
}

/** @throws AbortError when there is no connection in time. */
async function connected(connection: Redis): Promise<void> {
  if (connection.status !== 'ready')
    await once(connection, 'ready', { signal: AbortSignal.timeout(CONNECT_MS) });
}

function live(doc: StoredDocument | undefined): StoredDocument | undefined {
  return doc?._deleted ? undefined : doc;
}

type Multi = ReturnType<Redis['multi']>;

function put(multi: Multi, fact: Fact): void {
  const { centerId, enrollmentId } = fact;
  if (fact.kind === 'session') {
    if (fact.status === undefined) multi.hdel(sessionsKey(centerId), enrollmentId);
    else multi.hset(sessionsKey(centerId), enrollmentId, fact.status);
  } else if (fact.kind === 'confirmed') {
    multi[fact.isConfirmed ? 'sadd' : 'srem'](confirmedKey(centerId), enrollmentId);
  } else {
    // Fields that an earlier revision had do not stay.
    multi.del(resultKey(enrollmentId));
    if (fact.fields) multi.hset(resultKey(enrollmentId), fact.fields);
  }
}

function countFields({ running, submitted, confirmed }: SessionCounts): Record<string, number> {
  return { sessionsRunning: running, sessionsSubmitted: submitted, sessionsConfirmed: confirmed };
}

function putCenter(multi: Multi, state: CenterState): void {
  const { centerId, lastDownload, lastUpload, lastSeen } = state;
  const lastSync = [lastDownload, lastUpload]
    .filter((time) => time !== null)
    .sort()
    .at(-1);
  multi.hset(centerKey(centerId), {
    state: state.status,
    pending: (state.pendingDownload ?? 0) + (state.pendingUpload ?? 0),
    pendingDownload: state.pendingDownload ?? '',
    pendingUpload: state.pendingUpload ?? '',
    lastSync: lastSync ?? '',
    lastDownload: lastDownload ?? '',
    lastUpload: lastUpload ?? '',
    conflicts: state.conflicts,
    quarantined: state.quarantined,
  });
  if (lastSync) multi.zadd(RECENT_KEY, Date.parse(lastSync), centerId);
  multi.zadd(SILENT_KEY, lastSeen === null ? 0 : Date.parse(lastSeen), centerId);
}

function putEvent(multi: Multi, event: SyncEvent): void {
  const { id, type, testCenter, timestamp, version, data } = event;
  const fields = { id, type, testCenter, timestamp, version, data: JSON.stringify(data) };
  const pairs = Object.entries(fields).flat().map(String);
  multi.xadd(EVENTS_KEY, 'MAXLEN', '~', STREAM_LENGTH, id, ...pairs);
  multi.publish(channelOf(testCenter), JSON.stringify(event));
}
