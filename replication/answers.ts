import { z } from 'zod';
import { PACKAGE_MEDIA_TYPE } from './package/manifest.ts';

/** What the routes of both sides answer, as OpenAPI describes it. */

export const problem = z.object({ error: z.string(), reason: z.string() });

/** Server-sent events. */
export const eventStream = {
  description: 'events as they come, until the client goes',
  content: { 'text/event-stream': { schema: z.string() } },
};

/** A body that is no JSON. */
export const binary = z.any().meta({ type: 'string', format: 'binary' });

export const packageAnswer = {
  description: 'the package',
  content: { [PACKAGE_MEDIA_TYPE]: { schema: binary } },
};

/** What a route that takes a body answers to one that it does not take. */
export const bodyProblems = {
  413: problem.describe('the body is too large'),
  415: problem.describe('the body is of another media type'),
};

const MEANINGS: Record<string, string> = {
  400: 'the reason names what is wrong',
  404: 'there is nothing of that name',
  409: 'not as things stand: the reason tells what is in the way',
  415: 'the body is of another media type',
};

/** Says what each answer means that does not say it itself. @param meanings of a status, where it is not a common one. */
export function describeAnswers(answers: Record<string, unknown>, meanings: Record<string, string>): void {
  for (const [status, answer] of Object.entries(answers)) {
    if (!(answer instanceof z.ZodType) || answer.description !== undefined) continue;
    answers[status] = answer.describe(meanings[status] ?? MEANINGS[status] ?? 'done: what was asked for');
  }
}
