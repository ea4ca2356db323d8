import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../../../replication/answers.ts';
import { SyncError } from '../../../replication/errors.ts';
import type { ServerParts } from '../../parts.ts';
import type { Ingest } from './ingest.ts';

const PAGE = 1000;

const status = z.object({
  state: z.enum(['reading', 'streaming', 'polling', 'down']),
  lastChangeAt: z.string().nullable(),
  errors: z.int(),
  error: z.string().nullable(),
});

const errors = z.object({
  errors: z.array(
    z.object({
      collection: z.string(),
      id: z.string(),
      key: z.string().nullable(),
      field: z.string(),
      reason: z.string(),
      at: z.string(),
    }),
  ),
  more: z.boolean(),
});

const query = z.object({ limit: z.coerce.number().int().positive().max(10_000).default(PAGE) });

/** `/api/ingest`: where it stands, and what does not fit. */
export function registerIngest(app: FastifyInstance, { ingest }: Pick<ServerParts, 'ingest'>): void {
  const api = app.withTypeProvider<ZodTypeProvider>();

  api.get(
    '/api/ingest',
    { schema: { summary: 'Where ingest from MongoDB stands', response: { 200: status, 404: problem } } },
    async () => configured(ingest).status(),
  );

  api.get(
    '/api/ingest/errors',
    {
      schema: {
        summary: 'Documents of the service’s MongoDB that do not fit, with the reason',
        description: 'One that is corrected is picked up, and leaves the list.',
        querystring: query,
        response: { 200: errors, 404: problem },
      },
    },
    async ({ query: { limit } }) => {
      const list = [];
      for await (const error of configured(ingest).errors()) {
        if (list.length === limit) return { errors: list, more: true };
        list.push(error);
      }
      return { errors: list, more: false };
    },
  );
}

function configured(ingest: Ingest | undefined): Ingest {
  if (ingest) return ingest;
  throw new SyncError('not_found', 'there is no ingest: INGEST_MONGODB_URI is not set');
}
