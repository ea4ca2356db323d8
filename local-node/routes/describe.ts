import type { RouteOptions } from 'fastify';
import { bodyProblems, describeAnswers, problem } from '../../replication/answers.ts';

/** What a status means, where the route itself does not say it. */
const MEANINGS: Record<string, string> = {
  402: 'the fee is not paid',
  403: 'it may not be: the reason tells why',
  422: 'the package is damaged',
  429: 'too many wrong guesses: the reason tells how long to wait',
  503: 'the server is not reached, or the replica does not hold what this needs',
  507: 'the disk is full: nothing was stored',
};

/** Adds to a route of the API whom it serves and what it may answer, and says what each answer means. */
export function describeRoute({ schema, config }: RouteOptions): void {
  if (!schema) return;
  const access = config?.access;
  const asks = schema.params || schema.querystring || schema.body;
  const answers: Record<string, unknown> = {
    ...(asks ? { 400: problem } : {}),
    ...(access === 'anyone' ? {} : { 401: problem.describe('the operator’s PIN is needed'), 429: problem }),
    403: problem.describe('the request comes from a page of another site, or names another host'),
    ...(schema.body ? bodyProblems : {}),
    default: problem.describe('the node has failed: the error says what can be done'),
    ...(schema.response as object | undefined),
  };
  describeAnswers(answers, MEANINGS);
  const operator = { operator: [] };
  schema.security = access === 'anyone' ? [] : access === 'operator' ? [operator] : [{}, operator];
  schema.response = answers;
}
