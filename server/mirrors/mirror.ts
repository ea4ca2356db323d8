import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, SyncError } from '../../replication/errors.ts';
import { followHub, type HubFollower } from '../hub-follower.ts';
import type { ServerParts } from '../parts.ts';
import { followCenters } from './centers.ts';
import { publishEvents } from './publish.ts';
import { type Held, LEASE_MS, LeaseLost, type MirrorStore, type Verification } from './store.ts';

export type MirrorName = 'mongo' | 'redis';

/** Where a mirror stands. */
export interface MirrorStatus {
  name: MirrorName;
  /** `waiting`: another mirror holds the store's lease. `down`: the store does not answer. */
  state: 'following' | 'waiting' | 'down';
  /** Changes of the hub that are not mirrored yet; `null` while that is unknown. */
  behindDocuments: number | null;
  /** Since when the mirror has not been at the hub's end, in seconds. */
  behindSeconds: number;
  /** Changes mirrored since the server's start. */
  mirrored: number;
  /** Why it is down, or failed last. */
  error: string | null;
}

/** A one-way copy of the hub in another store. When that is down it delays nothing but itself. */
export interface Mirror extends AsyncDisposable {
  readonly name: MirrorName;
  status(): Promise<MirrorStatus>;
  /** Reads the hub again from its beginning. Resolves at its end. @throws SyncError unreachable. */
  rebuild(): Promise<void>;
  /** Compares the store with the hub. @throws SyncError unreachable. */
  verify(): Promise<Verification>;
}

/** A lease is renewed so many times while it holds. */
const RENEWALS = 4;
const LONGEST_WAIT_MS = 10_000;
const POLL_MS = 50;
/** Large enough that a store’s round trips do not count when the hub is read from its beginning. */
const BATCH = 2000;

type Parts = Pick<
  ServerParts,
  | 'config'
  | 'hub'
  | 'feed'
  | 'store'
  | 'operations'
  | 'quarantine'
  | 'credentials'
  | 'events'
  | 'uuid'
  | 'log'
>;

/** Starts mirroring; `store` need not be reachable. */
export function startMirror(name: MirrorName, parts: Parts, store: MirrorStore): Mirror {
  const { hub, log } = parts;
  const renewMs = (parts.config.mirrorLeaseMs ?? LEASE_MS) / RENEWALS;
  const stop = new AbortController();
  const reader = parts.operations.keepForReader();
  const instanceId = randomUUID();
  let isFirst = true;
  let failures = 0;
  let state: MirrorStatus['state'] = 'waiting';
  let error: string | null = null;
  let mirrored = 0;
  let mark: string | number | undefined;
  let caughtUpAt = Date.now();
  let isAtEnd = false;
  let rounds = 0;
  let session: AbortController | undefined;

  function failed(cause: unknown): void {
    if (cause instanceof LeaseLost) log.warn({ mirror: name }, cause.message);
    else if (failures++ === 0) log.warn({ err: cause, mirror: name }, 'the mirror’s store does not answer');
    error = messageOf(cause);
    state = cause instanceof LeaseLost ? 'waiting' : 'down';
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        const held = await store.acquire({ serverId: parts.uuid, instanceId, isFirst });
        isFirst = false;
        if (held) await mirror(held);
        else {
          state = 'waiting';
          await delay(renewMs, undefined, { signal: stop.signal });
        }
      } catch (cause) {
        if (stop.signal.aborted) return;
        failed(cause);
        const waitMs = cause instanceof LeaseLost ? 0 : Math.min(250 * 2 ** failures, LONGEST_WAIT_MS);
        await delay(waitMs, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  }

  /** Follows the hub as long as the lease is held. @throws what ended it. */
  async function mirror(held: Held): Promise<void> {
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => {});
    const ending = new AbortController();
    session = ending;
    const signal = AbortSignal.any([stop.signal, ending.signal]);
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    const renewing = renew(held, signal).catch(broken.reject);
    try {
      await using opened = new AsyncDisposableStack();
      opened.use(await follow(held, broken.reject));
      opened.use(followCenters(parts, store, held, reader, broken.reject));
      if (store.events) opened.use(publishEvents(parts.events.log, store.events, held, broken.reject));
      await Promise.race([broken.promise, aborted]);
    } finally {
      ending.abort();
      await renewing;
      await store.release(held).catch(() => undefined);
    }
  }

  function follow(held: Held, broken: (cause: unknown) => void): Promise<HubFollower> {
    const marks = { get: async () => held.mark, put: async () => {} };
    mark = held.mark?.seq;
    return followHub({
      ...{ hub, log, marks, name: `mirror ${name}`, bodies: true, batch: BATCH },
      prepare: (changes) => store.prepare(changes),
      handle: async (changes, reached, prepared) => {
        await store.apply(held, { changes, reached, prepared }).catch((cause: unknown) => {
          broken(cause);
          throw cause;
        });
        mark = reached.seq;
        isAtEnd = false;
        mirrored += changes.length;
        isWell();
      },
      restarted: () => store.startOver(held),
      caughtUp: async () => {
        await store.finish(held);
        caughtUpAt = Date.now();
        isAtEnd = true;
        rounds += 1;
        isWell();
      },
    });
  }

  function isWell(): void {
    failures = 0;
    state = 'following';
    error = null;
  }

  async function renew(held: Held, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(renewMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await store.renew(held);
    }
  }

  /** Resolves when the hub was read to its end after the call. */
  async function reachEnd(): Promise<void> {
    const before = rounds;
    while (rounds === before) {
      if (stop.signal.aborted) throw new SyncError('not_ready', 'the server is stopping');
      if (state === 'down') throw unreachable(name, error);
      await delay(POLL_MS);
    }
  }

  const running = run();
  return {
    name,
    async status() {
      const known = mark !== undefined && state !== 'waiting';
      const counted = known ? await hub.countAfter(mark as string | number) : null;
      // Not every CouchDB counts.
      const behindDocuments = counted ?? (isAtEnd && state === 'following' ? 0 : null);
      const isBehind = state !== 'following' || behindDocuments !== 0;
      const behindSeconds = isBehind ? Math.round((Date.now() - caughtUpAt) / 1000) : 0;
      return { name, state, behindDocuments, behindSeconds, mirrored, error };
    },
    async rebuild() {
      await store.forget().catch((cause: unknown) => {
        throw unreachable(name, messageOf(cause));
      });
      session?.abort();
      await reachEnd();
    },
    verify: () =>
      store.verify().catch((cause: unknown) => {
        throw unreachable(name, messageOf(cause));
      }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      reader[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

function unreachable(name: MirrorName, reason: string | null): SyncError {
  return new SyncError('unreachable', `the ${name} mirror’s store does not answer: ${reason}`);
}
