import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../../replication/answers.ts';
import { idPart } from '../../replication/fields.ts';
import type { ServerParts } from '../parts.ts';
import { failureOnRecord } from './on-record.ts';
import { createDecisions } from './quarantine-decisions.ts';

const PAGE = 1000;

const state = z.enum(['waiting', 'accepted', 'returned']);
const entry = z.object({
  key: z.string(),
  centerId: z.string(),
  id: z.string(),
  rev: z.string(),
  reason: z.string(),
  at: z.string(),
  state,
  decidedAt: z.string().optional(),
  note: z.string().optional(),
  doc: z.unknown(),
});
/** `more`: there are more than `limit`. */
const page = z.object({ entries: z.array(entry), more: z.boolean() });

/** The quarantine, for administrators. */
export function registerQuarantine(app: FastifyInstance, parts: ServerParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const decide = createDecisions(parts);

  api.get(
    '/api/quarantine',
    {
      schema: {
        summary: 'Writes of centers that were refused, with their reasons and what was decided',
        querystring: z.object({
          center: idPart.optional(),
          state: state.optional(),
          limit: z.coerce.number().int().positive().max(10_000).default(PAGE),
        }),
        response: { 200: page },
      },
    },
    async ({ query: { center, state: wanted, limit } }) => {
      const entries = [];
      for await (const one of parts.quarantine.list(center)) {
        if (wanted !== undefined && one.state !== wanted) continue;
        if (entries.length === limit) return { entries, more: true };
        entries.push(one);
      }
      return { entries, more: false };
    },
  );

  api.post(
    '/api/quarantine/decide',
    {
      schema: {
        summary: 'Accept a refused write, or return it to its center',
        description:
          'Accepted, it is written into the hub as it came. Returned, its center sees the note. It is decided once.',
        body: z.object({
          key: z.string(),
          decision: z.enum(['accept', 'return']),
          note: z.string().max(2000).optional(),
        }),
        response: { 200: entry, 400: problem, 404: problem, 409: problem },
      },
    },
    async ({ body, ip }) => {
      const action = body.decision === 'accept' ? 'quarantine.accepted' : 'quarantine.returned';
      const act = { action, from: ip, details: { key: body.key } };
      return failureOnRecord(parts, act, () => decide({ ...body, from: ip }));
    },
  );
}
