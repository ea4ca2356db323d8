import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { problem } from '../../replication/answers.ts';
import { messageOf, SyncError } from '../../replication/errors.ts';
import type { NodeParts } from '../node.ts';
import type { QuarantineEntry } from '../quarantine.ts';
import { repair } from '../repair.ts';
import { examineReplica } from '../verify.ts';
import { describeRoute } from './describe.ts';
import { registerEvents } from './events.ts';
import { registerExam } from './exam.ts';
import { registerOperator } from './operator.ts';
import { registerPackages } from './packages.ts';
import { registerRoster } from './roster.ts';
import * as schemas from './schemas.ts';
import { readFreshStatus, readStatus } from './status.ts';

/** `/api`: status, replication, verification; described by OpenAPI and readable at `/docs`. */
export function registerApi(app: FastifyInstance, parts: NodeParts, stopping: AbortSignal): void {
  app.register(async (api) => {
    await api.register(swagger, {
      openapi: {
        info: {
          title: 'CBT Sync local node',
          version: '1',
          description:
            'One center’s replica: its state, its replication and its exam day. Every error is {error, reason}. ' +
            'From other machines everything but the candidate’s routes needs the operator’s PIN.',
        },
        components: { securitySchemes: { operator: { type: 'http', scheme: 'basic' } } },
      },
      transform: jsonSchemaTransform,
    });
    api.register(swaggerUi, { routePrefix: '/docs' });
    api.register(async (routes) => {
      routes.setValidatorCompiler(validatorCompiler);
      routes.setSerializerCompiler(serializerCompiler);
      routes.removeContentTypeParser('application/json');
      routes.addContentTypeParser('application/json', { parseAs: 'string' }, parseJson);
      routes.addHook('onRoute', describeRoute);
      registerReplication(routes, parts);
      registerEvents(routes, parts, stopping);
      registerEquality(routes, parts);
      registerPackages(routes, parts);
      registerExam(routes, parts.exam);
      registerOperator(routes, parts);
      registerRoster(routes, parts);
    });
  });
}

function registerReplication(app: FastifyInstance, parts: NodeParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const { sync, quarantine } = parts;

  api.get(
    '/api/status',
    { schema: { summary: 'Where the node stands', response: { 200: schemas.statusAnswer } } },
    () => readFreshStatus(parts),
  );

  api.post(
    '/api/replicate',
    {
      schema: {
        summary: 'Replicate now',
        description: 'Joins a replication that runs. With wait=true the answer comes when it is done.',
        querystring: schemas.replicateQuery,
        response: { 200: schemas.replicateAnswer, 202: schemas.replicateAccepted, 503: problem },
      },
    },
    async ({ query }, reply) => {
      const outcome = sync.replicate();
      if (query.wait === 'true') return { ok: true as const, ...(await outcome) };
      // How it went is in the status.
      outcome.catch(() => {});
      return reply.code(202).send({ accepted: true as const });
    },
  );

  api.put(
    '/api/mode',
    {
      config: { access: 'owner' },
      schema: {
        summary: 'Choose when to replicate',
        description: 'continuous, batch (every `everyMinutes`) or manual; kept over restarts.',
        body: schemas.modeBody,
        response: { 200: schemas.statusAnswer, 400: problem },
      },
    },
    async ({ body }) => {
      await sync.setMode(body.mode, body.everyMinutes ?? sync.state.everyMinutes);
      return readStatus(parts);
    },
  );

  api.get(
    '/api/quarantine',
    { schema: { summary: 'List refused writes', response: { 200: schemas.quarantineAnswer } } },
    async () => {
      const entries: QuarantineEntry[] = [];
      for await (const entry of quarantine.list()) entries.push(entry);
      return { entries };
    },
  );
}

function registerEquality(app: FastifyInstance, parts: NodeParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const { sync, replica, digests, differences } = parts;

  api.post(
    '/api/verify',
    {
      schema: {
        summary: 'Compare the replica with the hub',
        description: 'Reads the whole replica, replicates, and compares document for document.',
        response: { 200: schemas.verifyAnswer },
      },
    },
    async () => {
      await differences.add(await examineReplica(replica.db, digests));
      const reason = await sync.replicate().then(
        () => null,
        (error: SyncError) => error.reason,
      );
      const isCompared = reason === null && sync.marks.comparedAt !== null;
      const found = differences.list();
      return {
        equal: isCompared && found.length === 0 && sync.marks.equal === true,
        comparedWith: isCompared ? ('hub' as const) : ('record' as const),
        reason,
        documents: readStatus(parts).documents,
        differences: found,
      };
    },
  );

  api.post(
    '/api/repair',
    {
      config: { access: 'owner' },
      schema: {
        summary: 'Bring back the documents that differ',
        description: 'Each is copied to the quarantine, taken out and pulled again.',
        response: { 200: schemas.repairAnswer, 503: problem },
      },
    },
    async () => repair(parts, sync),
  );
}

/** Many clients say "JSON" with a POST that has no body; for them that is no body, not a wrong one. */
async function parseJson(_request: FastifyRequest, text: string | Buffer): Promise<unknown> {
  if (text.length === 0) return undefined;
  try {
    return JSON.parse(String(text));
  } catch (error) {
    throw new SyncError('bad_request', `the body is not JSON: ${messageOf(error)}`, { cause: error });
  }
}
