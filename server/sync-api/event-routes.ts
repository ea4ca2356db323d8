import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { eventStream } from '../../replication/answers.ts';
import { SyncError } from '../../replication/errors.ts';
import { createListeners } from '../events/listeners.ts';
import { isEventId } from '../events/log.ts';
import type { ServerParts } from '../parts.ts';
import * as schemas from './schemas.ts';

/** `GET /sync/events/:centerId`: a center's events as server-sent events. */
export function registerEvents(app: FastifyInstance, parts: ServerParts): void {
  const { events, credentials, stopping, log } = parts;
  const listeners = createListeners(events.log);
  app.addHook('onClose', async () => listeners[Symbol.dispose]());

  app.withTypeProvider<ZodTypeProvider>().get(
    '/sync/events/:centerId',
    {
      schema: {
        summary: 'A center’s events as they come',
        description:
          'Goes on after the event that Last-Event-ID (or lastEventId) names. Where that is older than what is kept, ' +
          'an event "gap" comes first: read the center’s changes then.',
        params: schemas.params,
        querystring: schemas.eventsQuery,
        headers: schemas.eventsHeaders,
        response: { 200: eventStream, 400: schemas.badRequest },
      },
    },
    async (request, reply) => {
      const { centerId } = request.params;
      const after = request.headers['last-event-id'] ?? request.query.lastEventId ?? '';
      if (after !== '' && !isEventId(after))
        throw new SyncError('bad_request', 'Last-Event-ID is no event’s id');
      reply.hijack();
      const signal = AbortSignal.any([stopping, credentials.revoked(centerId)]);
      listeners.add(centerId, reply.raw, after, signal).catch((error: unknown) => {
        log.error({ err: error, centerId }, 'events could not be read');
        reply.raw.destroy();
      });
      return reply;
    },
  );
}
