import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { type ErrorCode, outOfSpace, SyncError } from '../../replication/errors.ts';

/** What Fastify itself refuses, in our words. */
const FASTIFY_CODES: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
};

/** Every error leaves as CouchDB's `{error, reason}`, whatever threw it. */
export function registerErrors(app: FastifyInstance): void {
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    return reply.code(404).send({ error: 'not_found', reason: `there is no ${request.method} ${path}` });
  });
}

/** Also what Fastify refuses before there is a route, such as a path that cannot be decoded. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = toSyncError(error);
  if (known.code === 'internal_error') request.log.error({ err: error, url: request.url }, known.reason);
  if (known.code === 'too_many_requests') reply.header('retry-after', '60');
  return reply.code(known.statusCode).type('application/json').send(JSON.stringify(known));
}

function toSyncError(error: unknown): SyncError {
  if (error instanceof SyncError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const reasons = error.validation.map(({ instancePath, message }) =>
      `${instancePath.slice(1).replaceAll('/', '.')}: ${message}`.replace(/^: /, ''),
    );
    return new SyncError('bad_request', reasons.join('; '), { cause: error });
  }
  const { code, statusCode, message } = error as FastifyError;
  const known = FASTIFY_CODES[code];
  if (known) return new SyncError(known, message, { cause: error });
  if (statusCode !== undefined && statusCode < 500) {
    return new SyncError('bad_request', message, { cause: error });
  }
  const full = outOfSpace(error);
  return full ?? new SyncError('internal_error', 'the node failed; its log tells more', { cause: error });
}
