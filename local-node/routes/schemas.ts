import { z } from 'zod';
import { MODES } from '../sync/machine.ts';

/** What the `/api` routes take and answer. */

const time = z.iso.datetime().nullable();
const count = z.int().nonnegative();

export const difference = z.object({ id: z.string(), problem: z.enum(['altered', 'lost', 'added']) });

export const verification = z.object({
  /** When the replica was last compared with the hub. */
  at: time,
  /** Of that comparison; null when there was none. */
  equal: z.boolean().nullable(),
  differences: z.array(difference),
});

export const statusAnswer = z.object({
  centerId: z.string(),
  server: z.string(),
  instanceId: z.string(),
  mode: z.enum(MODES),
  everyMinutes: count,
  phase: z.enum(['idle', 'push', 'pull', 'compare']),
  /** Whether the last exchange with the server went well. */
  line: z.enum(['up', 'down', 'unknown']),
  documents: count,
  pendingPush: count,
  /** Null while the server cannot be asked. */
  pendingPull: count.nullable(),
  lastPullAt: time,
  lastPushAt: time,
  nextAttemptAt: time,
  lastError: z.object({ reason: z.string(), at: z.iso.datetime() }).nullable(),
  /** Of the replication that runs, else of the last one. */
  progress: z.object({ pushed: count, pulled: count, total: count.nullable() }),
  quarantined: count,
  verification,
});
export type StatusAnswer = z.infer<typeof statusAnswer>;

export const modeBody = z.object({
  mode: z.enum(MODES),
  /** For batch. */
  everyMinutes: z
    .int()
    .min(1)
    .max(7 * 24 * 60)
    .optional(),
});

export const replicateQuery = z.object({ wait: z.enum(['true', 'false']).default('false') });
export const replicateAnswer = z.object({ ok: z.literal(true), pushed: count, pulled: count });
export const replicateAccepted = z.object({ accepted: z.literal(true) });

export const quarantineAnswer = z.object({
  entries: z.array(
    z.object({
      id: z.string(),
      rev: z.string(),
      reason: z.string(),
      at: z.iso.datetime(),
      doc: z.looseObject({}).optional(),
    }),
  ),
});

export const verifyAnswer = z.object({
  /** Shown to be the hub's, document for document. */
  equal: z.boolean(),
  /** With what the replica was compared: the hub, or only the node's own record of what it wrote. */
  comparedWith: z.enum(['hub', 'record']),
  /** Why the hub was not reached. */
  reason: z.string().nullable(),
  documents: count,
  differences: z.array(difference),
});
export type VerifyAnswer = z.infer<typeof verifyAnswer>;

export const repairAnswer = z.object({
  repaired: z.array(difference),
  remaining: z.array(difference),
});

export const problem = z.object({ error: z.string(), reason: z.string() });
