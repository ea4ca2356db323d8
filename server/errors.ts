import type { IncomingMessage } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { type ErrorCode, outOfSpace, SyncError } from '../replication/errors.ts';
import { PAGE_HEADER } from '../replication/page-files.ts';
import { unreachableHub } from './hub.ts';

/** How long the rest of a body that is too large is listened to. */
const LONGEST_REST_MS = 10_000;

/** What Fastify itself refuses, in our words. */
const FASTIFY_CODES: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_NOT_FOUND: 'not_found',
};

/** Every error leaves as CouchDB's `{error, reason}`, whatever threw it. */
export function registerErrors(app: FastifyInstance): void {
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    return reply.code(404).send({ error: 'not_found', reason: `there is no ${request.method} ${path}` });
  });
}

/** Answers with an error; what is not the caller's mistake goes to the log, under the request id in the answer. */
export async function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const known = toSyncError(error, request);
  if (known.code === 'too_large') await readToEnd(request.raw);
  if (known.statusCode >= 500) {
    request.log.error({ err: error, method: request.method, url: request.url }, known.reason);
  }
  const isPage = request.headers[PAGE_HEADER] !== undefined;
  if (known.code === 'unauthorized' && !isPage) reply.header('www-authenticate', 'Basic realm="cbt"');
  // What fails before its first byte may have been meant to go out compressed.
  reply.removeHeader('content-encoding');
  return reply.code(known.statusCode).type('application/json').send(JSON.stringify(known));
}

/** A client that still sends when the answer comes sees a broken connection instead of the reason. */
async function readToEnd(body: IncomingMessage): Promise<void> {
  if (body.readableEnded || body.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LONGEST_REST_MS);
  body.once('end', resolve).once('close', resolve).resume();
  await promise;
  clearTimeout(timer);
}

function toSyncError(error: unknown, request: FastifyRequest): SyncError {
  if (error instanceof SyncError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const reasons = error.validation.map(({ instancePath, message }) => {
      const field = instancePath.slice(1).replaceAll('/', '.');
      return field ? `${field}: ${message}` : message;
    });
    return new SyncError('bad_request', reasons.join('; '), { cause: error });
  }
  const { code, statusCode, message } = error as FastifyError;
  const known = FASTIFY_CODES[code];
  if (known) return new SyncError(known, message, { cause: error });
  if (statusCode !== undefined && statusCode < 500) {
    return new SyncError('bad_request', message, { cause: error });
  }
  const named = outOfSpace(error) ?? unreachableHub(error);
  if (named) return named;
  return new SyncError('internal_error', `the server failed; its log has it as request ${request.id}`, {
    cause: error,
  });
}
