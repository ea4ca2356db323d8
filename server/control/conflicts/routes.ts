import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { SyncError } from '../../../replication/errors.ts';
import { centerPartition, partitionOf } from '../../../replication/ids.ts';
import type { ServerParts } from '../../parts.ts';
import { failureOnRecord } from '../on-record.ts';
import { type Decider, RESOLVED, UNDONE } from './carry-out.ts';
import type { PersonDecision } from './person.ts';
import { presentConflict } from './present.ts';
import * as schemas from './schemas.ts';

/** Conflicts that wait for a person, and what a person decides, for administrators. */
export function registerConflicts(app: FastifyInstance, parts: ServerParts): void {
  registerReading(app, parts);
  registerDeciding(app, parts);
  registerUndoing(app, parts);
}

function registerReading(app: FastifyInstance, { conflicts }: ServerParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();

  api.get(
    '/api/conflicts',
    {
      schema: {
        summary: 'Conflicts that wait for a person',
        querystring: schemas.listQuery,
        response: { 200: schemas.listAnswer },
      },
    },
    async ({ query: { limit, ...filter } }) => {
      await conflicts.settled();
      const page = [];
      for await (const entry of conflicts.list(filter)) {
        if (page.length === limit) return { conflicts: page, next: page.at(-1)?.id ?? null };
        page.push(entry);
      }
      return { conflicts: page, next: null };
    },
  );

  api.get(
    '/api/conflicts/:id',
    {
      schema: {
        summary: 'One conflict: base, sides and what is suggested',
        params: schemas.conflictParams,
        response: { 200: schemas.conflictAnswer, 404: schemas.problems[404] },
      },
    },
    async ({ params }) => {
      await conflicts.settled();
      return presentConflict(await conflicts.get(params.id));
    },
  );
}

function registerDeciding(app: FastifyInstance, parts: ServerParts): void {
  const { conflicts } = parts;
  const api = app.withTypeProvider<ZodTypeProvider>();
  const decide = (
    documentId: string,
    decision: PersonDecision & { note?: string | undefined },
    request: FastifyRequest,
  ) => {
    const act = { action: RESOLVED, from: request.ip, documentId, details: {} };
    const by = deciderOf(request, decision);
    return failureOnRecord(parts, act, () => conflicts.decide(documentId, decision, by));
  };
  const response = { 200: schemas.done, ...schemas.problems };

  api.post(
    '/api/conflicts/:id',
    {
      schema: {
        summary: 'Decide a conflict',
        description:
          'Lets one side stand as it is, or writes a merged document. 409: the sides have changed since.',
        params: schemas.conflictParams,
        body: schemas.decision,
        response,
      },
    },
    async (request) => decide(request.params.id, request.body, request),
  );

  api.post(
    '/sync/resolve-conflicts/:centerId',
    {
      schema: {
        summary: 'Decide a conflict of a center',
        params: schemas.centerParams,
        body: schemas.centerDecision,
        response,
      },
    },
    async (request) => {
      const { id, ...decision } = request.body;
      const { centerId } = request.params;
      if (partitionOf(id) !== centerPartition(centerId)) {
        throw new SyncError('not_found', `${id} is no document of center ${centerId}`);
      }
      return decide(id, decision, request);
    },
  );
}

function registerUndoing(app: FastifyInstance, parts: ServerParts): void {
  const { conflicts } = parts;
  const api = app.withTypeProvider<ZodTypeProvider>();

  api.post(
    '/api/conflicts/undo/:entry',
    {
      schema: {
        summary: 'Undo a resolution by its audit entry',
        description: 'The sides live again, as new revisions, and wait for a person.',
        params: schemas.undoParams,
        body: schemas.undoBody,
        response: { 200: schemas.done, ...schemas.problems },
      },
    },
    async (request) => {
      const { entry } = request.params;
      const act = { action: UNDONE, from: request.ip, details: { undone: entry } };
      return failureOnRecord(parts, act, () => conflicts.undo(entry, deciderOf(request, request.body)));
    },
  );
}

function deciderOf({ ip }: FastifyRequest, said: { note?: string | undefined } | null | undefined): Decider {
  return { actor: 'admin', from: ip, note: said?.note };
}
