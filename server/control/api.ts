import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { SyncError } from '../../replication/errors.ts';
import type { ServerParts } from '../parts.ts';
import { registerImport } from './import-routes.ts';
import { registerControl } from './routes.ts';

/** All of `/api`: administrators only, checked by zod, described by OpenAPI and readable at `/docs`. */
export function registerApi(app: FastifyInstance, parts: ServerParts): void {
  app.register(async (api) => {
    await api.register(swagger, {
      openapi: {
        info: {
          title: 'CBT Sync server',
          version: '1',
          description: 'Centers, assignments, import and sync status. Every error is {error, reason}.',
        },
        components: { securitySchemes: { admin: { type: 'http', scheme: 'bearer' } } },
        security: [{ admin: [] }],
      },
      transform: jsonSchemaTransform,
    });
    api.register(swaggerUi, { routePrefix: '/docs' });
    api.register(async (routes) => {
      routes.setValidatorCompiler(validatorCompiler);
      routes.setSerializerCompiler(serializerCompiler);
      routes.removeContentTypeParser('application/json');
      routes.addContentTypeParser('application/json', { parseAs: 'string' }, parseJson);
      routes.addHook('onRequest', async (request) => requireAdmin(request, parts));
      registerControl(routes, parts);
      registerImport(routes, parts);
    });
  });
}

async function requireAdmin(request: FastifyRequest, { credentials }: ServerParts): Promise<void> {
  const identity = await credentials.verify(request.headers.authorization);
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
