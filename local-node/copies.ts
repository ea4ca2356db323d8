import type { FastifyBaseLogger } from 'fastify';
import { type LogHead, logId } from '../replication/log-chain.ts';
import type { Logbook } from './logbook.ts';
import type { Registration } from './registration.ts';
import type { Replica } from './replica.ts';
import type { NodeState } from './state.ts';

/** An instance id that this node has given up. */
export interface FormerIdentity {
  instanceId: string;
  /** Where its log stood here. */
  head: LogHead;
  reason: string;
  /** ISO 8601. */
  at: string;
}

/**
 * Whether this node is the only one that it takes itself for. A disk that was copied, or put back from an older copy,
 * makes two nodes of one: each has entries in the log that the other did not write, and that is how either finds out.
 * It goes on under a new instance id and with a new key, so that what each of them does can be told apart.
 */
export interface Copies {
  /** By the time when each was given up. */
  readonly former: readonly FormerIdentity[];
  /** Judges by how far the server has seen this node's log. */
  compare(seen: LogHead): Promise<void>;
  /** Resolves when everything that was found out has had its effect. */
  settled(): Promise<void>;
}

export interface CopiesOptions {
  state: NodeState;
  replica: Replica;
  logbook: Logbook;
  registration: Pick<Registration, 'renewKey'>;
  centerId: string;
  log: FastifyBaseLogger;
  now?: () => Date;
}

/** Entries at the end of the log that are looked at when the node starts. */
const LOOKED_AT = 100;

export async function watchForCopies(options: CopiesOptions): Promise<Copies> {
  const { state, replica, logbook, registration, log, now = () => new Date() } = options;
  const space = state.space<FormerIdentity>('former');
  const former: FormerIdentity[] = [];
  for await (const [, identity] of space.entries()) former.push(identity);
  former.sort((a, b) => (a.at < b.at ? -1 : 1));
  let leaving: Promise<void> | undefined;

  async function leave(reason: string): Promise<void> {
    const left = { instanceId: state.instanceId, head: logbook.head, reason, at: now().toISOString() };
    await registration.renewKey();
    await logbook.startOver(reason);
    await space.put(left.instanceId, left);
    former.push(left);
    log.warn(left, 'this node is a copy of another, or was put back from one; it goes on under a new id');
  }

  function begin(reason: string): void {
    leaving ??= leave(reason)
      .catch((error) => log.error({ err: error }, 'the instance id could not be changed'))
      .finally(() => {
        leaving = undefined;
      });
  }

  replica.onChange((change) => {
    if (logbook.isForeign(change))
      begin(`the hub has an entry of its log that it did not write: ${change.id}`);
  });
  const found = await foreignEntry(options);
  if (found !== undefined) begin(`its replica has an entry of its log that it did not write: ${found}`);
  return {
    former,
    async compare(seen) {
      if (await logbook.hasWritten(seen)) return;
      begin(`the server has seen ${seen.n} entries of its log, of which it knows nothing`);
      await leaving;
    },
    settled: async () => leaving,
  };
}

/** What came before the last run was killed. */
async function foreignEntry({
  state,
  replica,
  logbook,
  centerId,
}: CopiesOptions): Promise<string | undefined> {
  const first = Math.max(logbook.head.n - LOOKED_AT, 1);
  const range = {
    startkey: logId(centerId, state.instanceId, first),
    endkey: logId(centerId, state.instanceId, 99_999_999),
    limit: 2 * LOOKED_AT,
    include_docs: true,
    conflicts: true,
  };
  const { rows } = await replica.db.allDocs(range);
  return rows.find(({ id, doc, value }) =>
    logbook.isForeign({ id, revs: [value.rev, ...(doc?._conflicts ?? [])] }),
  )?.id;
}
