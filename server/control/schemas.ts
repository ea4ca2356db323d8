import { z } from 'zod';
import { centerSchema } from '../../replication/documents.ts';
import { isIdPart } from '../../replication/ids.ts';
import { differenceSchema } from '../../replication/node-report.ts';

/** What the `/api` routes take and answer. */

const id = z.string().refine(isIdPart, 'only A-Z a-z 0-9 . _ - are admitted');
const time = z.iso.datetime().nullable();

export const centerParams = z.object({ id });
export const assignmentParams = z.object({ testId: id, centerId: id });

/** A new center: the document's fields without its type. The name may be left out where it is in the hub already. */
export const newCenter = centerSchema
  .omit({ type: true })
  .partial({ name: true })
  .refine(
    (center) => Object.keys(center).every((field) => !field.startsWith('_')),
    'fields that begin with _ are the database’s own',
  );

export const centerAnswer = z.looseObject({
  centerId: z.string(),
  name: z.string(),
  hasSecret: z.boolean(),
  assigned: z.array(z.string()),
});
export const centerList = z.object({ centers: z.array(centerAnswer) });
export const secretAnswer = z.object({ centerId: z.string(), secret: z.string() });

export const assignmentAnswer = z.object({
  centerId: z.string(),
  testId: z.string(),
  status: z.enum(['assigned', 'withdrawn']),
  /** False: it was so already, and nothing was written. */
  changed: z.boolean(),
});

export const centerStatus = z.object({
  centerId: z.string(),
  name: z.string(),
  documents: z.int(),
  pendingPull: z.int().nullable(),
  pendingPush: z.int().nullable(),
  lastPullAt: time,
  lastPushAt: time,
  lastSeenAt: time,
  conflicts: z.int(),
  /** Refused writes that nobody has decided on. */
  quarantined: z.int(),
  /** Results in the hub, and how many of how many its node has confirmed by their receipts. */
  results: z.object({
    stored: z.int(),
    verified: z.int(),
    flagged: z.int(),
    waiting: z.int(),
    atNode: z.int().nullable(),
    confirmed: z.int().nullable(),
  }),
  digestEqual: z.boolean().nullable(),
  differences: z.array(differenceSchema),
  mode: z.enum(['continuous', 'batch', 'manual']).nullable(),
});

/** How far a mirror of the hub in another store has come. */
export const mirrorStatus = z.object({
  name: z.enum(['mongo', 'redis']),
  state: z.enum(['following', 'waiting', 'down']),
  behindDocuments: z.int().nullable(),
  behindSeconds: z.int(),
  mirrored: z.int(),
  error: z.string().nullable(),
});

export const statusAnswer = z.object({
  ready: z.boolean(),
  centers: z.array(centerStatus),
  mirrors: z.array(mirrorStatus),
});

export const readinessState = z.enum(['ready', 'behind', 'differs', 'never synced', 'silent']);
const readinessRow = z.object({
  centerId: z.string(),
  testId: z.string(),
  state: readinessState,
  /** The state in one line, for people. */
  text: z.string(),
  behind: z.int().nullable(),
  differences: z.array(differenceSchema),
  silentSince: time,
});
export const readinessAnswer = z.object({ ready: z.boolean(), rows: z.array(readinessRow) });

/** A body that may be left out: Fastify takes none for `null`. */
export function optionalBody<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((body) => body ?? undefined, schema);
}

export type NewCenter = z.infer<typeof newCenter>;
export type CenterAnswer = z.infer<typeof centerAnswer>;
export type CenterStatus = z.infer<typeof centerStatus>;
export type ReadinessRow = z.infer<typeof readinessRow>;
