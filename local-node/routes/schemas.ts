import { z } from 'zod';
import { differenceSchema } from '../../replication/node-report.ts';
import { QUARANTINE_STATES } from '../quarantine.ts';
import { MODES } from '../sync/machine.ts';
import { WIPE_OBSTACLES } from '../wiping.ts';

/** What the `/api` routes take and answer. */

const time = z.iso.datetime().nullable();
const count = z.int().nonnegative();

export const verification = z.object({
  /** When the replica was last compared with the hub. */
  at: time,
  /** Of that comparison; null when there was none. */
  equal: z.boolean().nullable(),
  differences: z.array(differenceSchema),
});

export const resultsStanding = z.object({
  total: count,
  /** Of which the server has signed that they are on its disk. */
  confirmed: count,
  missingCount: count,
  /** The first hundred of those that are not confirmed, and why. */
  missing: z.array(z.object({ enrollmentId: z.string(), resultRev: z.string(), reason: z.string() })),
});

/** Refused writes, by what the server's administrators have made of them. */
export const quarantineCounts = z.object({ waiting: count, accepted: count, returned: count, kept: count });

export const formerIdentity = z.object({
  instanceId: z.string(),
  /** Where its log stood at this node. */
  head: z.object({ n: count, hash: z.string() }),
  reason: z.string(),
  at: z.iso.datetime(),
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
  lastError: z.object({ code: z.string(), reason: z.string(), at: z.iso.datetime() }).nullable(),
  /** Of the replication that runs, else of the last one. */
  progress: z.object({ pushed: count, pulled: count, total: count.nullable() }),
  /** A package that is being imported, in revisions; null when none is. */
  packageImport: z
    .object({ phase: z.enum(['checking', 'writing']), revisions: count, total: count.nullable() })
    .nullable(),
  quarantined: count,
  quarantine: quarantineCounts,
  verification,
  /** Of the center, as far as this replica knows. */
  sessions: z.object({ running: count, submitted: count }),
  results: resultsStanding,
  /** Whether this machine may be wiped without losing anything, and if not, why. */
  wipe: z.object({
    allowed: z.boolean(),
    reasons: z.array(z.string()),
    /** The same for programs, which have words of their own. */
    obstacles: z.array(z.object({ what: z.enum(WIPE_OBSTACLES), count, about: z.string().optional() })),
  }),
  /** Whether an operator's PIN has been chosen. */
  hasPin: z.boolean(),
  /** Whether the server knows this node's key. */
  registered: z.boolean(),
  /** The last entry of the node's log. */
  logHead: z.object({ n: count, hash: z.string() }),
  /** The instance ids that this node gave up when it was found to be a copy. */
  former: z.array(formerIdentity),
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
      /** kept: taken out by a repair. */
      state: z.enum(QUARANTINE_STATES),
      decidedAt: z.string().optional(),
      /** What the administrator said who decided. */
      note: z.string().optional(),
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
  differences: z.array(differenceSchema),
});
export type VerifyAnswer = z.infer<typeof verifyAnswer>;

export const repairAnswer = z.object({
  repaired: z.array(differenceSchema),
  remaining: z.array(differenceSchema),
});
