import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { SyncError } from '../../replication/errors.ts';
import { registerBoard } from '../board/routes.ts';
import { registerExam } from '../exam/routes.ts';
import { registerIngest } from '../ingest/mongo/routes.ts';
import { registerMirrors } from '../mirrors/routes.ts';
import { registerPackages } from '../packages/routes.ts';
import type { ServerParts } from '../parts.ts';
import { createAdmit } from '../sync-api/admit.ts';
import { registerSyncApi } from '../sync-api/routes.ts';
import { apiDescription, describeAdminRoute, describeCenterRoute } from './api-description.ts';
import { registerAudit } from './audit-routes.ts';
import { registerConflicts } from './conflicts/routes.ts';
import { registerImport } from './import-routes.ts';
import { registerQuarantine } from './quarantine-routes.ts';
import { registerControl } from './routes.ts';

/** All of `/api`: administrators only, checked by zod, described by OpenAPI and readable at `/docs`. */
export function registerApi(app: FastifyInstance, parts: ServerParts): void {
  // One for all: who guesses does not begin anew at another route.
  const admit = createAdmit(parts);
  app.register(async (api) => {
    await api.register(swagger, apiDescription);
    api.register(swaggerUi, { routePrefix: '/docs' });
    api.register(async (sync) => {
      speakJson(sync);
      sync.addHook('onRoute', describeCenterRoute);
      registerPackages(sync, parts, admit);
    });
    api.register(async (routes) => {
      speakJson(routes);
      routes.addHook('onRoute', describeAdminRoute);
      routes.addHook('onRequest', async (request) => requireAdmin(request, parts));
      registerControl(routes, parts);
      registerBoard(routes, parts);
      registerConflicts(routes, parts);
      registerQuarantine(routes, parts);
      registerExam(routes, parts);
      registerAudit(routes, parts);
      registerImport(routes, parts);
      registerMirrors(routes, parts);
      registerIngest(routes, parts);
    });
    api.register(async (routes) => {
      speakJson(routes);
      registerSyncApi(routes, parts, admit);
    });
  });
}

function speakJson(routes: FastifyInstance): void {
  routes.setValidatorCompiler(validatorCompiler);
  routes.setSerializerCompiler(serializerCompiler);
  routes.removeContentTypeParser('application/json');
  routes.addContentTypeParser('application/json', { parseAs: 'string' }, parseJson);
}

async function requireAdmin(request: FastifyRequest, { access }: ServerParts): Promise<void> {
  const identity = await access.identify(request.headers.authorization);
  if (identity?.role === 'admin') return;
  const reason = identity
    ? 'this is for administrators; a center has /replicas'
    : 'the admin token is needed';
  throw new SyncError('unauthorized', reason);
}

/** Many clients say "JSON" with a PUT or DELETE that has no body; for them that is no body, not a wrong one. */
async function parseJson(_request: FastifyRequest, text: string | Buffer): Promise<unknown> {
  if (text.length === 0) return undefined;
  try {
    return JSON.parse(String(text));
  } catch (error) {
    throw new SyncError('bad_request', `the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
