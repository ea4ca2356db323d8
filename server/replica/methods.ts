import type { FastifyInstance } from 'fastify';
import { SyncError } from '../../replication/errors.ts';

const METHODS = ['DELETE', 'GET', 'PATCH', 'POST', 'PUT'];

/**
 * Answers the methods that a path does not have as CouchDB does, not as a path that is not there: of a database that
 * is not there PouchDB's `destroy` says that it is destroyed.
 */
export function watchMethods(app: FastifyInstance): () => void {
  const known = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = known.get(url) ?? new Set();
    known.set(url, methods);
    for (const one of [method].flat()) methods.add(one);
  });
  return () => {
    for (const [url, methods] of [...known]) {
      const allowed = [...methods].sort().join(', ');
      const method = METHODS.filter((name) => !methods.has(name));
      app.route({
        url,
        method,
        exposeHeadRoute: false,
        async handler(_request, reply) {
          reply.header('allow', allowed);
          throw new SyncError('method_not_allowed', `Only ${allowed} allowed`);
        },
      });
    }
  };
}
