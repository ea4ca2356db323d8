import type { StoredDocument } from '../../replication/documents.ts';
import { makeReceipt, type Receipt, receiptId } from '../../replication/receipt.ts';
import type { PrivateKey } from '../../replication/signing.ts';
import type { CenterFeed } from '../feed/feed.ts';
import type { Hub } from '../hub.ts';
import type { CenterRow } from './center-rows.ts';

const BATCH = 200;

/** Receipts for results that are on the hub's disk. */
export interface Receipts {
  /** Writes what is missing of the receipts for the live leaves of results; what is there is left alone. */
  write(centerId: string, results: readonly CenterRow[]): Promise<void>;
  /** Which of these revisions of a result have their receipt. */
  existing(centerId: string, enrollmentId: string, revs: string[]): Promise<Set<string>>;
}

export function createReceipts(
  { feed, hub }: { feed: Pick<CenterFeed, 'entries' | 'bodies'>; hub: Pick<Hub, 'write'> },
  key: PrivateKey,
): Receipts {
  async function writeMissing(receipts: Receipt[]): Promise<void> {
    const known = await feed.bodies(receipts.map(({ _id }) => _id));
    const missing: StoredDocument[] = [];
    for (const [index, receipt] of receipts.entries()) {
      const body = known[index]?.body;
      const there = body === undefined ? undefined : (JSON.parse(body) as StoredDocument);
      // One that another key signed is of a server whose control data were lost: no node could verify it any more.
      if (there && !there._deleted && there.keyId === receipt.keyId) continue;
      missing.push(there ? { ...receipt, _rev: there._rev as string } : { ...receipt });
    }
    const outcomes = await hub.write(missing, { newEdits: true });
    // A conflict: the receipt is in the hub, and only the index does not have it yet.
    const failed = outcomes.find((outcome) => 'error' in outcome && outcome.status !== 409);
    if (failed && 'error' in failed) throw new Error(`cannot write ${failed.id}: ${failed.reason}`);
  }

  return {
    async write(centerId, results) {
      const receipts = results.flatMap(({ id, leaves }) =>
        leaves.filter(({ deleted }) => !deleted).map(({ rev }) => makeReceipt(centerId, id, rev, key)),
      );
      for (let from = 0; from < receipts.length; from += BATCH) {
        await writeMissing(receipts.slice(from, from + BATCH));
      }
    },
    async existing(centerId, enrollmentId, revs) {
      const entries = await feed.entries(revs.map((rev) => receiptId(centerId, enrollmentId, rev)));
      return new Set(revs.filter((_, index) => entries[index]?.leaves.some(({ deleted }) => !deleted)));
    },
  };
}
