import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../../replication/answers.ts';
import { SyncError } from '../../replication/errors.ts';
import { idPart } from '../../replication/fields.ts';
import { keyAnswerSchema, keyRequestSchema } from '../../replication/node-keys.ts';
import { createCenters } from '../control/centers.ts';
import { failureOnRecord } from '../control/on-record.ts';
import type { ServerParts } from '../parts.ts';
import { readLog } from './log-entries.ts';
import { takeNodeKeys } from './node-routes.ts';
import { readNodes } from './nodes-view.ts';
import * as schemas from './schemas.ts';

/** Results, nodes and their logs, for administrators. */
export function registerExam(app: FastifyInstance, parts: ServerParts): void {
  const api = typed(app);
  registerResults(api, parts);
  registerNodes(api, parts);
}

type Api = ReturnType<typeof typed>;
function typed(app: FastifyInstance) {
  return app.withTypeProvider<ZodTypeProvider>();
}

function registerResults(api: Api, { exam }: ServerParts): void {
  api.get(
    '/api/results',
    {
      schema: {
        summary: 'Stored results, and whether each is what its answers give',
        description: 'A result that is forged, out of scope or scored wrongly is kept and flagged.',
        querystring: z.object({
          center: idPart.optional(),
          test: idPart.optional(),
          flagged: z.enum(['true', 'false']).optional(),
          after: z.string().optional(),
          limit: schemas.limit(1000, 100),
        }),
        response: { 200: schemas.resultsAnswer, 400: problem },
      },
    },
    async ({ query: { center, test, flagged, after, limit } }) => {
      const filter = { centerId: center, testId: test, flagged: flagged === 'true', after };
      const results = [];
      let last: string | null = null;
      for await (const [key, verdict] of exam.verdicts.list(filter)) {
        if (results.length === limit) return { results, next: last };
        results.push(verdict);
        last = key;
      }
      return { results, next: null };
    },
  );

  api.get(
    '/api/results/:centerId/:enrollmentId',
    {
      schema: {
        summary: 'The result of one enrollment: each revision of it, and whether it has its receipt',
        params: schemas.resultParams,
        response: { 200: schemas.resultAnswer, 404: problem },
      },
    },
    async ({ params: { centerId, enrollmentId } }) => {
      const verdicts = await exam.verdicts.of(centerId, enrollmentId);
      if (verdicts.length === 0) throw new SyncError('not_found', `there is no result of ${enrollmentId}`);
      const revs = verdicts.map(({ rev }) => rev);
      const receipts = await exam.receipts.existing(centerId, enrollmentId, revs);
      return { results: verdicts.map((verdict) => ({ ...verdict, receipt: receipts.has(verdict.rev) })) };
    },
  );
}

function registerNodes(api: Api, parts: ServerParts): void {
  const centers = createCenters(parts);

  api.get(
    '/api/centers/:id/nodes',
    {
      schema: {
        summary: 'The nodes of a center: their keys, their logs, and how they stand',
        params: schemas.centerParams,
        response: { 200: schemas.nodesAnswer, 404: problem },
      },
    },
    async ({ params: { id } }) => {
      await centers.get(id);
      return readNodes(parts, id);
    },
  );

  api.post(
    '/api/centers/:id/nodes',
    {
      schema: {
        summary: 'Register the keys of a node that has no line',
        description:
          'The body is the file that `cbt-node setup --offline` wrote; the answer is for that node.',
        params: schemas.centerParams,
        body: keyRequestSchema,
        response: { 200: keyAnswerSchema, 400: problem, 404: problem, 409: problem },
      },
    },
    async ({ params: { id }, body, ip }) => {
      await centers.get(id);
      const { centerId, instanceId } = body;
      if (centerId !== id) throw new SyncError('bad_request', `the keys are of a node of center ${centerId}`);
      const act = { action: 'node.registered', from: ip, centerId, details: { instanceId } };
      const keys = await failureOnRecord(parts, act, () =>
        takeNodeKeys(parts, id, body, { actor: 'admin', from: ip }),
      );
      return { ...keys, centerId, instanceId, serverUuid: parts.uuid };
    },
  );

  api.post(
    '/api/centers/:id/nodes/:instanceId/replace',
    {
      schema: {
        summary: 'Declare a node replaced',
        description: 'Sessions, answers and results that it sends from now on are kept in quarantine.',
        params: schemas.nodeParams,
        response: { 200: schemas.replacedAnswer, 404: problem },
      },
    },
    async ({ params: { id, instanceId }, ip }) => {
      const act = { action: 'node.replaced', from: ip, centerId: id, details: { instanceId } };
      const replace = () => parts.exam.nodes.replace(id, instanceId, ip);
      return { instanceId, changed: await failureOnRecord(parts, act, replace) };
    },
  );

  api.delete(
    '/api/centers/:id/nodes/:instanceId/replace',
    {
      schema: {
        summary: 'Take a node back that was declared replaced',
        description:
          'Its work is taken again. What was refused meanwhile stays in quarantine, to be decided.',
        params: schemas.nodeParams,
        response: { 200: schemas.replacedAnswer, 404: problem },
      },
    },
    async ({ params: { id, instanceId }, ip }) => {
      const act = { action: 'node.taken_back', from: ip, centerId: id, details: { instanceId } };
      const takeBack = () => parts.exam.nodes.takeBack(id, instanceId, ip);
      return { instanceId, changed: await failureOnRecord(parts, act, takeBack) };
    },
  );

  api.get(
    '/api/centers/:id/log',
    {
      schema: {
        summary: 'What the nodes of a center have logged, in order of node and number',
        params: schemas.centerParams,
        querystring: z.object({
          node: idPart.optional(),
          after: z.string().optional(),
          limit: schemas.limit(1000, 100),
        }),
        response: { 200: schemas.logAnswer, 400: problem, 404: problem },
      },
    },
    async ({ params: { id }, query: { node, after, limit } }) => {
      await centers.get(id);
      return readLog(parts, id, { node, after, limit });
    },
  );
}
