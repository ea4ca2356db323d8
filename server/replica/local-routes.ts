import type { FastifyInstance } from 'fastify';
import { NODE_REPORT_PREFIX } from '../../replication/node-report.ts';
import type { ServerParts } from '../parts.ts';
import { createLocalDocuments } from './local-documents.ts';
import { documentBody, type ReplicaRequest } from './request.ts';

interface LocalRoute {
  Params: { centerId: string; localId: string };
  Querystring: ReplicaRequest['query'];
}

/** `_local/<id>`: GET, PUT, DELETE, and the list of a center's own. */
export function registerLocalDocuments(
  app: FastifyInstance,
  { store, feed, exam, operations }: ServerParts,
): void {
  const locals = createLocalDocuments(store);
  const base = '/replicas/:centerId';

  app.get<LocalRoute>(`${base}/_local_docs`, async (request) => {
    const rows: object[] = [];
    for await (const { _id, _rev } of locals.list(request.params.centerId)) {
      rows.push({ id: _id, key: _id, value: { rev: _rev } });
    }
    return { total_rows: null, offset: null, rows };
  });
  const path = `${base}/_local/:localId`;
  app.get<LocalRoute>(path, ({ params }) => locals.get(params.centerId, `_local/${params.localId}`));
  app.put<LocalRoute>(path, async (request, reply) => {
    const { centerId, localId } = request.params;
    const doc = documentBody(request, `_local/${localId}`);
    const stored = await locals.put(centerId, doc);
    if (doc._id.startsWith(NODE_REPORT_PREFIX) && !doc._deleted) await exam.nodes.reported(centerId, doc);
    const reached = doc.last_seq ?? doc.source_last_seq;
    if (reached === undefined) operations.report(centerId);
    else operations.checkpoint(centerId, feed.isSequence(reached) ? 'download' : 'upload');
    return reply.code(201).send(stored);
  });
  app.delete<LocalRoute>(path, ({ params, query }) =>
    locals.delete(params.centerId, `_local/${params.localId}`, query.rev),
  );
}
