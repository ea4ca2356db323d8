import { type Collection, type Document, MongoServerError } from 'mongodb';
import type { HubMark } from '../../hub-follower.ts';
import { createTurns } from '../../replica/turns.ts';
import { type Held, type Holder, LeaseLost } from '../store.ts';

/** The one document of the collection `syncMirror`. */
interface MirrorState extends Document {
  _id: string;
  serverId: string;
  instanceId: string;
  until: Date;
  term: number;
  /** Up to where the hub is mirrored; `null` when it is to be read from its beginning. */
  mark: HubMark | null;
  operationsTo: string;
  /** Documents of earlier terms go when the hub was read to its end. */
  sweepBefore?: number;
  /** A mirror that had lost the lease still wrote what it had read from here on: it is read again. */
  stray?: HubMark | null;
}

const ID = 'mirror';
const DUPLICATE_KEY = 11000;

/** The lease, the term and the mark of a MongoDB mirror, in the mirrored database itself. */
export interface MongoLease {
  acquire(holder: Holder): Promise<Held | undefined>;
  /** Moves the mark, and the lease's end with it. @throws LeaseLost. */
  save(
    held: Held,
    change: Partial<Pick<MirrorState, 'mark' | 'operationsTo' | 'sweepBefore'>>,
  ): Promise<void>;
  renew(held: Held): Promise<void>;
  release(held: Held): Promise<void>;
  /** Notes that a batch was written although the lease was lost. */
  stray(held: Held): Promise<void>;
  /** @returns the term below which documents go, if any do. */
  sweepBefore(): Promise<number | undefined>;
  swept(held: Held): Promise<void>;
  forget(): Promise<void>;
}

export function createLease(collection: Collection<MirrorState>, leaseMs: number): MongoLease {
  // Each of them expects the mark that the one before has left.
  const inTurn = createTurns(1);
  const until = () => new Date(Date.now() + leaseMs);
  /** A store that came back in an older state than it was left in is noticed by its mark. */
  const ours = (held: Held) => ({ _id: ID, term: held.term, 'mark.seq': held.mark?.seq ?? null });

  function expectOurs(matched: number): void {
    if (matched === 0) throw new LeaseLost('another mirror has the lease, or the store lost what it had');
  }

  return {
    async acquire({ serverId, instanceId, isFirst }) {
      const free = [{ until: { $lt: new Date() } }, isFirst ? { serverId } : { instanceId }];
      const state = await takeLease(collection, free, { serverId, instanceId, until: until() });
      if (!state) return undefined;
      const held: Held = {
        term: state.term,
        mark: state.mark ?? undefined,
        operationsTo: state.operationsTo ?? '',
      };
      if (state.stray === undefined) return held;
      const back = { $set: { mark: state.stray }, $unset: { stray: '' as const } };
      expectOurs((await collection.updateOne(ours(held), back)).matchedCount);
      return { ...held, mark: state.stray ?? undefined };
    },
    save: (held, change) =>
      inTurn(async () => {
        const set = { ...change, until: until() };
        expectOurs((await collection.updateOne(ours(held), { $set: set })).matchedCount);
        if (change.mark) held.mark = change.mark;
        if (change.operationsTo !== undefined) held.operationsTo = change.operationsTo;
      }),
    async renew(held) {
      const extend = () => collection.findOneAndUpdate(ours(held), { $set: { until: until() } });
      const state = await inTurn(extend);
      expectOurs(state ? 1 : 0);
      if (state?.stray !== undefined) throw new LeaseLost('another mirror wrote after it had lost the lease');
    },
    async release(held) {
      await collection.updateOne({ _id: ID, term: held.term }, { $set: { until: new Date(0) } });
    },
    async stray(held) {
      const first = { _id: ID, term: { $gt: held.term }, stray: { $exists: false } };
      await collection.updateOne(first, { $set: { stray: held.mark ?? null } });
    },
    async sweepBefore() {
      return (await collection.findOne({ _id: ID }))?.sweepBefore;
    },
    async swept(held) {
      await collection.updateOne({ _id: ID, term: held.term }, { $unset: { sweepBefore: '' } });
    },
    async forget() {
      const none = { mark: null, operationsTo: '' };
      await collection.updateOne({ _id: ID }, { $set: none, $unset: { stray: '' } });
    },
  };
}

async function takeLease(
  collection: Collection<MirrorState>,
  free: object[],
  holder: Pick<MirrorState, 'serverId' | 'instanceId' | 'until'>,
): Promise<MirrorState | undefined> {
  try {
    const found = await collection.findOneAndUpdate(
      { _id: ID, $or: free } as object,
      { $set: holder, $inc: { term: 1 } },
      { upsert: true, returnDocument: 'after' },
    );
    return found ?? undefined;
  } catch (error) {
    // It is there and not free, so that the upsert tried to make a second one.
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return undefined;
    throw error;
  }
}
