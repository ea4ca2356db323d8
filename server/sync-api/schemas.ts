import { z } from 'zod';
import { bodyProblems, problem } from '../../replication/answers.ts';
import { documentType } from '../../replication/documents.ts';
import { idPart } from '../../replication/fields.ts';
import { limited } from '../control/api-description.ts';

/** What `/auth/token` and `/sync` take and answer. */

const LONGEST_PAGE = 5000;
const MOST_RECORDS = 1000;
const MOST_OPERATIONS = 200;

export const params = z.object({ centerId: idPart });
export const badRequest = problem.describe('the reason names what is wrong');

export const credentials = z
  .union(
    [
      z.strictObject({ centerId: z.string(), secret: z.string() }),
      z.strictObject({ adminToken: z.string() }),
    ],
    'neither {centerId, secret} nor {adminToken}',
  )
  .optional();

export const tokenAnswer = z
  .object({
    token: z.string(),
    tokenType: z.literal('Bearer'),
    /** Seconds. */
    expiresIn: z.int(),
  })
  .describe('the token');
export const tokenProblems = {
  400: badRequest,
  401: problem.describe('no credential, or a wrong one'),
  ...bodyProblems,
  ...limited,
};

export const incrementalBody = z
  .strictObject({
    since: z.string().default('0'),
    types: z.array(documentType).min(1).optional(),
    limit: z.int().positive().max(LONGEST_PAGE).default(500),
  })
  .default({ since: '0', limit: 500 });

export const changesAnswer = z
  .object({
    changes: z.array(
      z.object({
        id: z.string(),
        type: z.string(),
        rev: z.string(),
        deleted: z.boolean(),
        document: z.record(z.string(), z.unknown()).nullable(),
      }),
    ),
    hasMore: z.boolean(),
    nextCursor: z.string(),
  })
  .describe('a page of changes');

const record = z.looseObject({ rev: z.string().optional() });
const list = z.array(record).max(MOST_RECORDS).optional();

export const uploadBody = z.strictObject({
  since: z.string().optional(),
  sessions: list,
  answers: list,
  results: list,
  logs: list,
  enrollments: list,
});

const named = { type: z.string(), id: z.string() };

export const uploadAnswer = z
  .object({
    outcomes: z.array(
      z.object({
        ...named,
        status: z.enum(['stored', 'unchanged', 'refused']),
        rev: z.string().nullable(),
        reason: z.string().nullable(),
      }),
    ),
  })
  .describe('what has become of each record');

const fields = z.record(z.string(), z.unknown());

export const uploadConflict = z
  .object({
    error: z.literal('conflict'),
    reason: z.string(),
    conflicts: z.array(
      z.object({
        ...named,
        yours: fields,
        theirs: z.object({ rev: z.string(), record: fields }),
        suggestion: z.object({
          action: z.enum(['keep_theirs', 'keep_yours', 'merge']),
          reason: z.string(),
          record: fields.optional(),
        }),
      }),
    ),
  })
  .describe('records that were made on another version; nothing was stored');

const operation = z.object({
  id: z.string(),
  type: z.enum(['download', 'upload']),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  status: z.enum(['running', 'completed', 'interrupted', 'failed']),
  records: z.int(),
  refused: z.int(),
  error: z.string().nullable(),
});

export const operationsQuery = z.object({
  before: z.string().optional(),
  limit: z.coerce.number().int().positive().max(MOST_OPERATIONS).default(50),
});

export const operationsAnswer = z
  .object({
    operations: z.array(operation),
    /** To be sent as `before` for the next page; `null` when there is none. */
    next: z.string().nullable(),
  })
  .describe('a page of replications');

const count = z.int().nullable();
const time = z.string().nullable();

export const statusAnswer = z
  .object({
    centerId: z.string(),
    status: z.enum(['synced', 'pending', 'error']),
    pending: z.object({ download: count, upload: count }),
    lastDownload: time,
    lastUpload: time,
    lastSeen: time,
    conflicts: z.int(),
    quarantined: z.int(),
    operations: z.array(operation),
  })
  .describe('where it stands');

export const eventsQuery = z.object({ lastEventId: z.string().optional() });
export const eventsHeaders = z.looseObject({ 'last-event-id': z.string().optional() });
