import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { eventStream, problem } from '../../replication/answers.ts';
import { beginEventStream, COMMENT, eventFrame } from '../../replication/event-stream.ts';
import { centerParams } from '../control/schemas.ts';
import type { ServerParts } from '../parts.ts';
import { readOverview } from './center-overview.ts';
import { type BoardChange, boardAnswer, centerOverview } from './schemas.ts';

/** A browser that does not keep up is let go; it asks for the whole board when it comes back. */
const MOST_BUFFERED_BYTES = 4 * 1024 * 1024;

/** The board, whole and as it changes, for administrators. */
export function registerBoard(app: FastifyInstance, parts: ServerParts): void {
  const { board, stopping } = parts;
  const api = app.withTypeProvider<ZodTypeProvider>();

  api.get(
    '/api/board',
    {
      schema: {
        summary: 'Every center with every test: ready or not, why, and how long it will take',
        description: 'GET /api/board/events tells of changes as server-sent events named `change`.',
        response: { 200: boardAnswer },
      },
    },
    () => board.read(),
  );

  api.get(
    '/api/centers/:id/overview',
    {
      schema: {
        summary: 'A center: where it stands, and what its scope holds by partition and type',
        params: centerParams,
        response: { 200: centerOverview, 404: problem },
      },
    },
    ({ params: { id } }) => readOverview(parts, id),
  );

  const summary = 'What changes on the board, as server-sent events named `change`';
  const schema = { summary, response: { 200: eventStream } };
  api.get('/api/board/events', { schema }, (_request, reply) => {
    reply.hijack();
    const { raw } = reply;
    const forget = board.onChange((change: BoardChange) => {
      if (raw.writableLength > MOST_BUFFERED_BYTES) raw.destroy();
      else raw.write(eventFrame('change', change));
    });
    beginEventStream(raw, stopping, forget);
    raw.write(COMMENT);
  });
}
