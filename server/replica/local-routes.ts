import type { FastifyInstance } from 'fastify';
import type { ServerParts } from '../parts.ts';
import { createLocalDocuments } from './local-documents.ts';
import { documentBody, type ReplicaRequest } from './request.ts';

interface LocalRoute {
  Params: { centerId: string; localId: string };
  Querystring: ReplicaRequest['query'];
}

/** `_local/<id>`: GET, PUT, DELETE, and the list of a center's own. */
export function registerLocalDocuments(app: FastifyInstance, { store }: ServerParts): void {
  const locals = createLocalDocuments(store);
  const base = '/replicas/:centerId';

  app.get<LocalRoute>(`${base}/_local_docs`, async (request) => {
    const rows: object[] = [];
    for await (const { _id, _rev } of locals.list(request.params.centerId)) {
      rows.push({ id: _id, key: _id, value: { rev: _rev } });
    }
    return { total_rows: null, offset: null, rows };
  });
  // A client may percent-encode the slash of `_local/<id>`.
  for (const path of [`${base}/_local/:localId`, `${base}/_local%2F:localId`]) {
    app.get<LocalRoute>(path, ({ params }) => locals.get(params.centerId, `_local/${params.localId}`));
    app.put<LocalRoute>(path, async (request, reply) => {
      const { centerId, localId } = request.params;
      const doc = documentBody(request, `_local/${localId}`);
      return reply.code(201).send(await locals.put(centerId, doc));
    });
    app.delete<LocalRoute>(path, ({ params, query }) =>
      locals.delete(params.centerId, `_local/${params.localId}`, query.rev),
    );
  }
}
