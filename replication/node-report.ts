import { z } from 'zod';

/** One document in which two sides differ. */
export const differenceSchema = z.object({ id: z.string(), problem: z.enum(['altered', 'lost', 'added']) });
export type Difference = z.infer<typeof differenceSchema>;

/**
 * What a node tells the server about itself: the document `_local/cbt-node.<instanceId>` in its center's name space,
 * written after each replication. `_local` documents are the checkpoints' own place, so this needs no protocol.
 */
export const nodeReportSchema = z.object({
  instanceId: z.string(),
  /** The center feed's sequence that the replica has reached. */
  since: z.string(),
  mode: z.enum(['continuous', 'batch', 'manual']),
  /** Changes written at the node and not pushed yet. */
  pendingPush: z.int().nonnegative(),
  documents: z.int().nonnegative(),
  /** Partition to digest, 64 hexadecimal digits. */
  digests: z.record(z.string(), z.string()),
  /** Documents that differ from the hub's at the same sequence, by name; empty when none is known to. */
  differences: z.array(differenceSchema),
  /** Where the node's log stands: a node that has fewer entries than it once had was rolled back or copied. */
  log: z.object({ n: z.int().nonnegative(), hash: z.string() }).optional(),
  /** The public half of the key that the node signs results with. */
  publicKey: z.string().optional(),
  sessions: z.object({ running: z.int().nonnegative(), submitted: z.int().nonnegative() }).optional(),
  /** Results in the replica, and those of them that the server has confirmed by a receipt. */
  results: z.object({ total: z.int().nonnegative(), confirmed: z.int().nonnegative() }).optional(),
  lastPullAt: z.iso.datetime().nullable(),
  lastPushAt: z.iso.datetime().nullable(),
  reportedAt: z.iso.datetime(),
});

export type NodeReport = z.infer<typeof nodeReportSchema>;

/** The id prefix of node reports. */
export const NODE_REPORT_PREFIX = '_local/cbt-node.';
