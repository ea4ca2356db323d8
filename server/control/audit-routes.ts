import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ServerParts } from '../parts.ts';

const PAGE = 100;
const LONGEST_PAGE = 1000;

const entry = z.object({
  n: z.int(),
  at: z.string(),
  action: z.string(),
  actor: z.string(),
  from: z.string().optional(),
  centerId: z.string().optional(),
  documentId: z.string().optional(),
  outcome: z.enum(['done', 'refused', 'failed']),
  details: z.record(z.string(), z.unknown()),
  previous: z.string(),
  hash: z.string(),
});

const query = z.object({
  center: z.string().optional(),
  document: z.string().optional(),
  action: z.string().optional(),
  actor: z.string().optional(),
  since: z.iso.datetime().optional(),
  until: z.iso.datetime().optional(),
  /** Only entries older than this number. */
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().positive().max(LONGEST_PAGE).default(PAGE),
});

/** `GET /api/audit`, and whether its chain is whole. */
export function registerAudit(app: FastifyInstance, { audit }: ServerParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();

  api.get(
    '/api/audit',
    {
      schema: {
        summary: 'What was done, by whom, when, from where and with which outcome; the newest first',
        querystring: query,
        response: { 200: z.object({ entries: z.array(entry), more: z.boolean() }) },
      },
    },
    async ({ query: { center, document, limit, ...filter } }) => {
      const entries = [];
      for await (const found of audit.list({ ...filter, centerId: center, documentId: document })) {
        if (entries.length === limit) return { entries, more: true };
        entries.push(found);
      }
      return { entries, more: false };
    },
  );

  api.post(
    '/api/audit/verify',
    {
      schema: {
        summary: 'Whether the audit log is whole: nothing altered, nothing missing',
        response: {
          200: z.object({
            entries: z.int(),
            broken: z.object({ n: z.int(), reason: z.string() }).nullable(),
          }),
        },
      },
    },
    async () => ({ entries: audit.length, broken: (await audit.verify()) ?? null }),
  );
}
