import { z } from 'zod';
import { idPart } from '../../replication/fields.ts';

/** What the routes of an exam day take and answer. */

const time = z.string().nullable();
const count = z.int();

export const limit = (most: number, usual: number) =>
  z.coerce.number().int().positive().max(most).default(usual);

export const centerParams = z.object({ id: idPart });
export const nodeParams = z.object({ id: idPart, instanceId: idPart });
export const resultParams = z.object({ centerId: idPart, enrollmentId: idPart });

const result = z.object({
  centerId: z.string(),
  enrollmentId: z.string(),
  rev: z.string(),
  state: z.enum(['verified', 'flagged', 'waiting', 'superseded']),
  signature: z.enum(['valid', 'forged', 'unknown key', 'key of another center', 'unsigned']),
  score: z.enum(['equal', 'differs', 'waiting for answers', 'waiting for questions']),
  reasons: z.array(z.string()),
  testId: z.string().optional(),
  nodeId: z.string().optional(),
  keyId: z.string().optional(),
  submittedAt: z.string().optional(),
  reported: z.record(z.string(), z.unknown()),
  recomputed: z.record(z.string(), z.unknown()).optional(),
  checkedAt: z.string(),
});
/** `next`: what to send as `after` for more; `null` at the end. */
export const resultsAnswer = z.object({ results: z.array(result), next: z.string().nullable() });
export const resultAnswer = z.object({ results: z.array(result.extend({ receipt: z.boolean() })) });

const node = z.object({
  instanceId: z.string(),
  standing: z.enum(['known', 'rolled back or cloned', 'replaced']),
  suspicions: z.array(z.object({ at: z.string(), what: z.string() })),
  replacedAt: time,
  /** The instance id that it had before it found out that it was rolled back or copied. */
  formerly: z.string().nullable(),
  keyId: z.string().nullable(),
  publicKey: z.string().nullable(),
  registeredAt: time,
  lastReportAt: time,
  log: z.object({
    /** Entries in the hub, and the number of the last of them. */
    entries: count,
    n: count,
    /** Up to which entry the chain is whole. */
    verified: count,
    /** The last entry that anything told of. */
    seen: count,
    break: z.object({ n: count, reason: z.string() }).nullable(),
    /** Numbers of entries that the hub does not have, as ranges. */
    awaited: z.array(z.string()),
  }),
  sessions: z.object({ running: count, submitted: count }).nullable(),
  results: z.object({
    stored: count,
    flagged: count,
    atNode: count.nullable(),
    confirmed: count.nullable(),
  }),
});
export const nodesAnswer = z.object({
  centerId: z.string(),
  serverKey: z.object({ keyId: z.string(), publicKey: z.string() }),
  nodes: z.array(node),
  /** Log documents that are in no chain: other programs wrote them. */
  unchainedLogEntries: count,
});
/** `changed` is false when it was so already. */
export const replacedAnswer = z.object({ instanceId: z.string(), changed: z.boolean() });

export const logAnswer = z.object({
  entries: z.array(z.looseObject({ id: z.string(), chained: z.boolean() })),
  next: z.string().nullable(),
});

export type NodeAnswer = z.infer<typeof node>;
export type NodesAnswer = z.infer<typeof nodesAnswer>;
export type LogAnswer = z.infer<typeof logAnswer>;
