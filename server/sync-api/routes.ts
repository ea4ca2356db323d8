import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { SyncError } from '../../replication/errors.ts';
import { describeCenterRoute } from '../control/api-description.ts';
import { readCenterState } from '../control/center-state.ts';
import type { Identity } from '../control/credentials.ts';
import type { Operation } from '../control/operations.ts';
import { optionalBody } from '../control/schemas.ts';
import type { ServerParts } from '../parts.ts';
import { recordWrites } from '../replica/record-writes.ts';
import { createCenterWrites } from '../replica/writes.ts';
import { TOKEN_SECONDS } from './access.ts';
import { type Admit, expectCenter } from './admit.ts';
import { registerEvents } from './event-routes.ts';
import { readChanges } from './incremental.ts';
import { recordsOf } from './records.ts';
import * as schemas from './schemas.ts';
import { createUpload } from './upload.ts';

/** The last operations that a status shows. */
const LAST_OPERATIONS = 10;

/** `/auth/token` and `/sync/*`: a center's data for programs that want plain JSON, of a center or an administrator. */
export function registerSyncApi(app: FastifyInstance, parts: ServerParts, admit: Admit): void {
  registerToken(app, parts, admit);
  app.register(async (sync) => {
    sync.addHook('onRoute', describeCenterRoute);
    sync.addHook('onRequest', async (request, reply) => {
      const identity = await admit(request, reply, request.headers.authorization);
      const { centerId } = request.params as { centerId: string };
      await expectCenter(parts, identity, centerId);
      if (identity.role === 'center') parts.operations.heard(centerId, request.ip);
    });
    registerTransfer(sync, parts);
    registerReports(sync, parts);
    registerEvents(sync, parts);
  });
}

function registerToken(app: FastifyInstance, { access, audit }: ServerParts, admit: Admit): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    '/auth/token',
    {
      schema: {
        summary: 'A token of 15 minutes for a center’s secret or the admin token',
        description: 'The credential stands in the body, or in the Authorization header.',
        security: [{}, { center: [] }, { admin: [] }],
        body: optionalBody(schemas.credentials),
        response: { 200: schemas.tokenAnswer, ...schemas.tokenProblems },
      },
    },
    async (request, reply) => {
      const identity = await admit(request, reply, authorizationOf(request.body, request));
      const actor = identity.role === 'center' ? `center ${identity.centerId}` : 'admin';
      const center = identity.role === 'center' ? { centerId: identity.centerId } : {};
      await audit.append({ action: 'token.issued', actor, from: request.ip, ...center, details: {} });
      const token = await access.issue(identity satisfies Identity);
      return { token, tokenType: 'Bearer' as const, expiresIn: TOKEN_SECONDS };
    },
  );
}

function authorizationOf(
  body: { centerId: string; secret: string } | { adminToken: string } | undefined,
  request: FastifyRequest,
): string | undefined {
  if (!body) return request.headers.authorization;
  if ('adminToken' in body) return `Bearer ${body.adminToken}`;
  return `Basic ${Buffer.from(`${body.centerId}:${body.secret}`).toString('base64')}`;
}

function registerTransfer(app: FastifyInstance, parts: ServerParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const upload = createUpload(parts, recordWrites(createCenterWrites(parts), parts));

  api.post(
    '/sync/incremental/:centerId',
    {
      schema: {
        summary: 'What has changed for a center since a cursor, deletions included',
        params: schemas.params,
        body: optionalBody(schemas.incrementalBody),
        response: { 200: schemas.changesAnswer, 400: schemas.badRequest },
      },
    },
    async ({ params: { centerId }, body: { since, types, limit } }) => {
      const page = await readChanges(parts, centerId, { since, types, limit });
      parts.operations.transferred(centerId, 'download', { records: page.changes.length });
      if (!page.hasMore) parts.operations.checkpoint(centerId, 'download');
      return page;
    },
  );

  api.post(
    '/sync/upload/:centerId',
    {
      schema: {
        summary: 'Store a center’s records; where one conflicts, nothing is stored',
        description:
          'Records are named by their enrollmentId (logs by their key) and carry the rev they were made on, or the ' +
          'request says by since what the sender has seen. What may not be stored is refused and kept in quarantine.',
        params: schemas.params,
        body: schemas.uploadBody,
        response: { 200: schemas.uploadAnswer, 400: schemas.badRequest, 409: schemas.uploadConflict },
      },
    },
    async ({ params: { centerId }, body: { since, ...lists } }, reply) => {
      const records = recordsOf(centerId, lists);
      if ('reason' in records) throw new SyncError('bad_request', records.reason);
      const done = await upload(centerId, records, since);
      if ('outcomes' in done) {
        parts.operations.checkpoint(centerId, 'upload');
        return done;
      }
      const { conflicts } = done;
      const reason = `${conflicts.length} of ${records.length} records conflict; nothing was stored`;
      return reply.code(409).send({ error: 'conflict', reason, conflicts });
    },
  );
}

function registerReports(app: FastifyInstance, parts: ServerParts): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const { params } = schemas;

  api.get(
    '/sync/status/:centerId',
    { schema: { summary: 'Where a center stands', params, response: { 200: schemas.statusAnswer } } },
    async ({ params: { centerId } }) => {
      const state = await readCenterState(parts, centerId);
      const { since: _, pendingDownload, pendingUpload, ...rest } = state;
      const operations = await parts.operations.list(centerId, { limit: LAST_OPERATIONS });
      return {
        ...rest,
        pending: { download: pendingDownload, upload: pendingUpload },
        operations: operations.map(shown),
      };
    },
  );

  api.get(
    '/sync/operations/:centerId',
    {
      schema: {
        summary: 'A center’s replications, the newest first',
        params,
        querystring: schemas.operationsQuery,
        response: { 200: schemas.operationsAnswer, 400: schemas.badRequest },
      },
    },
    async ({ params: { centerId }, query: { before, limit } }) => {
      const found = await parts.operations.list(centerId, { before, limit: limit + 1 });
      const operations = found.slice(0, limit);
      const next = found.length > limit ? (operations.at(-1)?.id ?? null) : null;
      return { operations: operations.map(shown), next };
    },
  );
}

function shown({ centerId: _, from: __, ...operation }: Operation): Omit<Operation, 'centerId' | 'from'> {
  return operation;
}
