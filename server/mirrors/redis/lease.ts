import type { ChainableCommander, Redis } from 'ioredis';
import type { HubMark } from '../../hub-follower.ts';
import { createTurns } from '../../replica/turns.ts';
import { type Held, type Holder, LeaseLost } from '../store.ts';
import { MIRROR_KEY } from './keys.ts';

/** What the guarded commands of a batch leave behind. */
export interface Saved {
  mark?: HubMark;
  operationsTo?: string;
  eventsTo?: string;
}

/** The lease and the mark of a Redis mirror. */
export interface RedisLease {
  acquire(holder: Holder): Promise<Held | undefined>;
  /** Runs commands and moves the mark in one MULTI, if the lease is held and the store is as it was left. @throws LeaseLost. */
  commit(held: Held, saved: Saved, commands: (multi: ChainableCommander) => void): Promise<void>;
  release(held: Held): Promise<void>;
  forget(): Promise<void>;
  eventsTo(): Promise<string>;
}

/** @param connection for this alone: what is watched on it is the lease's. */
export function createRedisLease(connection: Redis, leaseMs: number): RedisLease {
  const inTurn = createTurns(1);
  let connections = 0;
  connection.on('ready', () => {
    connections += 1;
  });

  /** Everything that follows `look` happens only if the lease has not changed since. */
  async function ifUnchanged(
    look: (state: Record<string, string>) => boolean,
    commands: (multi: ChainableCommander, state: Record<string, string>) => void,
  ): Promise<boolean> {
    return inTurn(async () => {
      const before = connections;
      await connection.watch(MIRROR_KEY);
      const state = await connection.hgetall(MIRROR_KEY);
      if (!look(state)) {
        await connection.unwatch();
        return false;
      }
      const multi = connection.multi();
      commands(multi, state);
      // A connection that was made anew watches nothing.
      if (connections !== before) throw new Error('the connection was lost');
      const answers = await multi.exec();
      const failed = answers?.find(([error]) => error);
      if (failed?.[0]) throw failed[0];
      return answers !== null;
    });
  }

  return {
    async acquire({ serverId, instanceId, isFirst }) {
      let held: Held | undefined;
      const isTaken = await ifUnchanged(
        (state) => {
          const isOurs = isFirst ? state.serverId === serverId : state.instanceId === instanceId;
          return isOurs || Number(state.until ?? 0) < Date.now();
        },
        (multi, state) => {
          held = {
            term: Number(state.term ?? 0) + 1,
            mark: state.mark ? (JSON.parse(state.mark) as HubMark) : undefined,
            operationsTo: state.operationsTo ?? '',
          };
          multi.hset(MIRROR_KEY, { term: held.term, serverId, instanceId, until: Date.now() + leaseMs });
        },
      );
      return isTaken ? held : undefined;
    },
    async commit(held, { mark, operationsTo, eventsTo }, commands) {
      const isOurs = await ifUnchanged(
        (state) => state.term === String(held.term) && (state.mark ?? '') === textOf(held.mark),
        (multi) => {
          commands(multi);
          multi.hset(MIRROR_KEY, {
            until: Date.now() + leaseMs,
            ...(mark ? { mark: textOf(mark) } : {}),
            ...(operationsTo === undefined ? {} : { operationsTo }),
            ...(eventsTo === undefined ? {} : { eventsTo }),
          });
        },
      );
      if (!isOurs) throw new LeaseLost('another mirror has the lease, or the store lost what it had');
      if (mark) held.mark = mark;
      if (operationsTo !== undefined) held.operationsTo = operationsTo;
    },
    async release(held) {
      const look = (state: Record<string, string>) => state.term === String(held.term);
      await ifUnchanged(look, (multi) => multi.hset(MIRROR_KEY, 'until', 0));
    },
    async forget() {
      await connection.hdel(MIRROR_KEY, 'mark');
    },
    async eventsTo() {
      return (await connection.hget(MIRROR_KEY, 'eventsTo')) ?? '';
    },
  };
}

function textOf(mark: HubMark | undefined): string {
  return mark ? JSON.stringify(mark) : '';
}
