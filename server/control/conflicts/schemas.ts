import { z } from 'zod';
import { problem } from '../../../replication/answers.ts';
import { isIdPart } from '../../../replication/ids.ts';

/** What the routes of conflicts take and answer. */

const partOfId = z.string().refine(isIdPart, 'only A-Z a-z 0-9 . _ - are admitted');
/** Why it is decided so; it goes into the audit log. */
const note = z.string().max(2000).optional();
const document = z.record(z.string(), z.unknown());

const waiting = z.object({
  id: z.string(),
  type: z.string(),
  centerId: z.string().optional(),
  /** Why no policy decides it. */
  reason: z.string(),
  since: z.string(),
  /** The revisions of the sides. */
  leaves: z.array(z.string()),
  /** The audit entry that was undone. */
  undone: z.int().optional(),
});

export const listQuery = z.object({
  center: partOfId.optional(),
  type: partOfId.optional(),
  after: z.string().optional(),
  limit: z.coerce.number().int().positive().max(1000).default(100),
});
export const listAnswer = z.object({
  conflicts: z.array(waiting),
  /** Asks for the next page as `after`; null on the last one. */
  next: z.string().nullable(),
});

export const conflictParams = z.object({ id: z.string() });

const side = z.object({
  rev: z.string(),
  deleted: z.boolean(),
  document,
  /** As far as it is known. */
  written: z.object({
    side: z.enum(['online', 'center']),
    centerId: z.string().nullable(),
    nodeId: z.string().nullable(),
    at: z.string().nullable(),
  }),
});
export const conflictAnswer = waiting.extend({
  base: z.object({ rev: z.string(), document }).nullable(),
  sides: z.array(side),
  merge: z.enum(['three-way', 'two-way']),
  /** Why the merge had no base; null when it had one. */
  twoWay: z.string().nullable(),
  /** What the policy would make of it; `rev` where one side says just that. Null where it has nothing to suggest. */
  suggestion: z.object({ rev: z.string().nullable(), document }).nullable(),
});

const decisionFields = {
  /** The side that is to stand, as it is. */
  choose: z.string().optional(),
  /** What the document is to say, in full. */
  merged: document.optional(),
  /** The sides that were seen: when they are others by now, nothing is written. */
  leaves: z.array(z.string()).min(1).optional(),
  note,
};
const isOneDecision = ({ choose, merged }: { choose?: unknown; merged?: unknown }): boolean =>
  (choose === undefined) !== (merged === undefined);
const ONE_DECISION = 'either choose or merged is needed';

export const decision = z.strictObject(decisionFields).refine(isOneDecision, ONE_DECISION);
export const centerParams = z.object({ centerId: partOfId });
export const centerDecision = z
  .strictObject({ id: z.string(), ...decisionFields })
  .refine(isOneDecision, ONE_DECISION);
export const undoBody = z.strictObject({ note }).nullish();
export const undoParams = z.object({ entry: z.coerce.number().int().positive() });

export const done = z
  .object({
    id: z.string(),
    leaves: z.array(z.string()),
    /** The number of the audit entry: what undoes it is called by that. */
    audit: z.int(),
  })
  .describe('the conflict is decided');
export const problems = {
  400: problem.describe('the reason names what is wrong'),
  404: problem.describe('there is no such conflict'),
  409: problem.describe('the sides have changed since'),
};
