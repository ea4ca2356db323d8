import { z } from 'zod';
import { centerAnswer, centerStatus, readinessState } from '../control/schemas.ts';

/** What the board answers. */

const boardCenter = centerStatus.extend({
  /** Of the tests assigned to the center. */
  tests: z.array(
    z.object({
      testId: z.string(),
      state: readinessState,
      text: z.string(),
      behind: z.int().nullable(),
    }),
  ),
  /** How long it will need for what it lacks, at the speed that was measured; null where none was. */
  secondsLeft: z.int().nullable(),
});
export type BoardCenter = z.infer<typeof boardCenter>;

const boardTest = z.object({
  testId: z.string(),
  title: z.string(),
  startsAt: z.string().nullable(),
  endsAt: z.string().nullable(),
});
export type BoardTest = z.infer<typeof boardTest>;

/** Over all centers, at one moment. */
const boardSample = z.object({
  at: z.iso.datetime(),
  results: z.int(),
  pendingPull: z.int(),
  pendingPush: z.int(),
  /** Centers that completed a pull or a push since the sample before. */
  syncs: z.int(),
});
export type BoardSample = z.infer<typeof boardSample>;

export const boardAnswer = z.object({
  /** Those that begin first first. */
  tests: z.array(boardTest),
  centers: z.array(boardCenter),
  samples: z.array(boardSample),
  /** Documents per second that a center receives. */
  usualSpeed: z.number().nullable(),
});
export type BoardAnswer = z.infer<typeof boardAnswer>;

export const centerOverview = z.object({
  center: centerAnswer,
  row: boardCenter,
  partitions: z.array(
    z.object({
      partition: z.string(),
      documents: z.int(),
      digest: z.string(),
      /** Whether the node's digest is the same; null where it reports none. */
      isEqual: z.boolean().nullable(),
      types: z.record(z.string(), z.int()),
    }),
  ),
});
export type CenterOverview = z.infer<typeof centerOverview>;

/** What `GET /api/board/events` tells, as server-sent events named `change`. */
export interface BoardChange {
  centers: BoardCenter[];
  /** Centers that are no longer there. */
  gone: string[];
  tests?: BoardTest[];
  sample?: BoardSample;
}
