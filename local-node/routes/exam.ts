import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../../replication/answers.ts';
import { SyncError } from '../../replication/errors.ts';
import type { Exam } from '../exam/exam.ts';
import {
  admissionView,
  type SessionView,
  sessionTime,
  sessionView,
  timeOf,
  viewAdmission,
  viewEnded,
  viewRunning,
} from '../exam/view.ts';
import { createGuessLimit } from '../guess-limit.ts';

/** A room of candidates behind one address mistypes; a machine that tries codes is stopped. */
const WRONG_CODES = { failures: 60, windowMs: 60_000, now: () => performance.now() };

/** Whoever reaches the node may send these. */
const BODY_LIMIT_BYTES = 16 * 1024;

const accessCodeBody = z.object({ accessCode: z.string().min(1) });
const params = z.object({ id: z.string() });
const answerParams = params.extend({ questionId: z.string() });
const answerBody = z.object({
  /** The option chosen; null clears the answer. */
  choice: z.string().nullable(),
  /** Counts up with each save of the session. */
  n: z.int().positive(),
});
const savedAnswer = z.object({
  /** repeated: it was saved before; superseded: a later save of this question stands. */
  outcome: z.enum(['saved', 'repeated', 'superseded']),
  n: z.int(),
});
const problems = { 403: problem, 404: problem, 409: problem, 503: problem };

/** What candidates use. Their access code, then their session's id, is all they need. */
export function registerExam(app: FastifyInstance, exam: Exam): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const limit = createGuessLimit(WRONG_CODES);
  const open = { bodyLimit: BODY_LIMIT_BYTES, config: { access: 'anyone' as const } };

  api.post(
    '/api/admission',
    {
      ...open,
      schema: {
        tags: ['candidate'],
        summary: 'Whom an access code admits to what; nothing begins by it',
        body: accessCodeBody,
        response: { 200: admissionView, 402: problem, 429: problem, ...problems },
      },
    },
    async (request) => {
      const admission = await guarded(() => exam.admit(request.body.accessCode), request, limit);
      return viewAdmission(admission, exam);
    },
  );

  api.post(
    '/api/sessions',
    {
      ...open,
      schema: {
        tags: ['candidate'],
        summary: 'Begin a session, or go on with it on another machine',
        body: accessCodeBody,
        response: { 200: sessionView, 201: sessionView, 402: problem, 429: problem, ...problems },
      },
    },
    async (request, reply) => {
      const { sitting, isNew } = await guarded(() => exam.enter(request.body.accessCode), request, limit);
      return reply.code(isNew ? 201 : 200).send(await viewRunning(sitting, exam));
    },
  );

  api.get(
    '/api/sessions/:id',
    {
      ...open,
      schema: {
        tags: ['candidate'],
        summary: 'All that is needed to go on after a crash',
        params,
        response: { 200: sessionView, 404: problem },
      },
    },
    async ({ params: { id } }) => viewOf(exam, id),
  );

  api.get(
    '/api/sessions/:id/time',
    {
      ...open,
      schema: {
        tags: ['candidate'],
        summary: 'How much time a session has left',
        params,
        response: { 200: sessionTime, 404: problem },
      },
    },
    async ({ params: { id } }) => timeOf(id, exam),
  );

  api.put(
    '/api/sessions/:id/answers/:questionId',
    {
      ...open,
      schema: {
        tags: ['candidate'],
        summary: 'Save an answer',
        description:
          'Answered when it is on the disk. `n` counts up per session: repeats and late arrivals change nothing.',
        params: answerParams,
        body: answerBody,
        response: { 200: savedAnswer, 400: problem, 507: problem, ...problems },
      },
    },
    async ({ params: { id, questionId }, body: { choice, n } }) => ({
      outcome: await exam.save(id, questionId, choice, n),
      n,
    }),
  );

  api.post(
    '/api/sessions/:id/submit',
    {
      ...open,
      schema: {
        tags: ['candidate'],
        summary: 'Submit the session; again, it answers the same',
        params,
        response: { 200: sessionView, 507: problem, ...problems },
      },
    },
    async ({ params: { id } }) => viewEnded(await exam.submit(id, 'candidate'), exam),
  );
}

/** Runs what an access code was given for, unless too many wrong ones came from there. */
async function guarded<Answer>(
  run: () => Promise<Answer>,
  { ip }: FastifyRequest,
  limit: ReturnType<typeof createGuessLimit>,
): Promise<Answer> {
  limit.refuseGuesser(ip, 'access codes');
  try {
    return await run();
  } catch (error) {
    if (error instanceof SyncError && error.code === 'not_found') limit.fail(ip);
    throw error;
  }
}

function viewOf(exam: Exam, sessionId: string): Promise<SessionView> {
  const ended = exam.sittings.ended(sessionId);
  return ended ? viewEnded(ended, exam) : viewRunning(exam.sittings.get(sessionId), exam);
}
