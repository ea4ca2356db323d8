import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../../replication/answers.ts';
import { isIdPart } from '../../replication/ids.ts';
import type { ServerParts } from '../parts.ts';
import { setAssignment } from './assignments.ts';
import { createCenters } from './centers.ts';
import { onRecord } from './on-record.ts';
import { readReadiness } from './readiness.ts';
import * as schemas from './schemas.ts';
import { readStatus } from './sync-status.ts';

/** A center that lacks something and was not heard of for so long is called silent, not behind. */
const SILENT_AFTER_MINUTES = 60;

const partOfId = z.string().refine(isIdPart, 'only A-Z a-z 0-9 . _ - are admitted');

/** Centers, assignments and status, for administrators. */
export function registerControl(app: FastifyInstance, parts: ServerParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  registerCenters(api, parts);
  registerAssignments(api, parts);
  registerReports(api, parts);
}

type Api = ReturnType<typeof asApi>;
function asApi(app: FastifyInstance) {
  return app.withTypeProvider<ZodTypeProvider>();
}

function registerCenters(api: Api, parts: ServerParts): void {
  const centers = createCenters(parts);

  api.post(
    '/api/centers',
    {
      schema: {
        summary: 'Add a center',
        description:
          'Makes the center, or gives one that was imported its secret. The secret is shown this once.',
        body: schemas.newCenter,
        response: { 201: schemas.secretAnswer, 400: problem, 409: problem },
      },
    },
    async ({ body, ip }, reply) => {
      const { centerId } = body;
      const act = { action: 'center.added', centerId, from: ip, details: {} };
      return reply.code(201).send(await onRecord(parts, act, () => centers.create(body)));
    },
  );

  api.get(
    '/api/centers',
    { schema: { summary: 'List the centers', response: { 200: schemas.centerList } } },
    async () => ({ centers: await centers.list() }),
  );

  api.get(
    '/api/centers/:id',
    {
      schema: {
        summary: 'Read a center',
        params: schemas.centerParams,
        response: { 200: schemas.centerAnswer, 404: problem },
      },
    },
    async ({ params }) => centers.get(params.id),
  );

  api.post(
    '/api/centers/:id/secret',
    {
      schema: {
        summary: 'Replace a center’s secret',
        description: 'The old secret is dead at once; feeds that wait with it end.',
        params: schemas.centerParams,
        response: { 200: schemas.secretAnswer, 404: problem },
      },
    },
    async ({ params: { id: centerId }, ip }) => {
      const act = { action: 'center.secret_replaced', centerId, from: ip, details: {} };
      return onRecord(parts, act, () => centers.replaceSecret(centerId));
    },
  );
}

function registerAssignments(api: Api, parts: ServerParts): void {
  const url = '/api/tests/:testId/centers/:centerId';
  const { assignmentParams: params, assignmentAnswer: answer } = schemas;

  api.put(
    url,
    { schema: { summary: 'Assign a test to a center', params, response: { 200: answer, 404: problem } } },
    async ({ params: { centerId, testId }, ip }) => {
      const act = { action: 'test.assigned', centerId, from: ip, details: { testId } };
      return onRecord(parts, act, () => setAssignment(parts, centerId, testId, 'assigned', new Date()));
    },
  );

  api.delete(
    url,
    { schema: { summary: 'Withdraw a test from a center', params, response: { 200: answer, 404: problem } } },
    async ({ params: { centerId, testId }, ip }) => {
      const act = { action: 'test.withdrawn', centerId, from: ip, details: { testId } };
      return onRecord(parts, act, () => setAssignment(parts, centerId, testId, 'withdrawn', new Date()));
    },
  );
}

function registerReports(api: Api, parts: ServerParts): void {
  const centers = createCenters(parts);

  api.get(
    '/api/status',
    { schema: { summary: 'Where every center stands', response: { 200: schemas.statusAnswer } } },
    async () => ({
      ready: parts.feed.ready,
      centers: await readStatus(parts, centers),
      mirrors: await Promise.all(parts.mirrors.map((mirror) => mirror.status())),
    }),
  );

  api.get(
    '/api/readiness',
    {
      schema: {
        summary: 'Whether each center holds what its tests need',
        querystring: z.object({
          test: partOfId.optional(),
          silentAfterMinutes: z.coerce.number().positive().default(SILENT_AFTER_MINUTES),
        }),
        response: { 200: schemas.readinessAnswer },
      },
    },
    async ({ query: { test, silentAfterMinutes } }) => {
      const options = { test, silentAfterMs: silentAfterMinutes * 60_000, now: new Date() };
      const rows = await readReadiness(parts, centers, options);
      return { ready: rows.every((row) => row.state === 'ready'), rows };
    },
  );
}
