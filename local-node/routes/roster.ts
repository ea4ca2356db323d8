import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../../replication/answers.ts';
import { LOG_EVENTS } from '../../replication/log-chain.ts';
import { CANDIDATE_STATES, OBSTACLES, readHeldTests, readRoster } from '../exam/roster.ts';
import { candidateName } from '../exam/view.ts';
import { readLog } from '../log-entries.ts';
import type { NodeParts } from '../node.ts';

const MOST_ENTRIES = 1000;
const count = z.int().nonnegative();

const heldTest = z.object({
  testId: z.string(),
  title: z.string(),
  /** Empty while the test has not arrived. */
  startsAt: z.string(),
  endsAt: z.string(),
  durationMinutes: z.number(),
  questions: z.object({ here: count, needed: count }),
  /** Admitted: payment completed and enrolled. */
  candidates: z.object({ total: count, admitted: count }),
  /** None: the test can be sat here. */
  obstacles: z.array(z.object({ what: z.enum(OBSTACLES), count })),
});
const testsAnswer = z.object({
  /** By the node's clock. */
  now: z.iso.datetime(),
  /** Not over yet; those that end first first. */
  tests: z.array(heldTest),
});
export type TestsAnswer = z.infer<typeof testsAnswer>;

const rosterEntry = candidateName.extend({
  enrollmentId: z.string(),
  registrationNumber: z.string(),
  state: z.enum(CANDIDATE_STATES),
  because: z.string().optional(),
  sessionId: z.string().optional(),
  answered: count.optional(),
  questions: count.optional(),
  remainingMs: count.optional(),
  extraMinutes: z.number().optional(),
  submittedAt: z.string().optional(),
  submittedBy: z.string().optional(),
  isConfirmed: z.boolean().optional(),
});
export type RosterAnswer = { candidates: z.infer<typeof rosterEntry>[] };

const logEntry = z.object({
  n: count,
  at: z.string(),
  event: z.enum(LOG_EVENTS),
  details: z.record(z.string(), z.unknown()),
});
export type LogAnswer = { entries: z.infer<typeof logEntry>[] };

/** What the operator looks at on an exam day. */
export function registerRoster(app: FastifyInstance, parts: NodeParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const config = { access: 'operator' as const };
  const described = { tags: ['operator'], security: [{ operator: [] }] };
  const refused = { 401: problem, 429: problem };

  api.get(
    '/api/tests',
    {
      schema: {
        summary: 'The tests that are to be sat here, and what is missing for each',
        response: { 200: testsAnswer },
      },
    },
    async () => ({ now: parts.exam.clock.now().toISOString(), tests: await readHeldTests(parts) }),
  );

  api.get(
    '/api/operator/candidates',
    {
      config,
      schema: {
        ...described,
        summary: 'The candidates of a test, and how far each has come',
        querystring: z.object({ test: z.string() }),
        response: { 200: z.object({ candidates: z.array(rosterEntry) }), ...refused },
      },
    },
    async ({ query: { test } }) => ({ candidates: await readRoster(parts, test) }),
  );

  api.get(
    '/api/operator/log',
    {
      config,
      schema: {
        ...described,
        summary: 'The log of this node; the newest first',
        querystring: z.object({
          limit: z.coerce.number().int().positive().max(MOST_ENTRIES).default(100),
          before: z.coerce.number().int().positive().optional(),
        }),
        response: { 200: z.object({ entries: z.array(logEntry) }), ...refused },
      },
    },
    async ({ query }) => ({ entries: await readLog(parts, query) }),
  );
}
