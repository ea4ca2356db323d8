import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../../replication/answers.ts';
import { sessionSummary, sessionView, summarize, viewEnded } from '../exam/view.ts';
import type { NodeParts } from '../node.ts';

/** A day: more is a slip of the finger. */
const MOST_EXTRA_MINUTES = 24 * 60;

const extraTimeBody = z.object({
  minutes: z.number().positive().max(MOST_EXTRA_MINUTES),
  reason: z.string().trim().min(1),
  /** One candidate's session; absent for all that run. */
  sessionId: z.string().optional(),
  /** Only sessions of this test. */
  testId: z.string().optional(),
});

/** What the operator alone may do, by PIN; each act goes into the log. */
export function registerOperator(
  app: FastifyInstance,
  { exam, operator, logbook }: Pick<NodeParts, 'exam' | 'operator' | 'logbook'>,
): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const config = { access: 'operator' as const };
  const tags = ['operator'];
  const security = [{ operator: [] }];
  const refused = { 401: problem, 429: problem };

  api.get(
    '/api/operator/sessions',
    {
      config,
      schema: {
        tags,
        security,
        summary: 'List the sessions of this node',
        response: { 200: z.object({ sessions: z.array(sessionSummary) }), ...refused },
      },
    },
    async () => ({ sessions: summarize(exam) }),
  );

  api.post(
    '/api/operator/sessions/:id/submit',
    {
      config,
      schema: {
        tags,
        security,
        summary: 'Submit a session for its candidate',
        params: z.object({ id: z.string() }),
        response: { 200: sessionView, 404: problem, 507: problem, ...refused },
      },
    },
    async ({ params: { id } }) => viewEnded(await exam.submit(id, 'operator'), exam),
  );

  api.post(
    '/api/operator/extra-time',
    {
      config,
      schema: {
        tags,
        security,
        summary: 'Give extra minutes to one candidate or to all',
        body: extraTimeBody,
        response: {
          200: z.object({ sessions: z.int() }),
          400: problem,
          404: problem,
          409: problem,
          ...refused,
        },
      },
    },
    async ({ body }) => ({ sessions: await exam.giveExtraTime(body) }),
  );

  api.put(
    '/api/operator/clock',
    {
      config,
      schema: {
        tags,
        security,
        summary: 'Set the node’s time',
        description:
          'For a machine whose clock was wrong when it was switched on. Sessions that run keep their time.',
        body: z.object({ now: z.iso.datetime() }),
        response: { 200: z.object({ now: z.iso.datetime() }), 400: problem, ...refused },
      },
    },
    async ({ body: { now } }) => {
      await exam.setClock(new Date(now));
      return { now: exam.clock.now().toISOString() };
    },
  );

  api.put(
    '/api/operator/pin',
    {
      config,
      schema: {
        tags,
        security,
        summary: 'Choose the operator’s PIN',
        body: z.object({ pin: z.string() }),
        response: { 200: z.object({ ok: z.literal(true) }), 400: problem, ...refused },
      },
    },
    async ({ body: { pin }, ip }) => {
      await operator.setPin(pin);
      await logbook.note('PIN chosen', { from: ip });
      return { ok: true as const };
    },
  );
}
